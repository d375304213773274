package live

import (
	"context"
	"errors"
	"slices"
	"testing"

	"horde/internal/horde"
	"horde/internal/store"
)

// database is one in which there is one request, with a part while it is not over.
type database struct {
	keeper
	row    request
	parts  []string
	reads  int
	during func() // happens between the reading of the row and that of its parts
	fails  error
	now    horde.Micros
}

func (db *database) mirror() *Mirror[request, string] {
	read := func() ([]request, error) {
		db.reads++
		if db.row.key == "" {
			return nil, db.fails
		}
		return []request{db.row}, db.fails
	}
	parts := func() ([]string, error) {
		if during := db.during; during != nil {
			db.during = nil
			during()
		}
		return db.parts, db.fails
	}
	return NewMirror(Source[request, string]{
		Now:       func() horde.Micros { return db.now },
		Requests:  func(context.Context, []string) ([]request, error) { return read() },
		Parts:     func(context.Context, []string) ([]string, error) { return parts() },
		Open:      func(context.Context, horde.Micros) ([]request, error) { return read() },
		OpenParts: func(context.Context, horde.Micros) ([]string, error) { return parts() },
		Head:      func(r *request) (string, horde.Micros) { return r.key, 1 << 60 },
		RequestOf: func(*string) string { return db.row.key },
		Changed:   func(c *store.Changes) []string { return c.Requests },
		Known:     db.Keys,
		Take: func(rows []Rows[request, string], gone []string) []string {
			return BringIn(db.Index, db, rows, gone, db.now)
		},
		TakeOwn: func(c *store.Committed) { db.take(nil, c.Deleted...) },
	})
}

// A reading that takes so long that its request has ended here and left memory meanwhile
// does not bring the old state back: the request is read once more.
func TestASlowReadingIsDoneOnceMore(t *testing.T) {
	db := &database{keeper: house(), row: request{key: id(1), user: 1, waits: 1, version: 1}}
	m := db.mirror()
	db.during = func() {
		db.during = func() {
			db.row.waits, db.row.version = 0, 2
			if err := m.Refresh(t.Context(), []string{id(1)}); err != nil {
				t.Error(err)
			}
			for range 2 {
				db.now += 2 * horde.MicrosIn(lingers)
				db.RetireLocked(db.now)
			}
			if db.Requests.Get(id(1)) != nil {
				t.Error("it has not left memory")
			}
		}
	}
	if err := m.Refresh(t.Context(), []string{id(1)}); err != nil { // it is known, and open
		t.Fatal(err)
	}
	db.reads = 0
	if err := m.Refresh(t.Context(), []string{id(1)}); err != nil {
		t.Fatal(err)
	}
	if e := db.Requests.Get(id(1)); e == nil || e.waits > 0 || e.version != 2 {
		t.Errorf("in memory: %+v", e)
	}
	if db.reads != 3 {
		t.Errorf("read %d times", db.reads)
	}
}

func TestAReloadTakesWhatIsOpenAndForgetsWhatIsGone(t *testing.T) {
	db := &database{keeper: house(), row: request{key: "a", user: 1, waits: 1, version: 1}, parts: []string{"part"}}
	m := db.mirror()
	if err := m.Hear(t.Context(), &store.Changes{Missed: true}); err != nil || db.Requests.JobsOf(1) != 1 {
		t.Errorf("%d jobs, %v", db.Requests.JobsOf(1), err)
	}

	db.row, db.parts = request{}, nil
	if err := m.Reload(t.Context()); err != nil || db.Requests.Get("a") != nil {
		t.Errorf("what is gone is still there, %v", err)
	}

	db.fails = errors.New("no answer")
	if err := m.Reload(t.Context()); !errors.Is(err, db.fails) {
		t.Error(err)
	}
}

func TestOwnChangesAreHeardOfWithoutReading(t *testing.T) {
	db := &database{keeper: house(), row: request{key: "a", user: 1, waits: 1, version: 1}}
	m := db.mirror()
	if err := m.Hear(t.Context(), &store.Changes{Requests: []string{"a"}}); err != nil || db.Requests.Get("a") == nil {
		t.Errorf("another node's request is not there, %v", err)
	}

	db.reads = 0
	gone := &store.Changes{Own: true, Committed: store.Committed{Deleted: []string{"a"}}}
	if err := m.Hear(t.Context(), gone); err != nil || db.reads > 0 || db.Requests.Get("a") != nil {
		t.Errorf("%d reads of this node's own change, %v", db.reads, err)
	}
	if keys := db.Keys(); !slices.Equal(keys, nil) {
		t.Errorf("left: %v", keys)
	}
}
