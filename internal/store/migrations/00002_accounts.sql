-- +goose Up
ALTER TABLE users ADD COLUMN proxy_passkey TEXT NOT NULL DEFAULT '';
ALTER TABLE users ADD COLUMN monthly_kudos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN monthly_received BIGINT NOT NULL DEFAULT 0;

CREATE TABLE transfers (
    id TEXT PRIMARY KEY,
    source_id BIGINT NOT NULL,
    target_id BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    created BIGINT NOT NULL
);
CREATE INDEX transfers_pair ON transfers (source_id, target_id, created);
