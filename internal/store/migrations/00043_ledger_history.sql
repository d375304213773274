-- +goose Up
-- When a posting of a user was made: 0 for the accounts of the system, below 0
-- where that is not filled in yet (made by a program of before; Tx.DatePostings).
ALTER TABLE ledger_postings ADD COLUMN at BIGINT NOT NULL DEFAULT -1;
CREATE INDEX ledger_postings_at ON ledger_postings (account, at) WHERE at > 0;
CREATE INDEX ledger_postings_undated ON ledger_postings (event_id) WHERE at < 0;

-- Who supports the horde by Patreon, and the whole kudos each month that this and
-- a subscription by Stripe are worth.
ALTER TABLE users ADD COLUMN patron BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN patreon_kudos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN stripe_kudos BIGINT NOT NULL DEFAULT 0;
