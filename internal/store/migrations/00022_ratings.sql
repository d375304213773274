-- +goose Up
CREATE TABLE rating_sets (
    id TEXT PRIMARY KEY,
    user_id BIGINT NOT NULL,
    created BIGINT NOT NULL,
    best TEXT NOT NULL DEFAULT '',
    body TEXT NOT NULL
);
CREATE INDEX rating_sets_created ON rating_sets (created);

CREATE TABLE ratings (
    set_id TEXT NOT NULL,
    picture_id TEXT NOT NULL,
    rating BIGINT NOT NULL,
    artifacts BIGINT NOT NULL DEFAULT -1,
    PRIMARY KEY (set_id, picture_id)
);
