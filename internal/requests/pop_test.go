package requests

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/match"
	"horde/internal/store"
	"horde/internal/waiting"
)

// staff is one worker as it is now; nil: it was deleted.
type staff struct{ worker *fleet.Worker }

func (s *staff) Worker(string) *fleet.Worker { return s.worker }

func workerNamed(name string, maintenance bool) *fleet.Worker {
	return &fleet.Worker{Worker: store.Worker{ID: "w", Name: name, Maintenance: maintenance}}
}

// play is a pop that follows a script, and what it has come to.
type play struct {
	met    []string // names of the worker, as it was met
	looks  int
	finds  int // from which look on something is found; 0: none
	loses  int // claims that others are faster with
	claims int
	fails  error // of a claim
}

func (p *play) Meet(w *fleet.Worker) *match.Worker {
	p.met = append(p.met, w.Name)
	return &match.Worker{ID: w.ID}
}

func (p *play) Match(context.Context) (found bool, err error) {
	p.looks++
	return p.finds > 0 && p.looks >= p.finds, nil
}

func (p *play) Claim(context.Context) (got bool, err error) {
	p.claims++
	return p.claims > p.loses && p.fails == nil, p.fails
}

// A pop looks until it has something or its time is over: at once again where others were
// faster, and with the worker as it is by then when it was woken.
func TestAPopLooksUntilItHasSomething(t *testing.T) {
	broken := errors.New("broken")
	for _, tt := range []struct {
		name   string
		script play
		wait   time.Duration
		now    *fleet.Worker // when it is woken, a second later
		met    []string
		looks  int
		got    bool
		code   horde.Code
		fails  error
	}{
		{name: "found at once", script: play{finds: 1}, met: []string{"old"}, looks: 1, got: true},
		{name: "others were faster twice", script: play{finds: 1, loses: 2}, met: []string{"old"}, looks: 3, got: true},
		{name: "the claim fails", script: play{finds: 1, fails: broken}, met: []string{"old"}, looks: 1, fails: broken},
		{name: "nothing there", met: []string{"old"}, looks: 1},
		{name: "found when woken", script: play{finds: 2}, wait: time.Minute, now: workerNamed("new", false),
			met: []string{"old", "new"}, looks: 2, got: true},
		{name: "in maintenance meanwhile", wait: time.Minute, now: workerNamed("new", true),
			met: []string{"old", "new", "new"}, looks: 3, code: horde.WorkerMaintenance},
		{name: "deleted meanwhile", script: play{finds: 2}, wait: time.Minute, met: []string{"old"}, looks: 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var calls waiting.Calls[*match.Worker]
				time.AfterFunc(time.Second, func() { calls.Offer(func(*match.Worker) bool { return true }) })

				p := tt.script
				got, err := Pop(t.Context(), &calls, &staff{tt.now}, workerNamed("old", false), tt.wait, &p)
				if got != tt.got || p.looks != tt.looks || !slices.Equal(p.met, tt.met) {
					t.Errorf("got something: %v, %d looks, met %v", got, p.looks, p.met)
				}
				if horde.CodeOf(err) != tt.code || tt.code == "" && !errors.Is(err, tt.fails) {
					t.Error(err)
				}
			})
		})
	}
}
