-- +goose Up
-- Which pop a job or form was handed out by: what one pop takes and fails with is
-- one failure of its worker. Empty in rows of older nodes.
ALTER TABLE jobs ADD COLUMN pop TEXT NOT NULL DEFAULT '';
ALTER TABLE forms ADD COLUMN pop TEXT NOT NULL DEFAULT '';
-- A job that failed by no fault of its worker's.
ALTER TABLE jobs ADD COLUMN excused BOOLEAN NOT NULL DEFAULT FALSE;
-- What failed on a form: worker/pop for each failure, with commas.
ALTER TABLE forms ADD COLUMN failed_by TEXT NOT NULL DEFAULT '';
