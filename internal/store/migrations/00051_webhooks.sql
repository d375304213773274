-- +goose Up
-- Webhooks that are still to be called, and those that were given up. A row is
-- written with the delivery that it tells of and goes when its receiver took it.
CREATE TABLE webhooks (
    id TEXT PRIMARY KEY,        -- of the job or form that it tells of
    user_id BIGINT NOT NULL,    -- whose request it was
    request_id TEXT NOT NULL,
    kind TEXT NOT NULL,         -- image, text, form
    address TEXT NOT NULL,
    host TEXT NOT NULL,         -- of the address
    body TEXT NOT NULL,         -- with the mark in place of an image
    mark TEXT NOT NULL,         -- '': there is no image
    blob TEXT NOT NULL,         -- name of the image
    by_link BOOLEAN NOT NULL,   -- how it is shown
    base TEXT NOT NULL,         -- what links begin with
    created BIGINT NOT NULL,    -- microseconds, as all times
    due BIGINT NOT NULL,        -- when it is called next; while it is called, when it may be called again
    attempts BIGINT NOT NULL,   -- that were begun
    error TEXT NOT NULL,        -- of the last one, '' while there is none
    dead BOOLEAN NOT NULL       -- it was given up
);
CREATE INDEX webhooks_due ON webhooks (dead, due);
CREATE INDEX webhooks_user ON webhooks (user_id, dead, created);

-- What webhooks of an account are signed with. The secrets are encrypted.
CREATE TABLE webhook_secrets (
    user_id BIGINT PRIMARY KEY,
    secret TEXT NOT NULL,
    created BIGINT NOT NULL,
    previous TEXT NOT NULL,         -- '': none
    previous_until BIGINT NOT NULL  -- until when it signs too
);
