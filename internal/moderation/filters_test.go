package moderation

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// withAnonymous makes the user 0.
func withAnonymous(t *testing.T, s *store.Store) *store.Store {
	t.Helper()
	err := s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error {
		_, err := tx.InsertUser(store.User{ID: 0, Username: "Anonymous", OAuthID: "anon", KeyHash: "anon"}, 0)
		return err
	}})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openFilters(t *testing.T, s *store.Store) *Filters {
	t.Helper()
	f, err := OpenFilters(context.Background(), FilterConfig{Store: s})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func put(t *testing.T, f *Filters, kind int, regex string) string {
	t.Helper()
	d, err := f.Put(context.Background(), 0, api.PutFilter{Regex: regex, FilterType: kind})
	if err != nil {
		t.Fatal(err)
	}
	return d.ID
}

// The score of generation §7.3.
func TestPromptsAreScored(t *testing.T) {
	f := filtersOf(t,
		store.Filter{Type: 10, Regex: `forbidden`}, store.Filter{Type: 10, Regex: `word(?!s)`},
		store.Filter{Type: 11, Regex: `young`}, store.Filter{Type: 20, Regex: `naked`},
		store.Filter{Type: 20, Regex: `(?P<x>nude)`},
		store.Filter{Type: 20, Regex: `(?P<x>bare)`}, store.Filter{Type: 25, Regex: `lighthouse`})

	for _, c := range []struct {
		prompt  string
		kind    int
		want    string
		matches []string
	}{
		{"a lighthouse", 0, "0", nil},
		{"FORBIDDEN", 0, "1", []string{"FORBIDDEN"}},
		{"a word, forbidden", 0, "1", []string{"word"}}, // the first in the prompt
		{"words", 0, "0", nil},
		{"forbidden and young", 0, "1", []string{"forbidden", "young"}},
		{"young and naked", 0, "2", []string{"young", "naked"}},
		{"nude, bare", 0, "1", []string{"nude"}},
		{"bare young", 0, "2", []string{"young", "bare"}},
		{"forbidden naked nude young", 0, "2", []string{"forbidden", "young", "naked"}},
		{"ok###forbidden naked", 0, "0", nil},
		{"naked###young", 0, "1", []string{"naked"}},
		{"(y o u n g:1.3) n.u.d.e", 0, "2", []string{"young", "nude"}},
		{"nâkéd ｙｏｕｎｇ", 0, "2", []string{"young", "naked"}},
		{"young and naked", 20, "1", []string{"naked"}},
		{"young and naked", 10, "0", nil},
		{"young and naked", 11, "1", []string{"young"}},
		{"a lighthouse", 25, "0", nil}, // a type that nothing uses
		{"\U0001F467 naked", 0, "2", []string{"\U0001F467", "naked"}},
		{"\U0001F467", 10, "1", []string{"\U0001F467"}},
		{"\U0001F467", 11, "0", nil},
		{"\U0001F467", 20, "0", nil},
		{"forbidden \U0001F467", 0, "1", []string{"forbidden"}},
		{"x###\U0001F467", 0, "0", nil},
		{"", 0, "0", nil},
	} {
		t.Run(c.prompt, func(t *testing.T) {
			got := f.Test(c.prompt, c.kind)
			if got.Suspicion != c.want || !slices.Equal(got.Matches, c.matches) || got.Matches == nil {
				t.Errorf("Test(%q, %d) = %+v, want %s %v", c.prompt, c.kind, got, c.want, c.matches)
			}
			if c.kind == 0 && f.Refuses(c.prompt) != (c.want == "2") {
				t.Errorf("Refuses(%q) = %v at a suspicion of %s", c.prompt, !(c.want == "2"), c.want)
			}
		})
	}
}

// Without filters nothing is suspicious enough; switched off nothing is at all.
func TestWithoutFiltersNothingIsSuspicious(t *testing.T) {
	prompt := "a naked young girl \U0001F467"
	none := &Filters{}
	if none.Refuses(prompt) || none.Test(prompt, 0).Suspicion != "1" {
		t.Errorf("without filters: %v %+v", none.Refuses(prompt), none.Test(prompt, 0))
	}
	f := filtersOf(t, store.Filter{Type: 10, Regex: `young`}, store.Filter{Type: 20, Regex: `naked`})
	f.off = true
	if f.Refuses(prompt) || f.MentionsMinors(Prompt{Text: prompt}) || f.Test(prompt, 0).Suspicion != "0" {
		t.Error("filters that are off still judge")
	}
}

// The sequences that the rulebook tells of (generation §7.3): children and their skin tones,
// families, nursing figures, signs.
func TestEmojiOfChildrenCount(t *testing.T) {
	const joiner = "\u200d"
	const man, woman, person, boy, girl, bottle = "\U0001F468", "\U0001F469", "\U0001F9D1", "\U0001F466", "\U0001F467",
		"\U0001F37C"
	tones := []string{"", "\U0001F3FB", "\U0001F3FC", "\U0001F3FD", "\U0001F3FE", "\U0001F3FF"}

	var all []string
	for _, tone := range tones {
		for _, child := range []string{"\U0001F476", "\U0001F9D2", boy, girl, "\U0001F931"} {
			all = append(all, child+tone)
		}
		for _, adult := range []string{man, woman, person} {
			all = append(all, adult+tone+joiner+bottle)
		}
	}

	children := []string{boy, girl, girl + joiner + boy, boy + joiner + boy, girl + joiner + girl}
	for _, parents := range []string{man + joiner + woman, man + joiner + man, woman + joiner + woman, man, woman} {
		for _, c := range children {
			all = append(all, parents+joiner+c)
		}
	}

	all = append(all, "\U0001F46A", "\U0001F423", "\U0001F424", "\U0001F425", bottle, "\U0001F6B8", "\U0001F6BC")
	if len(all) < 74 {
		t.Fatalf("%d sequences", len(all))
	}

	f := filtersOf(t)
	for _, e := range all {
		if got := f.Test("a picture of"+e+" in a park", 0); got.Suspicion != "1" || !slices.Equal(got.Matches, []string{e}) {
			t.Errorf("%q: %+v", e, got)
		}
	}

	for _, e := range []string{man, woman, person, "\U0001F414", "\U0001F431", "\U0001F6B6", man + joiner + "\U0001F373",
		"❤\ufe0f", "\U0001F3FB"} {
		if got := f.Test(e+" in a park", 0); got.Suspicion != "0" {
			t.Errorf("%q: %+v", e, got)
		}
	}
}

// The score lies in 0 to 2, nothing behind the first ### counts, and more text in
// front never makes the same filters find less.
func TestMoreTextFindsNoLess(t *testing.T) {
	f := filtersOf(t, store.Filter{Type: 10, Regex: `ab`}, store.Filter{Type: 11, Regex: `(?<!b)c`},
		store.Filter{Type: 20, Regex: `d`}, store.Filter{Type: 20, Regex: `(e)\1`})
	text := rapid.StringMatching(`[a-e (#:1\.\x{1F467}]{0,30}`)
	rapid.Check(t, func(t *rapid.T) {
		prompt, behind := text.Draw(t, "prompt"), text.Draw(t, "behind")
		got := f.Test(prompt, 0)
		if got.Suspicion < "0" || got.Suspicion > "2" || len(got.Suspicion) != 1 ||
			(got.Suspicion == "0") != (len(got.Matches) == 0) {
			t.Fatalf("Test(%q) = %+v", prompt, got)
		}

		wanted, _, cut := strings.Cut(prompt, negativeMark)
		if alone := f.Test(wanted, 0); alone.Suspicion != got.Suspicion {
			t.Fatalf("Test(%q) = %+v, its wanted half %+v", prompt, got, alone)
		}

		if cut {
			if with := f.Test(prompt+behind, 0); with.Suspicion != got.Suspicion {
				t.Fatalf("Test(%q) = %+v, with %q behind %+v", prompt, got, behind, with)
			}
		}

		sum := 0
		for _, kind := range [][]int{{10, 11}, {20}} {
			if slices.ContainsFunc(kind, func(k int) bool { return f.Test(prompt, k).Suspicion == "1" }) {
				sum++
			}
		}

		if fmt.Sprint(sum) != got.Suspicion {
			t.Fatalf("Test(%q) = %+v, its groups together %d", prompt, got, sum)
		}
	})
}

// Many patterns are joined into several programs; each still works.
func TestEachOfManyFiltersWorks(t *testing.T) {
	var rows []store.Filter
	for i := range 500 {
		rows = append(rows, store.Filter{Type: 10, Regex: fmt.Sprintf(`\bword%d[a-f]{1,5}\b|%dth`, i, i)})
	}
	f := filtersOf(t, rows...)
	if n := len(f.set().types[10].fast); n < 2 || n > 250 {
		t.Errorf("%d programs", n)
	}
	for _, i := range []int{0, 77, 499} {
		if got := f.Test(fmt.Sprintf("a word%dab", i), 0); got.Suspicion != "1" {
			t.Errorf("word%d: %+v", i, got)
		}
	}
}

// A row that does not work, as another program may have stored it, leaves the
// others alone.
func TestABrokenFilterLeavesTheOthersAlone(t *testing.T) {
	set, err := compileSet([]store.Filter{{ID: 1, Type: 10, Regex: `(`},
		{ID: 2, Type: 10, Regex: `kid`, Replacement: `\1`}, {ID: 3, Type: 20, Regex: `b`}})
	if err == nil || !strings.Contains(err.Error(), "filter 1:") || !strings.Contains(err.Error(), "filter 2:") {
		t.Errorf("reported: %v", err)
	}
	f := &Filters{}
	f.now.Store(set)
	if got := f.Test("a kid b", 0); got.Suspicion != "2" {
		t.Errorf("the others: %+v", got)
	}
	if got := f.Rewrite("a kid"); got != "a"+avoid {
		t.Errorf("rewritten without its replacement: %q", got)
	}
}

func TestFiltersAreMadeChangedAndRemoved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		f := openFilters(t, withAnonymous(t, db.Open()))
		about := "about words"
		first, err := f.Put(ctx, 0, api.PutFilter{Regex: "word", FilterType: 10, Description: &about, Replacement: "thing"})
		if err != nil || first.User != "Anonymous#0" || first.ID != "1" || *first.Description != about ||
			first.Replacement != "thing" {
			t.Fatalf("first: %+v %v", first, err)
		}

		if again, err := f.Put(ctx, 0, api.PutFilter{Regex: "word", FilterType: 10}); err != nil || again.ID != first.ID ||
			*again.Description != about {
			t.Errorf("again: %+v %v", again, err)
		}

		second := put(t, f, 11, "word")
		third := put(t, f, 20, "Bad")

		ids := func(kind int, contains string) (ids []string) {
			list, err := f.List(ctx, kind, contains)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range list {
				ids = append(ids, d.ID)
			}
			return ids
		}

		for _, c := range []struct {
			kind     int
			contains string
			want     []string
		}{{0, "", []string{first.ID, second, third}}, {11, "", []string{second}}, {0, "about", []string{first.ID}},
			{0, "or", []string{first.ID, second}},
			{0, "bad", nil}, {20, "word", nil}, {12, "", nil}} {
			if got := ids(c.kind, c.contains); !slices.Equal(got, c.want) {
				t.Errorf("List(%d, %q) = %v, want %v", c.kind, c.contains, got, c.want)
			}
		}

		if got := f.Test("bad word", 0); got.Suspicion != "2" {
			t.Errorf("suspicion %+v", got)
		}

		changed, err := f.Modify(ctx, 0, third, api.PatchFilter{Regex: "worse"})
		if err != nil || changed.Regex != "worse" || changed.FilterType != 20 {
			t.Errorf("changed: %+v %v", changed, err)
		}

		if f.Refuses("bad word") || !f.Refuses("worse word") {
			t.Error("the change is not in force")
		}

		if got := f.Regexes(0); !slices.Equal(got,
			[]api.FilterRegex{{FilterType: 10, Regex: "word"}, {FilterType: 11, Regex: "word"},
				{FilterType: 20, Regex: "worse"}}) {
			t.Errorf("Regexes: %+v", got)
		}

		// Deleting the last row of a type ends the type.
		if err := f.Delete(ctx, third); err != nil {
			t.Fatal(err)
		}

		if got := f.Regexes(20); f.Refuses("worse word") || !slices.Equal(got, []api.FilterRegex{{FilterType: 20}}) {
			t.Errorf("after the last was deleted: %+v", got)
		}

		if got := f.Regexes(15); len(got) != 0 {
			t.Errorf("Regexes(15): %+v", got)
		}
	})
}

func TestFiltersThatCannotWorkAreRefused(t *testing.T) {
	ctx := context.Background()
	f := openFilters(t, storetest.On(t, storetest.SQLite).Open())
	id := put(t, f, 10, "word")
	long := strings.Repeat("x", maxDescription+1)
	_, badPattern := f.Put(ctx, 0, api.PutFilter{Regex: "(", FilterType: 10})
	_, badTemplate := f.Put(ctx, 0, api.PutFilter{Regex: "a", FilterType: 10, Replacement: `\1`})
	_, badAbout := f.Put(ctx, 0, api.PutFilter{Regex: "a", FilterType: 10, Description: &long})
	_, nothing := f.Modify(ctx, 0, id, api.PatchFilter{})
	_, worse := f.Modify(ctx, 0, id, api.PatchFilter{Regex: "a**"})
	_, unknown := f.Modify(ctx, 0, "99", api.PatchFilter{Regex: "a"})

	_, noNumber := f.Filter(ctx, "x")
	for what, c := range map[string]struct {
		err  error
		code horde.Code
	}{
		"pattern": {badPattern, horde.BadRequest}, "template": {badTemplate, horde.BadRequest},
		"description": {badAbout, horde.BadRequest},
		"nothing":     {nothing, horde.NoFilterModSelected}, "worse": {worse, horde.BadRequest},
		"unknown": {unknown, horde.FilterNotFound}, "x": {noNumber, horde.FilterNotFound},
		"+1": {f.Delete(ctx, "+1"), horde.FilterNotFound}, "deleted": {f.Delete(ctx, "99"), horde.FilterNotFound},
		"huge": {f.Delete(ctx, strings.Repeat("9", 99)), horde.FilterNotFound},
	} {
		t.Run(what, func(t *testing.T) {
			if horde.CodeOf(c.err) != c.code {
				t.Errorf("%s: %v, want %s", what, c.err, c.code)
			}
		})
	}

	if got, err := f.Filter(ctx, id); err != nil || got.Regex != "word" ||
		!slices.Equal(f.Regexes(10), []api.FilterRegex{{FilterType: 10, Regex: "word"}}) {
		t.Errorf("what was refused left something behind: %+v %v", got, err)
	}
}

// Nodes that add the same filters at once agree on one row for each, and hear of
// those of the others.
func TestNodesAgreeOnOneRowForAFilter(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		nodes := []*Filters{openFilters(t, s)}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, openFilters(t, db.Open()))
		}
		var wg sync.WaitGroup
		for _, f := range nodes {
			for i := range 20 {
				wg.Go(func() {
					if _, err := f.Put(context.Background(), 0,
						api.PutFilter{Regex: fmt.Sprint("word", i%10), FilterType: 10}); err != nil {
						t.Error(err)
					}
				})
			}
		}
		wg.Wait()
		rows, err := s.Filters(context.Background())
		if err != nil || len(rows) != 10 {
			t.Errorf("%d rows, %v", len(rows), err)
		}
	})
}

func TestFiltersReachEveryNode(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	stores := []*store.Store{db.Open(), db.Open()}
	here, there := openFilters(t, stores[0]), openFilters(t, stores[1])
	heard := make(chan struct{}, 100)

	var begun, done sync.WaitGroup
	for _, s := range stores {
		var once sync.Once
		begun.Add(1)

		s.Follow(func(_ context.Context, c *store.Changes) error {
			if c.Missed { // with that a watch begins
				once.Do(begun.Done)
			}
			if c.Filters {
				heard <- struct{}{}
			}
			return nil
		})

		done.Go(func() { s.Watch(ctx) })
	}

	defer done.Wait()
	defer cancel()
	begun.Wait()
	put(t, here, 10, "young")
	put(t, here, 20, "naked")

	for !there.Refuses("naked and young") {
		select {
		case <-heard:
		case <-ctx.Done():
			t.Fatal("not heard of")
		}
	}
}

func TestRefusedPromptsAreKeptAndBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		s := withAnonymous(t, db.Open())
		f := openFilters(t, s)
		for _, prompt := range []string{"first", "NUL \x00\xff", strings.Repeat("é", maxRefused)} {
			if err := s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return KeepRefused(tx, 0, prompt) }}); err != nil {
				t.Fatal(err)
			}
		}
		list, err := f.Refused(ctx, -1, 1)
		if err != nil || len(list) != 3 || list[2].Prompt != "first" || list[1].Prompt != "NUL " ||
			len(list[0].Prompt) > maxRefused || list[0].User != "Anonymous#0" {
			t.Fatalf("%+v %v", list, err)
		}
		if list, err := f.Refused(ctx, 4, 1); err != nil || len(list) != 0 {
			t.Errorf("of another user: %+v %v", list, err)
		}
		if list, err := f.Refused(ctx, 0, 2); err != nil || len(list) != 0 {
			t.Errorf("second page: %+v %v", list, err)
		}
	})
}

// What the filters add to each request: 300 patterns of type 10 and 60 of type 20,
// a prompt of usual length.
func BenchmarkRefuses(b *testing.B) {
	var rows []store.Filter
	for i := range 360 {
		kind := 10
		if i >= 300 {
			kind = 20
		}
		rows = append(rows, store.Filter{Type: kind, Regex: fmt.Sprintf(`\b(word%d|term%ds?) ?(one|two)\b`, i, i)})
	}
	f := filtersOf(b, rows...)
	prompt := strings.Repeat("a (lighthouse:1.2) at the sea, dramatic lighting, oil painting, ", 5) + "###blurry, ugly"
	b.ReportAllocs()
	for b.Loop() {
		if f.Refuses(prompt) {
			b.Fatal("refused")
		}
	}
}
