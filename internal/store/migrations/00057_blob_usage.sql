-- +goose Up
-- How many bytes accounts have stored lately, so that their quotas outlast a process and
-- hold over all nodes. Each process writes rows of its own.
CREATE TABLE blob_usage (
    node TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    slot BIGINT NOT NULL,  -- a span of time, of which quotas know the length
    bytes BIGINT NOT NULL, -- in it, by this process
    PRIMARY KEY (node, user_id, slot)
);
