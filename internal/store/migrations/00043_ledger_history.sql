-- +goose Up
-- Postings lie by account and time, so that the newest of a user are found at
-- once; a further index for that would cost every delivery a fifth more writing.
-- Below 0 is a time that is not filled in yet: a node of the version before has
-- written the posting (Tx.DatePostings).
--
-- The first statement keeps such nodes waiting until the copy is whole; they go
-- on with the new table.
ALTER TABLE ledger_postings ADD COLUMN copied BIGINT;
CREATE TABLE ledger_postings_dated (
    account TEXT NOT NULL,
    at BIGINT NOT NULL DEFAULT -1,
    event_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (account, at, event_id)
);
INSERT INTO ledger_postings_dated (account, at, event_id, amount)
SELECT p.account, COALESCE(e.created, 0), p.event_id, p.amount FROM ledger_postings p
LEFT JOIN ledger_events e ON e.id = p.event_id ORDER BY e.created, p.event_id;
DROP TABLE ledger_postings;
ALTER TABLE ledger_postings_dated RENAME TO ledger_postings;
CREATE INDEX ledger_postings_undated ON ledger_postings (event_id) WHERE at < 0;

-- Who supports the horde by Patreon, and the whole kudos each month that this and
-- a subscription by Stripe are worth.
ALTER TABLE users ADD COLUMN patron BOOLEAN NOT NULL DEFAULT FALSE;
ALTER TABLE users ADD COLUMN patreon_kudos BIGINT NOT NULL DEFAULT 0;
ALTER TABLE users ADD COLUMN stripe_kudos BIGINT NOT NULL DEFAULT 0;
