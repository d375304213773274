-- +goose Up
-- How many jobs were finished within the last hour, day and 30 days, and ever, but
-- for those in young buckets (of seconds, and of minutes of a model), by
-- kind (model '') and by model: what a reading sums up, over the shards.
CREATE TABLE stats (
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    shard BIGINT NOT NULL, -- nodes write rows of their own
    hour_jobs BIGINT NOT NULL,
    hour_things BIGINT NOT NULL,
    day_jobs BIGINT NOT NULL,
    day_things BIGINT NOT NULL,
    month_jobs BIGINT NOT NULL,
    month_things BIGINT NOT NULL,
    total_jobs BIGINT NOT NULL,
    total_things BIGINT NOT NULL,
    PRIMARY KEY (kind, model, shard)
);

-- The same jobs by when they were finished. A background job adds those of young
-- buckets to the counters above, and takes those that are
-- too old out of them, merging the buckets into coarser ones.
CREATE TABLE stats_buckets (
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    grain BIGINT NOT NULL, -- length of the bucket in microseconds
    start BIGINT NOT NULL, -- microseconds; a multiple of grain
    shard BIGINT NOT NULL,
    jobs BIGINT NOT NULL,
    things BIGINT NOT NULL,
    PRIMARY KEY (kind, model, grain, start, shard)
);
CREATE INDEX stats_buckets_age ON stats_buckets (grain, start);

-- How far the jobs from before this schema have been counted.
CREATE TABLE stats_backfill (
    id BIGINT PRIMARY KEY, -- 1
    until BIGINT NOT NULL, -- microseconds; later ones count themselves
    cursor TEXT NOT NULL,  -- id of the last ledger event that was counted
    done BOOLEAN NOT NULL DEFAULT FALSE
);
