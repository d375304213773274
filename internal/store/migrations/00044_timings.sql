-- +goose Up
CREATE TABLE timings (
    hour BIGINT NOT NULL,
    machine TEXT NOT NULL,
    baseline TEXT NOT NULL,
    batch BIGINT NOT NULL,
    micros BIGINT NOT NULL,
    features TEXT NOT NULL
);
CREATE INDEX timings_hour ON timings (hour);
