-- +goose Up
CREATE TABLE filters (
    id BIGINT PRIMARY KEY,
    filter_type BIGINT NOT NULL,
    regex TEXT NOT NULL,
    description TEXT,
    replacement TEXT NOT NULL DEFAULT '',
    author_id BIGINT NOT NULL,
    editor_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL
);

CREATE TABLE refused_prompts (
    id TEXT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    prompt TEXT NOT NULL
);
CREATE INDEX refused_prompts_created ON refused_prompts (created);
