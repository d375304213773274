-- +goose Up
CREATE TABLE alchemy_requests (
    id TEXT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    priority BIGINT NOT NULL,
    body TEXT NOT NULL
);
CREATE INDEX alchemy_requests_expires ON alchemy_requests (expires);

CREATE TABLE forms (
    id TEXT PRIMARY KEY,
    request_id TEXT NOT NULL,
    position BIGINT NOT NULL,
    name TEXT NOT NULL,
    payload TEXT NOT NULL DEFAULT '',
    state BIGINT NOT NULL DEFAULT 0,
    worker_id TEXT NOT NULL DEFAULT '',
    started BIGINT NOT NULL DEFAULT 0,
    ends BIGINT NOT NULL DEFAULT 0,
    aborts BIGINT NOT NULL DEFAULT 0,
    version BIGINT NOT NULL DEFAULT 1,
    result TEXT NOT NULL DEFAULT '',
    blob TEXT NOT NULL DEFAULT ''
);
CREATE INDEX forms_request ON forms (request_id);
CREATE INDEX forms_running ON forms (ends) WHERE state = 1;

CREATE TABLE form_results (
    id TEXT PRIMARY KEY,
    result TEXT NOT NULL,
    blob TEXT NOT NULL DEFAULT '',
    trusted BOOLEAN NOT NULL,
    expires BIGINT NOT NULL
);
CREATE INDEX form_results_expires ON form_results (expires);
