-- +goose Up
-- Counters of finished jobs in buckets of time. Each job is in one row of its kind
-- (model '') and in one of its model. A background job merges old rows into
-- coarser ones, so that the table stays small however many jobs there were.
CREATE TABLE stats (
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    grain BIGINT NOT NULL, -- length of the bucket in microseconds; 0: all that came before the others
    start BIGINT NOT NULL, -- microseconds; a multiple of grain
    shard BIGINT NOT NULL, -- nodes write rows of their own
    jobs BIGINT NOT NULL,
    things BIGINT NOT NULL,
    PRIMARY KEY (kind, model, grain, start, shard)
);
CREATE INDEX stats_age ON stats (grain, start);

-- How far the jobs from before this schema have been counted.
CREATE TABLE stats_backfill (
    id BIGINT PRIMARY KEY, -- 1
    until BIGINT NOT NULL, -- microseconds; later ones count themselves
    cursor TEXT NOT NULL,  -- id of the last ledger event that was counted
    done BOOLEAN NOT NULL DEFAULT FALSE
);
