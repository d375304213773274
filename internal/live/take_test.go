package live

import (
	"bytes"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"

	"horde/internal/horde"
	"horde/internal/waiting"
)

// requestRows are rows whose request is as it is read, and which have no parts.
type requestRows = Rows[request, string]

// keeper knows what rows mean that are requests themselves.
type keeper struct{ *Index[*request, *request] }

var errUnreadable = errors.New("unreadable")

func (keeper) Read(r *requestRows) (*request, error) {
	if r.Request.version < 0 {
		return nil, errUnreadable
	}
	read := r.Request
	return &read, nil
}

func (keeper) Commit(e *request, r *requestRows) { e.version = r.Request.version }

func (k keeper) Apply(e *request, r *requestRows) {
	if r.Request.version > e.version {
		e.version, e.waits = r.Request.version, r.Request.waits
		k.Requests.Changed(e)
	}
}

// rowsOf are these requests as rows that never expire.
func rowsOf(all ...request) (rows []requestRows) {
	for _, r := range all {
		r.expires = 1 << 60
		rows = append(rows, requestRows{Key: r.key, Expires: r.expires, Request: r})
	}
	return rows
}

// house is an index of nothing and its keeper.
func house() keeper {
	x := NewIndex[*request, *request](nil)
	x.Log = slog.New(slog.DiscardHandler)
	return keeper{x}
}

// take takes rows in and forgets those of gone that have none.
func (k keeper) take(rows []requestRows, gone ...string) (open []*request, outdated []string) {
	k.Lock()
	defer k.Unlock()
	return Take(k.Index, k, rows, gone, 0)
}

func TestNewerRowsWinWhateverTheirOrder(t *testing.T) {
	k := house()
	rows := rowsOf(
		request{key: "a", user: 1, waits: 2, version: 2},
		request{key: "broken", version: -1},
		request{key: "b", user: 1, waits: 1, version: 1},
		request{key: "over", user: 3, version: 1},
		request{key: "expired", waits: 1, version: 1},
	)
	rows[4].Expires = 0
	var log bytes.Buffer
	k.Log = slog.New(slog.NewTextHandler(&log, nil))
	open, outdated := k.take(rows)
	if len(open) != 2 || len(outdated) > 0 || !strings.Contains(log.String(), errUnreadable.Error()) {
		t.Errorf("took %d rows, %v are outdated, logged %q", len(open), outdated, log.String())
	}
	if k.Requests.Get("over") == nil || k.Requests.Get("expired") != nil {
		t.Error("what is over is taken in, what has expired is not")
	}

	w := waiting.NewWatch()
	k.follow([]string{"a", "b", "nobody's"}, w, -1)
	oldNews := request{key: "a", user: 1, waits: 9, version: 1}
	k.take(rowsOf(oldNews, request{key: "c", user: 2, waits: 4, version: 1}), "a", "b", "c")
	table := k.Requests
	if table.JobsOf(1) != 2 || table.JobsOf(2) != 4 || table.Get("b") != nil || table.Part("part of b") != nil {
		t.Errorf("left: %+v", table.Tally())
	}
	if changed := w.Changed(); !slices.Equal(changed, []string{"b"}) {
		t.Errorf("told of %v", changed)
	}
}

func TestOlderRowsBringNothingBack(t *testing.T) {
	k := house()
	before := rowsOf(request{key: id(1), user: 1, waits: 1, version: 3})
	after := rowsOf(request{key: id(1), user: 1, version: 4})
	take := func(rows []requestRows, want ...string) {
		t.Helper()
		if _, outdated := k.take(rows); !slices.Equal(outdated, want) {
			t.Errorf("outdated: %v, want %v", outdated, want)
		}
	}
	retire := func() {
		t.Helper()
		k.RetireLocked(0)
		k.RetireLocked(horde.MicrosIn(lingers))
		if k.Requests.Get(id(1)) != nil {
			t.Fatal("it is still there")
		}
	}

	take(before)
	take(after)
	retire()
	take(before, id(1))
	if k.Requests.Get(id(1)) != nil || k.Requests.JobsOf(1) > 0 {
		t.Error("it waits again")
	}

	// Whoever asks for it has it read again; once it is gone nothing is known of it.
	take(after)
	retire()
	k.take(nil, id(1))
	take(before)
}
