package queue

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
	"horde/internal/waiting"
)

func TestPreviewsAreSmallImages(t *testing.T) {
	t.Parallel()
	of := func(head string, bytes int) string {
		return base64.StdEncoding.EncodeToString([]byte(head + strings.Repeat("x", bytes-len(head))))
	}
	for name, tc := range map[string]struct {
		preview string
		want    bool
	}{
		"JPEG":                 {of("\xff\xd8\xff", 3), true},
		"PNG":                  {of("\x89PNG\r\n\x1a\n", 100), true},
		"WebP":                 {of("RIFF1234WEBPVP8 ", 100), true},
		"as large as can be":   {of("\xff\xd8\xff", maxPreview), true},
		"a byte too large":     {of("\xff\xd8\xff", maxPreview+1), false},
		"GIF":                  {of("GIF89a", 100), false},
		"a page":               {of("<html>", 100), false},
		"no base64":            {strings.Repeat("\x01", 1000), false},
		"base64 in some lines": {of("\xff\xd8\xff", 3) + "\n", false},
		"with its type":        {"data:image/jpeg;base64," + of("\xff\xd8\xff", 3), false},
	} {
		if got := isPreview(tc.preview); got != tc.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

func TestTextsSoFarHaveNoControlCharacters(t *testing.T) {
	t.Parallel()
	if got := printable("a\x00\x01\r\n\tb\x7f\u0085ü"); got != "a\n\tbü" {
		t.Errorf("%q is left", got)
	}
}

// TestPartialsStayWithinTheirBounds: where what jobs show is too large together, or that
// of one account, the oldest goes; what is forgotten leaves nothing.
func TestPartialsStayWithinTheirBounds(t *testing.T) {
	t.Parallel()
	s := newPartials()
	s.most, s.perUser = 10*partialOverhead, 4*partialOverhead
	put := func(user, i int) {
		s.put(horde.UserID(user), fmt.Sprintf("request %d", user), fmt.Sprintf("job %d", i), api.Progress{Text: "x"})
	}
	kept := func(user, i int) bool {
		text, _ := s.of(fmt.Sprintf("request %d", user), fmt.Sprintf("job %d", i))
		return text != ""
	}

	for i := range 5 {
		put(1, i)
	}
	if kept(1, 0) || kept(1, 1) || !kept(1, 2) || !kept(1, 4) { // each takes a byte more than the overhead
		t.Error("not the last three of one account are kept")
	}
	for user := 2; user <= 4; user++ {
		for i := range 3 {
			put(user, i)
		}
	}
	if kept(1, 4) || !kept(2, 0) || !kept(4, 2) || s.used > s.most {
		t.Errorf("not the last nine of all are kept: %d bytes", s.used)
	}

	put(2, 0) // said again
	s.forgetJob("request 2", "job 1")
	if !kept(2, 0) || kept(2, 1) || !kept(2, 2) {
		t.Error("after one was forgotten")
	}
	for user := 1; user <= 4; user++ {
		s.forget(fmt.Sprintf("request %d", user))
	}
	if s.used != 0 || s.order.Len() != 0 || len(s.users) != 0 || len(s.byJobs) != 0 {
		t.Errorf("%d bytes, %d in order, %d users, %d requests are left", s.used, s.order.Len(), len(s.users), len(s.byJobs))
	}
}

// TestOnlyWhatIsFollowedIsShown: nobody reads what a report shows of a request that
// nobody follows, so nothing of it is kept; its steps are.
func TestOnlyWhatIsFollowedIsShown(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p := n.person(t, true, 1000)
	id := n.accept(t, ask(p, 1))
	job := *n.take(t, p, pop("one")).ID
	report := func(step int) api.Progress {
		t.Helper()
		err := n.Progress(t.Context(), p.Key, job, api.Progress{Step: step, Steps: 4, Preview: "/9j/"})
		if err != nil {
			t.Fatal(err)
		}
		got := n.News(id).Progress
		if len(got) != 1 || got[0].Step != step {
			t.Fatalf("after step %d: %+v", step, got)
		}
		return got[0].Progress
	}

	if r := report(1); r.Preview != "" {
		t.Error("a preview is kept though nobody follows")
	}
	var stops []func()
	for range 2 {
		_, stop, err := n.Follow(t.Context(), []string{id}, waiting.NewWatch())
		if err != nil {
			t.Fatal(err)
		}
		stops = append(stops, stop)
	}
	if r := report(2); r.Preview == "" {
		t.Error("no preview is kept though two follow")
	}
	stops[0]()
	if r := n.News(id).Progress[0]; r.Preview == "" {
		t.Error("no preview is kept though one follows")
	}
	stops[1]()
	if n.partials.used != 0 {
		t.Errorf("%d bytes are kept though nobody follows any more", n.partials.used)
	}

	_, stop, err := n.Follow(t.Context(), []string{id}, waiting.NewWatch())
	if err != nil {
		t.Fatal(err)
	}
	defer stop()
	report(3)
	if _, err := n.submit(p.Key, job, "ok"); err != nil {
		t.Fatal(err)
	}
	if n.partials.used != 0 {
		t.Errorf("%d bytes are kept of a delivered job", n.partials.used)
	}
}
