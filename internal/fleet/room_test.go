package fleet

import (
	"fmt"
	"strings"
	"testing"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// long is as many models as a scribe may offer, some 50 KB.
func long(name string) (models []string) {
	for i := range maxTextModels {
		models = append(models, fmt.Sprint(name, " ", i, " ", strings.Repeat("x", 240)))
	}
	return models
}

// TestLongDeclarationsHaveABoundInAll: accounts cost nothing, so that many of them could
// declare more than fits in memory. What is short always fits.
func TestLongDeclarationsHaveABoundInAll(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		u := n.user(t, account.Trusted)
		checkIn := func(name string, models ...string) horde.Code {
			_, err := n.CheckInText(t.Context(), u, textPop(name, models...), "10.0.0.1")
			if err != nil && horde.CodeOf(err) == "" {
				t.Fatal(err)
			}
			return horde.CodeOf(err)
		}

		if code := checkIn("first", long("first")...); code != "" {
			t.Fatal(code)
		}
		size := n.held.long
		if size < maxTextModels*240 || checkIn("first", long("again")...) != "" || n.held.long > size+size/10 {
			t.Fatalf("one long declaration counts %d, then %d", size, n.held.long)
		}

		// Of others, no longer there.
		others := long("others")
		var gone []string
		for i := range (longDeclarations - n.held.long) / size {
			row := store.Worker{ID: horde.NewID(), Kind: horde.KindText, UserID: 999, Name: fmt.Sprint("other ", i),
				Settings: settingsText(Settings{Models: others})}
			if err := n.put(row, nil); err != nil {
				t.Fatal(err)
			}
			gone = append(gone, row.ID)
		}

		for _, tt := range []struct {
			what, name string
			models     []string
			want       horde.Code
		}{
			{"a new worker with a long one", "second", long("second"), horde.ServerBusy},
			{"a new worker with a short one", "second", []string{"model"}, ""},
			{"a worker whose declaration becomes long", "second", long("second"), horde.ServerBusy},
			{"a worker whose declaration stays as long", "first", long("third"), ""},
		} {
			if code := checkIn(tt.name, tt.models...); code != tt.want {
				t.Errorf("%s: %q, want %q", tt.what, code, tt.want)
			}
		}

		n.drop(gone...)
		if code := checkIn("second", long("second")...); code != "" || n.held.long > 3*size {
			t.Errorf("when the others are gone: %q, and %d bytes", code, n.held.long)
		}
	})
}

func TestAnOwnerHasSoManyAlchemists(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	u := *n.user(t, 0)
	may := func(kind horde.Kind) horde.Code {
		return horde.CodeOf(n.mayCreate(t.Context(), &u, kind, "one more", "", "10.0.0.2"))
	}

	for i := range mostAlchemists {
		if code := may(horde.KindAlchemy); code != "" {
			t.Fatalf("alchemist %d: %s", i, code)
		}
		row := store.Worker{ID: horde.NewID(), Kind: horde.KindAlchemy, UserID: u.ID, Name: fmt.Sprint("a", i),
			Addr: "10.0.0.1", Settings: "{}"}
		insert(t, n, row)
	}
	if alchemist, image := may(horde.KindAlchemy), may(horde.KindImage); alchemist != horde.TooManyWorkers || image != "" {
		t.Errorf("one more alchemist: %q, an image worker: %q", alchemist, image)
	}
	if u.WorkerInvited = mostAlchemists + 1; may(horde.KindAlchemy) != "" {
		t.Error("an owner who is invited to more cannot have one more")
	}
}
