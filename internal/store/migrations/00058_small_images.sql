-- +goose Up
-- Small images that are removed again soon, such as source images. Only a database that
-- one process has to itself holds any: older nodes beside it would not look for them here.
CREATE TABLE small_images (
    name TEXT PRIMARY KEY,
    created BIGINT NOT NULL,
    data BYTEA NOT NULL
);
CREATE INDEX small_images_created ON small_images (created);
