-- +goose Up
CREATE TABLE address_bans (
    network TEXT NOT NULL,
    block BOOLEAN NOT NULL,
    until BIGINT NOT NULL,
    PRIMARY KEY (network, block)
);
CREATE INDEX address_bans_until ON address_bans (until);

CREATE TABLE address_offences (
    id TEXT PRIMARY KEY,
    network TEXT NOT NULL,
    proxy BOOLEAN NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX address_offences_network ON address_offences (network, proxy, at);
CREATE INDEX address_offences_at ON address_offences (at);

CREATE TABLE worker_messages (
    id TEXT PRIMARY KEY,
    worker_id TEXT NOT NULL DEFAULT '',
    user_id BIGINT NOT NULL,
    message TEXT NOT NULL,
    origin TEXT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX worker_messages_expires ON worker_messages (expires);
CREATE INDEX worker_messages_created ON worker_messages (created, id);
CREATE INDEX worker_messages_user ON worker_messages (user_id, expires);
