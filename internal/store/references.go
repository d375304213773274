package store

import (
	"context"

	"horde/internal/horde"
)

// Reference is the last good copy of a model reference (platform §15).
// What stands in it, only package catalog knows.
type Reference struct {
	Slot    string       // which of the references: primary key
	Source  string       // file or URL that it came from
	Digest  string       // of Document
	Models  int64        // entries that could be read
	Fetched horde.Micros // when the source last gave it
	Changed horde.Micros // when the source last gave another one

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

// PutReference keeps v as the copy of its slot. It reports whether the document is
// another than before: only then Changed moves, and other nodes hear of it.
func (tx *Tx) PutReference(v Reference) (changed bool, err error) {
	old, err := read(tx, scanText, "SELECT digest FROM model_references WHERE slot = $1"+tx.w.s.engine.forUpdate, v.Slot)
	if err != nil {
		return false, err
	}
	if len(old) > 0 && old[0] == v.Digest {
		_, err := tx.change("UPDATE model_references SET source = $2, models = $3, fetched = $4 WHERE slot = $1",
			v.Slot, v.Source, v.Models, v.Fetched)
		return false, err
	}

	tx.changed.References = true
	_, err = tx.change("INSERT INTO model_references ("+referenceColumns+", document) "+
		"VALUES ($1, $2, $3, $4, $5, $6, $7) "+
		"ON CONFLICT (slot) DO UPDATE SET source = excluded.source, digest = excluded.digest, models = excluded.models, "+
		"fetched = excluded.fetched, changed = excluded.changed, document = excluded.document",
		v.Slot, v.Source, v.Digest, v.Models, v.Fetched, v.Changed, v.Document)
	return true, err
}

// DeleteReference forgets the copy of a slot. ErrNotFound: there is none.
func (tx *Tx) DeleteReference(slot string) error {
	n, err := tx.change("DELETE FROM model_references WHERE slot = $1", slot)
	if err == nil && n == 0 {
		return ErrNotFound
	}
	tx.changed.References = true
	return err
}
