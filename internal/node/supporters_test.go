package node

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/patron"
	"horde/internal/store"
)

func TestPatronsAreShownAndPaid(t *testing.T) {
	t.Parallel()
	cents := 500
	service := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if cents == 0 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		fmt.Fprintf(w, `{"data":[{"id":"m","attributes":{"patron_status":"active_patron","currently_entitled_amount_cents":%d,"note":"{\"stable_id\":\"alice#2\"}"}}]}`, cents)
	}))

	defer service.Close()
	n, admin := newNode(t)
	n.options.Patreon = patron.NewPatreon(service.URL, "token", "7", nil)
	hundred := int64(100)
	_, key, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "alice", OAuthID: "test-alice"}, &hundred)
	if err != nil {
		t.Fatal(err)
	}

	// Two images one by one are for trusted users and patrons.
	const apart = `{"prompt":"x","models":["stable_diffusion"],"disable_batching":true,"params":{"n":2,"width":64,"height":64,"steps":1}}`
	read := func() error { return n.readSupporters(t.Context(), 0, n.options.Patreon) }
	if w := n.call(t, "POST", "/api/v2/generate/async", key, apart, nil); w.Code != http.StatusBadRequest {
		t.Errorf("no patron: %d %s", w.Code, w.Body)
	}

	if err := errors.Join(read(), n.payMonthly(t.Context())); err != nil {
		t.Fatal(err)
	}

	if w := n.call(t, "POST", "/api/v2/generate/async", key, apart, nil); w.Code != http.StatusAccepted {
		t.Errorf("a patron: %d %s", w.Code, w.Body)
	}

	var u api.UserDetails
	n.call(t, "GET", "/api/v2/users/2", admin, "", &u)
	if u.MonthlyKudos == nil || u.MonthlyKudos.Amount != 50_000 || u.MonthlyKudos.LastReceived == "" ||
		u.KudosDetails.Recurring.Sum != 50_000 || u.Kudos != 50_097 {
		t.Errorf("%+v", u)
	}

	var sponsors api.HordeDocument
	if n.call(t, "GET", "/api/v2/documents/sponsors?format=markdown", "", "",
		&sponsors); !strings.Contains(*sponsors.Markdown, "alice") {
		t.Errorf("the sponsors' page is %q", *sponsors.Markdown)
	}

	cents = 0
	if err := read(); err == nil {
		t.Error("a service that does not answer is no error")
	}

	n.call(t, "GET", "/api/v2/users/2", admin, "", &u)
	if u.MonthlyKudos.Amount != 50_000 {
		t.Errorf("with the service down: %+v", u.MonthlyKudos)
	}
}

func TestRareJobsKeepTheirPace(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	now := time.Date(2026, 11, 25, 0, 0, 0, 0, time.UTC)
	n.options.Clock = func() time.Time { return now }

	runs := 0
	run := func(name string, atOnce bool) {
		t.Helper()
		job := n.rarely(rareJob{name, time.Hour, atOnce,
			func(context.Context) error { runs++; return nil }}) // as after a restart
		if err := job(t.Context()); err != nil {
			t.Fatal(err)
		}
	}

	for _, step := range []struct {
		after time.Duration
		runs  int
	}{{0, 1}, {59 * time.Minute, 1}, {time.Minute, 2}, {30 * time.Minute, 2}, {48 * time.Hour, 3}, {-72 * time.Hour, 4}} {
		now = now.Add(step.after)
		if run("test", true); runs != step.runs {
			t.Errorf("%v later: %d runs, want %d", step.after, runs, step.runs)
		}
	}

	run("later", false)
	if runs != 4 {
		t.Error("a job that is to wait ran at once")
	}

	now = now.Add(time.Hour)
	if run("later", false); runs != 5 {
		t.Errorf("an hour later: %d runs", runs)
	}

	failed := n.rarely(rareJob{"other", time.Hour, true, func(context.Context) error { return store.ErrLost }})
	if err := failed(t.Context()); !errors.Is(err, store.ErrLost) {
		t.Errorf("%v", err)
	}

	if err := failed(t.Context()); err != nil {
		t.Errorf("tried again at once: %v", err)
	}
}
