-- +goose Up
CREATE TABLE key_holds (
    request_id TEXT PRIMARY KEY,
    key_id TEXT NOT NULL,
    remaining BIGINT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX key_holds_key ON key_holds (key_id, created);

ALTER TABLE shared_keys ADD COLUMN held BIGINT NOT NULL DEFAULT 0;
