package store

import "context"

// Reference is the last good copy of a model reference (platform rulebook §15).
// What stands in it, only package catalog knows.
type Reference struct {
	Slot    string // which of the references: primary key
	Source  string // file or URL that it came from
	Digest  string // of Document
	Models  int64  // entries that could be read
	Fetched int64  // when the source last gave it
	Changed int64  // when the source last gave another one
	// Document is the text as it came: JSON. Listings leave it out.
	Document string
}

const referenceColumns = "slot, source, digest, models, fetched, changed"

func scanReferenceHead(r scanner) (v Reference, err error) {
	return v, r.Scan(&v.Slot, &v.Source, &v.Digest, &v.Models, &v.Fetched, &v.Changed)
}

func scanReference(r scanner) (v Reference, err error) {
	return v, r.Scan(&v.Slot, &v.Source, &v.Digest, &v.Models, &v.Fetched, &v.Changed, &v.Document)
}

// References lists the stored references without their documents, in the order of
// slots.
func (s *Store) References(ctx context.Context) ([]Reference, error) {
	return rows(ctx, s, scanReferenceHead, "SELECT "+referenceColumns+" FROM model_references ORDER BY slot")
}

// Reference reads one reference with its document; ErrNotFound when there is none.
func (s *Store) Reference(ctx context.Context, slot string) (Reference, error) {
	return one(ctx, s, scanReference, "SELECT "+referenceColumns+", document FROM model_references WHERE slot = $1", slot)
}
