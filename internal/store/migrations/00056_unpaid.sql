-- +goose Up
-- What an account has earned, on one day, of what nobody paid for. Nodes of the version
-- before leave it as it is.
ALTER TABLE accounts ADD COLUMN unpaid_day BIGINT NOT NULL DEFAULT 0; -- since 1970, by UTC
ALTER TABLE accounts ADD COLUMN unpaid BIGINT NOT NULL DEFAULT 0;     -- hundredths

-- The same of all workers that call from one address.
CREATE TABLE unpaid_addresses (
    address TEXT PRIMARY KEY, -- a keyed hash of it
    day BIGINT NOT NULL,
    amount BIGINT NOT NULL
);
