-- +goose Up
CREATE TABLE model_references (
    slot TEXT PRIMARY KEY,
    source TEXT NOT NULL,
    digest TEXT NOT NULL,
    models BIGINT NOT NULL,
    fetched BIGINT NOT NULL,
    changed BIGINT NOT NULL,
    document TEXT NOT NULL
);
