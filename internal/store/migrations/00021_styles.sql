-- +goose Up
CREATE TABLE styles (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    info TEXT NOT NULL DEFAULT '',
    prompt TEXT NOT NULL,
    params TEXT NOT NULL DEFAULT '{}',
    public BOOLEAN NOT NULL DEFAULT TRUE,
    nsfw BOOLEAN NOT NULL DEFAULT FALSE,
    tags TEXT NOT NULL DEFAULT '[]',
    models TEXT NOT NULL DEFAULT '[]',
    examples TEXT NOT NULL DEFAULT '[]',
    shared_key TEXT NOT NULL DEFAULT '',
    use_count BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX styles_user ON styles (user_id, name);
CREATE INDEX styles_name ON styles (name);
CREATE INDEX styles_popular ON styles (kind, use_count, created);
CREATE INDEX styles_age ON styles (kind, created);
CREATE INDEX styles_key ON styles (shared_key) WHERE shared_key <> '';

CREATE TABLE style_words (
    style_id TEXT NOT NULL,
    kind TEXT NOT NULL,
    word TEXT NOT NULL,
    PRIMARY KEY (style_id, kind, word)
);

CREATE TABLE collections (
    id TEXT PRIMARY KEY,
    kind TEXT NOT NULL,
    user_id BIGINT NOT NULL,
    name TEXT NOT NULL,
    info TEXT NOT NULL DEFAULT '',
    public BOOLEAN NOT NULL DEFAULT TRUE,
    use_count BIGINT NOT NULL DEFAULT 0,
    created BIGINT NOT NULL
);
CREATE UNIQUE INDEX collections_user ON collections (user_id, name);
CREATE INDEX collections_name ON collections (name);

CREATE TABLE collection_styles (
    collection_id TEXT NOT NULL,
    style_id TEXT NOT NULL,
    PRIMARY KEY (collection_id, style_id)
);
CREATE INDEX collection_styles_style ON collection_styles (style_id);
