-- +goose Up
CREATE TABLE users (
    id BIGINT PRIMARY KEY,
    username TEXT NOT NULL,
    oauth_id TEXT NOT NULL UNIQUE,
    key_hash TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    roles BIGINT NOT NULL DEFAULT 0,
    concurrency BIGINT NOT NULL DEFAULT 30,
    worker_invited BIGINT NOT NULL DEFAULT 0,
    public_workers BOOLEAN NOT NULL DEFAULT FALSE,
    usage_multiplier BIGINT NOT NULL DEFAULT 1000,
    contact TEXT NOT NULL DEFAULT '',
    admin_comment TEXT NOT NULL DEFAULT '',
    suspicions TEXT NOT NULL DEFAULT ''
);

CREATE TABLE accounts (
    user_id BIGINT PRIMARY KEY,
    balance BIGINT NOT NULL DEFAULT 0,
    escrow BIGINT NOT NULL DEFAULT 0,
    held BIGINT NOT NULL DEFAULT 0,
    lowest BIGINT NOT NULL DEFAULT 0,
    last_active BIGINT NOT NULL DEFAULT 0,
    totals TEXT NOT NULL DEFAULT '{}'
);

CREATE TABLE ledger_events (
    id TEXT PRIMARY KEY,
    reason TEXT NOT NULL,
    request_id TEXT NOT NULL DEFAULT '',
    job_id TEXT NOT NULL DEFAULT '',
    created BIGINT NOT NULL,
    detail TEXT NOT NULL DEFAULT ''
);

CREATE TABLE ledger_postings (
    account TEXT NOT NULL,
    event_id TEXT NOT NULL,
    amount BIGINT NOT NULL,
    PRIMARY KEY (account, event_id)
);

CREATE TABLE holds (
    id TEXT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    original BIGINT NOT NULL,
    remaining BIGINT NOT NULL,
    created BIGINT NOT NULL
);

CREATE TABLE requests (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    jobs BIGINT NOT NULL,
    waiting BIGINT NOT NULL,
    faults BIGINT NOT NULL DEFAULT 0,
    faulted BOOLEAN NOT NULL DEFAULT FALSE,
    cancelled BOOLEAN NOT NULL DEFAULT FALSE,
    consumed BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 1,
    body TEXT NOT NULL
);
CREATE INDEX requests_expires ON requests (expires);

CREATE TABLE jobs (
    id TEXT PRIMARY KEY,
    request_id TEXT NOT NULL,
    worker_id TEXT NOT NULL,
    model TEXT NOT NULL,
    seed BIGINT NOT NULL,
    state BIGINT NOT NULL DEFAULT 0,
    fake BOOLEAN NOT NULL DEFAULT FALSE,
    started BIGINT NOT NULL,
    ttl BIGINT NOT NULL,
    finished BIGINT NOT NULL DEFAULT 0,
    censored BOOLEAN NOT NULL DEFAULT FALSE,
    result TEXT NOT NULL DEFAULT '',
    metadata TEXT NOT NULL DEFAULT ''
);
CREATE INDEX jobs_request ON jobs (request_id);
CREATE INDEX jobs_running ON jobs (started) WHERE state = 0;

CREATE TABLE workers (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    name TEXT NOT NULL UNIQUE,
    created BIGINT NOT NULL,
    last_check_in BIGINT NOT NULL,
    addr TEXT NOT NULL DEFAULT '',
    info TEXT NOT NULL DEFAULT '',
    maintenance BOOLEAN NOT NULL DEFAULT FALSE,
    maintenance_msg TEXT NOT NULL DEFAULT '',
    paused BOOLEAN NOT NULL DEFAULT FALSE,
    settings TEXT NOT NULL,
    totals TEXT NOT NULL DEFAULT '{}'
);
CREATE INDEX workers_user ON workers (user_id);

CREATE TABLE deliveries (
    job_id TEXT PRIMARY KEY,
    at BIGINT NOT NULL,
    kind TEXT NOT NULL,
    model TEXT NOT NULL,
    things BIGINT NOT NULL,
    micros BIGINT NOT NULL
);
CREATE INDEX deliveries_at ON deliveries (at);

CREATE TABLE nodes (
    id TEXT PRIMARY KEY,
    started BIGINT NOT NULL,
    seen BIGINT NOT NULL
);

CREATE TABLE changes (
    node TEXT NOT NULL,
    seq BIGINT NOT NULL,
    at BIGINT NOT NULL,
    payload TEXT NOT NULL,
    PRIMARY KEY (node, seq)
);

CREATE TABLE leases (
    name TEXT PRIMARY KEY,
    holder TEXT NOT NULL,
    until BIGINT NOT NULL
);

CREATE TABLE settings (
    name TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
