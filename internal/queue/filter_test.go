package queue

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/moderation"
	"horde/internal/store/storetest"
)

// withFilters gives a node filters, with one of each group, and the memory of
// addresses.
func withFilters(t *testing.T, n *node) {
	t.Helper()
	ctx := context.Background()
	var err error
	if n.Filters, err = moderation.OpenFilters(ctx, moderation.FilterConfig{Store: n.Store}); err != nil {
		t.Fatal(err)
	}
	if n.Addresses, err = moderation.OpenAddresses(ctx,
		moderation.AddressConfig{Store: n.Store, Clock: n.Clock}); err != nil {
		t.Fatal(err)
	}
	for _, f := range []api.PutFilter{{Regex: `kids?\b`, FilterType: 10, Replacement: "adult"},
		{Regex: `(?<!not )naked`, FilterType: 20}} {
		if _, err := n.Filters.Put(ctx, 0, f); err != nil {
			t.Fatal(err)
		}
	}
}

const shielded = "###child, infant, underage, immature, teenager, tween"

// What becomes of a prompt (generation §7.4, §7.5): what the worker gets, or the refusal.
func TestSuspiciousPromptsAreRewrittenOrRefused(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.SQLite)
	n := newNode(t, db, hordetest.NewClock())
	withFilters(t, n)
	plain, flagged, school := n.person(t, false, 100_000), n.person(t, false, 100_000), n.person(t, false, 100_000)
	n.become(t, flagged, account.Flagged)
	n.become(t, school, account.Education)

	rewritten := "two adult naked" + shielded
	for i, c := range []struct {
		what    string
		who     hordetest.Person
		prompt  string
		replace *bool
		model   string
		want    string // the worker's prompt, or the code of the refusal
	}{
		{"clean", plain, "a (red:1.2) fox###ugly", nil, "", "a (red:1.2) fox###ugly"},
		{"one group", plain, "two kids!", nil, "", "two kids!"},
		{"both groups", plain, "two kids, naked", nil, "", rewritten},
		{"both groups, with what to avoid", plain, "two (kids:1.3), naked###ugly, blurry", nil, "",
			rewritten + ", ugly, blurry"},
		{"behind the mark", plain, "a fox###kids, naked", nil, "", "a fox###kids, naked"},
		{"look-behind", plain, "kids, not naked", nil, "", "kids, not naked"},
		{"refused", plain, "kids, naked", ptr(false), "", "CorruptPrompt"},
		{"a school's is rewritten in any case", school, "two kids naked", ptr(false), "", rewritten},
		{"too long to rewrite", plain, "kids naked" + strings.Repeat(" éé", 2331), nil, "", "BadRequest"},
		{"as long as can be", plain, "kids naked" + strings.Repeat(" éé", 2330), nil, "",
			"adult naked" + strings.Repeat(" ee", 2330) + shielded},
		{"long to avoid", plain, "two kids naked###" + strings.Repeat("x", 8000), nil, "",
			rewritten + ", " + strings.Repeat("x", 8000)},
		{"too long without being suspicious", plain, "a fox" + strings.Repeat(" x", 3600), nil, "",
			"a fox" + strings.Repeat(" x", 3600)},
		{"a model for adults", plain, "a student, reading", nil, "Deliberate", "a adult reading" + shielded},
		{"a model for adults, filter 10", plain, "one kid", nil, "Deliberate", "one adult" + shielded},
		{"a model for adults, both groups", plain, "little kids naked###ugly", nil, "Deliberate",
			"adult adult naked" + shielded + ", ugly"},
		{"a model for adults, nothing young", plain, "a (fox:1.1)", nil, "Deliberate", "a (fox:1.1)"},
		{"a model for adults, nothing left", plain, "\U0001F467", nil, "Deliberate", "CorruptPrompt"},
		{"not that model", plain, "a student", nil, "", "a student"},
		{"flagged", flagged, "a (red:1.2) fox", nil, "", "a red fox" + shielded},
		{"flagged, nothing left", flagged, "!!!", nil, "", "CorruptPrompt"},
		{"flagged, both groups", flagged, "kids naked", nil, "", "adult naked" + shielded},
	} {
		a := ask(c.who, 1)
		if c.model != "" {
			a = ask(c.who, 1, c.model)
		}

		a.Addr = netip.AddrFrom4([4]byte{198, 51, 100, byte(i)})
		a.Body.Prompt, a.Body.ReplacementFilter = c.prompt, c.replace
		a.Body.DryRun = ptr(true)
		_, dry := n.Accept(context.Background(), a)
		a.Addr = netip.AddrFrom4([4]byte{198, 51, 101, byte(i)})
		a.Body.DryRun = nil
		answer, err := n.Accept(context.Background(), a)
		if horde.CodeOf(dry) != horde.CodeOf(err) {
			t.Errorf("%s: a dry run gets %v, the request %v", c.what, dry, err)
		}

		if err != nil {
			if string(horde.CodeOf(err)) != c.want {
				t.Errorf("%s: %v, want %.60q", c.what, err, c.want)
			}
			continue
		}

		e, err := n.find(context.Background(), n.images, answer.Accepted.ID, "")
		if err != nil {
			t.Fatal(err)
		}

		if got := e.record.Image.Prompt; got != c.want {
			t.Errorf("%s: %.100q, want %.100q", c.what, got, c.want)
		}

		if _, err := n.Cancel(context.Background(), answer.Accepted.ID); err != nil {
			t.Fatal(err)
		}
	}
}

// become gives a hordetest.Person a role.
func (n *node) become(t *testing.T, p hordetest.Person, role account.Role) {
	t.Helper()
	in := api.ModifyUser{}
	switch role {
	case account.Flagged:
		in.Flagged = ptr(true)
	case account.Education:
		in.Education = ptr(true)
	}
	moderator, _, _, err := n.Accounts.TestUser(context.Background(),
		account.NewUser{Username: "m", OAuthID: horde.NewID(), Roles: account.Moderator | account.Trusted}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Accounts.Modify(context.Background(), moderator, p.ID, in); err != nil {
		t.Fatal(err)
	}
}

// Texts are not judged; those of flagged users are rewritten all the same.
func TestTextsAreRewrittenButNotJudged(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.SQLite)
	n := newNode(t, db, hordetest.NewClock())
	withFilters(t, n)
	plain, flagged := n.person(t, false, 100_000), n.person(t, false, 100_000)
	n.become(t, flagged, account.Flagged)

	for _, c := range []struct {
		who          hordetest.Person
		prompt, want string
	}{
		{plain, "kids, naked", "kids, naked"},
		{flagged, "kids, naked!###quiet", "adult naked" + shielded + ", quiet"},
		{flagged, "a little boy", "a adult adult man" + shielded},
	} {
		answer, err := n.AcceptText(context.Background(),
			TextRequest{From: From{Key: c.who.Key}, Body: api.TextRequest{Prompt: c.prompt}})
		if err != nil {
			t.Fatal(err)
		}

		e, err := n.find(context.Background(), n.texts, answer.Accepted.ID, "")
		if err != nil {
			t.Fatal(err)
		}

		if got := e.record.Text.Prompt; got != c.want {
			t.Errorf("%q became %q, want %q", c.prompt, got, c.want)
		}
	}
}

// A refused prompt is kept, its sender suspected once, and the address has to
// wait; none of it for moderators.
func TestARefusedPromptIsKeptAndSuspected(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		n := newNode(t, db, hordetest.NewClock())
		withFilters(t, n)
		sender := n.person(t, false, 100_000)
		moderator, key, _, err := n.Accounts.TestUser(ctx,
			account.NewUser{Username: "m", OAuthID: horde.NewID(), Roles: account.Moderator | account.Trusted}, nil)
		if err != nil {
			t.Fatal(err)
		}

		suspicions := func(id horde.UserID) int {
			u, err := n.Accounts.ByID(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			return u.Suspicions
		}

		send := func(p hordetest.Person, addr, prompt string) horde.Code {
			a := ask(p, 1)
			a.Addr = netip.MustParseAddr(addr)
			a.Proxy = a.Addr
			a.Body.Prompt, a.Body.ReplacementFilter = prompt, ptr(false)
			_, err := n.Accept(ctx, a)
			return horde.CodeOf(err)
		}

		for i, c := range []struct {
			who          hordetest.Person
			addr, prompt string
			want         horde.Code
		}{
			{sender, "203.0.113.1", "first kid, naked", horde.CorruptPrompt},
			{sender, "203.0.113.1", "a fox", horde.TimeoutIP},
			{sender, "203.0.113.2", "a fox", ""},
			{sender, "203.0.113.2", "second kid, naked", horde.CorruptPrompt},
			{hordetest.Person{User: moderator, Key: key}, "203.0.113.3", "third kid, naked", horde.CorruptPrompt},
			{hordetest.Person{User: moderator, Key: key}, "203.0.113.3", "a fox", ""},
			{hordetest.Person{Key: "0000000000"}, "203.0.113.4", "fourth kid, naked", horde.CorruptPrompt},
			{hordetest.Person{Key: "0000000000"}, "203.0.113.4", "a fox", horde.TimeoutIP},
		} {
			if got := send(c.who, c.addr, c.prompt); got != c.want {
				t.Errorf("%d: %q, want %q", i, got, c.want)
			}
		}

		if got := suspicions(sender.ID); got != 1 {
			t.Errorf("the sender has %d suspicions", got)
		}

		if got := suspicions(moderator.ID) + suspicions(horde.AnonymousID); got != 0 {
			t.Errorf("moderator and anonymous have %d suspicions", got)
		}

		kept, err := n.Filters.Refused(ctx, -1, 1)
		if err != nil {
			t.Fatal(err)
		}

		var prompts []string
		for _, k := range kept {
			prompts = append(prompts, k.User+": "+k.Prompt)
		}

		slices.Sort(prompts)
		want := []string{"Anonymous#0: fourth kid, naked", sender.Alias() + ": first kid, naked",
			sender.Alias() + ": second kid, naked"}
		if !slices.Equal(prompts, want) {
			t.Errorf("kept: %q", prompts)
		}
	})
}

func TestFiltersCanBeSwitchedOff(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	withFilters(t, n)
	var err error
	if n.Filters, err = moderation.OpenFilters(context.Background(),
		moderation.FilterConfig{Store: n.Store, Off: true}); err != nil {
		t.Fatal(err)
	}
	flagged := n.person(t, false, 100_000)
	n.become(t, flagged, account.Flagged)
	a := ask(flagged, 1, "Deliberate")
	a.Body.Prompt, a.Body.ReplacementFilter = "little kids, naked", ptr(false)
	e, err := n.find(context.Background(), n.images, n.accept(t, a), "")
	if err != nil || e.record.Image.Prompt != a.Body.Prompt {
		t.Errorf("%q, %v", e.record.Image.Prompt, err)
	}
}

// A prompt that a style makes of two harmless halves is judged as a whole.
func TestAStyledPromptIsJudgedAsAWhole(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	withFilters(t, n)
	author := n.person(t, true, 100_000)
	models := []string{"stable_diffusion"}
	id, _, err := n.Styles.Create(context.Background(), "image",
		api.StyleInput{Name: ptr("bare"), Prompt: ptr("{p}, naked###{np}"), Models: &models}, author.Key)
	if err != nil {
		t.Fatal(err)
	}
	a := ask(author, 1)
	a.Body.Prompt, a.Body.Style = "two kids", id
	e, err := n.find(context.Background(), n.images, n.accept(t, a), "")
	if err != nil || e.record.Image.Prompt != "two adult naked"+shielded {
		t.Errorf("%q, %v", e.record.Image.Prompt, err)
	}
}
