package text

import (
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/bridge"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/store"
)

func TestHowLongAScribeMayTake(t *testing.T) {
	for length, want := range map[int]time.Duration{16: 150 * time.Second, 75: 150 * time.Second, 76: 152 * time.Second,
		4096: 8192 * time.Second} {
		if got := (Work{&admission.Text{MaxLength: length}}).TTL(kinds.Pickup{}); got != want {
			t.Errorf("%d tokens: %v, want %v", length, got, want)
		}
	}
}

// How often a speed is beyond what hardware can reach (generation §5.10).
func TestASpeedBeyondHardwareIsSuspicious(t *testing.T) {
	for _, c := range []struct {
		model           string
		billions, speed float64
		want            int
	}{
		{"m", 0, 150, 0}, {"m", 0, 151, 1}, {"m", 7, 150, 0}, {"m", 7, 151, 2}, {"m", 14, 101, 1}, {"m", 14, 151, 2},
		{"m", 70, 31, 1}, {"m", 70, 30, 0}, {"m-8x22B", 140, 90, 0}, {"m-8x22B", 140, 91, 1}, {"m-8X7", 46, 301, 2},
		{"m-8x7", 46, 200, 1},
	} {
		t.Run(fmt.Sprintf("%s of %v at %v", c.model, c.billions, c.speed), func(t *testing.T) {
			if got := suspicionsOf(c.model, c.billions, c.speed); got != c.want {
				t.Errorf("%+v: %d", c, got)
			}
		})
	}
}

// What a text is worth to its worker, its owner and its requester (generation §6.3,
// generation §6.5).
func TestWhatATextIsWorth(t *testing.T) {
	c, err := catalog.New(catalog.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}

	trusted, stranger := &account.User{Roles: account.Trusted}, &account.User{}
	unknown := bridge.Parse("x:1:y")
	w := Work{&admission.Text{Common: admission.Common{N: 1}, MaxLength: 80, MaxContextLength: 1024}}

	c80 := w.Order(admission.Server{}) // of a prompt of no length
	for _, tt := range []struct {
		name     string
		worker   *fleet.Worker
		censored bool
		result   string
		made     int64
	}{
		{name: "trusted", worker: &fleet.Worker{Agent: unknown, Owner: trusted}, result: strings.Repeat("x", 320), made: 80},
		{name: "not trusted", worker: &fleet.Worker{Agent: unknown, Owner: stranger}, result: strings.Repeat("x", 320),
			made: 80},
		{name: "short", worker: &fleet.Worker{Agent: unknown, Owner: trusted}, result: "x", made: 20},
		{name: "censored", worker: &fleet.Worker{Agent: unknown, Owner: trusted}, censored: true,
			result: strings.Repeat("ä", 320), made: 80},
		{name: "the worker is gone", result: strings.Repeat("x", 320), made: 80},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := w.Value(kinds.Delivered{Result: tt.result, Censored: tt.censored, Model: "nobody/knows", Worker: tt.worker,
				Known: c.Snapshot()})
			charge := v.Reward + 1
			if tt.censored {
				charge = 1
			}

			if v.Reward <= 0 || v.Earned != horde.KudosOf(v.Reward) || v.Charge != horde.KudosOf(charge) ||
				v.Made != tt.made || int64(c80.Tokens(len([]rune(tt.result)))) != v.Made {
				t.Errorf("%+v", v)
			}

			if worth := v.Worth; (worth == 0) != tt.censored || worth != 0 && worth != v.Earned {
				t.Errorf("worth %s", worth)
			}
		})
	}
}

// The state of a finished text says what its metadata say of it (generation §2.6).
func TestMetadataDecideTheStateOfAText(t *testing.T) {
	for _, tt := range []struct {
		name     string
		censored bool
		metadata []api.GenMetadatum
		want     string
	}{
		{"ok", false, nil, "ok"},
		{"censored", true, []api.GenMetadatum{{Type: "censorship", Value: "nsfw"}}, "censored"},
		{"csam", true, []api.GenMetadatum{{Type: "censorship", Value: "csam"}}, "csam"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			j := &store.Job{JobResult: store.JobResult{Censored: tt.censored}}
			if g := Generation(kinds.Finished{Job: j, Shown: "once", Metadata: tt.metadata}); g.State != tt.want ||
				g.Text != "once" {
				t.Errorf("%+v", g)
			}
		})
	}
}

// No database keeps a NUL, and "R2" is a text like any other.
func TestATextIsKeptAsItIs(t *testing.T) {
	for result, want := range map[string]string{"a\x00b": "a\ufffdb", "R2": "R2", "": ""} {
		kept, err := (Work{&admission.Text{}}).Keep(t.Context(), result)
		if err != nil || kept.Row != want || kept.Image != nil {
			t.Errorf("%q: %+v, %v", result, kept, err)
		}
	}
}

// A text that is longer than its tokens can be is refused, by its bytes.
func TestATextIsAsLongAsItsTokensCanBe(t *testing.T) {
	w := Work{&admission.Text{MaxLength: 80}}
	if _, err := w.Keep(t.Context(), strings.Repeat("x", roomOfText+80*bytesPerToken)); err != nil {
		t.Errorf("a long text: %v", err)
	}

	var refused *horde.Error
	_, err := w.Keep(t.Context(), strings.Repeat("x", roomOfText+80*bytesPerToken+1))
	if !errors.As(err, &refused) || refused.Fields["generation"] == "" {
		t.Errorf("a text that is too long: %v", err)
	}
}
