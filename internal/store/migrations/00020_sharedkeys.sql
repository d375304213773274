-- +goose Up
CREATE TABLE shared_keys (
    id TEXT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    name TEXT NOT NULL DEFAULT '',
    budget BIGINT NOT NULL,
    utilized BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL DEFAULT 0,
    max_pixels BIGINT NOT NULL DEFAULT -1,
    max_steps BIGINT NOT NULL DEFAULT -1,
    max_tokens BIGINT NOT NULL DEFAULT -1
);
CREATE INDEX shared_keys_user ON shared_keys (user_id, created);

ALTER TABLE transfers ADD COLUMN shared_key TEXT NOT NULL DEFAULT '';
