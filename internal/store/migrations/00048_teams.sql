-- +goose Up
-- name_key is the name as it must be unique: in lower case, folded by the program.
CREATE TABLE teams (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    name_key TEXT NOT NULL UNIQUE,
    info TEXT NOT NULL DEFAULT '',
    user_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    kudos BIGINT NOT NULL DEFAULT 0,
    fulfilments BIGINT NOT NULL DEFAULT 0,
    things BIGINT NOT NULL DEFAULT 0,
    uptime BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX teams_user ON teams (user_id);

ALTER TABLE workers ADD COLUMN team TEXT NOT NULL DEFAULT '';
CREATE INDEX workers_team ON workers (team) WHERE team <> '';
