package fleet

import (
	"slices"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

func textPop(name string, models ...string) api.TextPop {
	return api.TextPop{Name: name, Models: models, BridgeAgent: "KoboldCppEmbedWorker:2:x"}
}

func (n *node) checkInText(t testing.TB, u *account.User, p api.TextPop) *Offer {
	t.Helper()
	o, err := n.CheckInText(t.Context(), u, p, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return o
}

// What a text pop says, with the defaults of generation §2.7.
func TestATextPopHasDefaults(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner := n.user(t, 0)
	p := textPop("scribe", "b/model", "a/model", "b/model", "mine::"+owner.Alias())
	p.Softprompts = append([]string{"a.zip", strings.Repeat("ü", 101)}, make([]string, 300)...)
	p.RequireUpfrontKudos, p.ExtraSlowWorker, p.NSFW = ptr(true), ptr(true), ptr(false)
	o := n.checkInText(t, owner, p)
	s := o.Worker.Settings
	if want := []string{"b/model", "a/model", "mine::" + owner.Alias()}; !slices.Equal(s.Models, want) ||
		!slices.Equal(o.ModelList, want) || len(o.Models) != 3 {
		t.Errorf("models %v: their order counts", s.Models)
	}
	if s.MaxLength != 512 || s.MaxContextLength != 2048 || s.Threads != 1 || !s.AllowUnsafeIP || s.NSFW ||
		s.RequireUpfrontKudos || o.RequireKudos || s.ExtraSlow {
		t.Errorf("%+v", s)
	}
	if len(s.Softprompts) != 200 || s.Softprompts[0] != "a.zip" || len([]rune(s.Softprompts[1])) != 100 {
		t.Errorf("%d softprompts: %.200v", len(s.Softprompts), s.Softprompts)
	}
	d := n.Details(o.Worker, account.Public)
	if d.Type != string(horde.KindText) || *d.MaxLength != 512 || *d.MaxContextLength != 2048 || d.MaxPixels != nil ||
		d.Performance != "1.0 tokens per second" || !slices.Equal(d.Models, s.Models) {
		t.Errorf("%+v", d)
	}
}

func TestTextPopsAreRefused(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner, other := n.user(t, 0), n.user(t, 0)
	n.checkIn(t, owner, pop("dreamer"))
	n.checkInText(t, other, textPop("taken", "m"))
	friends := textPop("new", "m")
	friends.PriorityUsernames = []string{"a"}

	for _, tt := range []struct {
		pop  api.TextPop
		code horde.Code
		text string
	}{
		{friends, horde.InvalidPriorityUsername, ""},
		{textPop("dreamer", "m"), horde.PolymorphicNameConflict, ""},
		{textPop("taken", "m"), horde.WrongCredentials, ""},
		{textPop("new"), horde.BadRequest, "we cannot accept workers serving"},
		{textPop("new", "m::"+other.Alias()), horde.BadRequest, "belongs to another user"},
	} {
		t.Run(string(tt.code), func(t *testing.T) {
			_, err := n.CheckInText(t.Context(), owner, tt.pop, "10.0.0.1")
			if horde.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.text) {
				t.Errorf("%+v: %v, want %s %q", tt.pop, err, tt.code, tt.text)
			}
		})
	}

	if n.ByName("new") != nil {
		t.Error("a refused pop made a worker")
	}
}

// Ten minutes of a scribe whose model nobody knows: half of 25 and 15 for each
// 1024 tokens of context (generation §6.8).
func TestScribesEarnUptimeByContext(t *testing.T) {
	t.Parallel()
	c := hordetest.NewClock()
	n := newNode(t, storetest.On(t, storetest.SQLite), c)
	owner := n.user(t, account.Trusted)
	p := textPop("scribe", "nobody/knows")
	p.MaxContextLength = ptr(4096)
	for range 12 {
		n.checkInText(t, owner, p)
		c.Advance(time.Minute)
	}
	if a := must(n.Store.Account(t.Context(), owner.ID)); a.Balance != horde.KudosOf(42.5) {
		t.Errorf("the owner has %v", a.Balance)
	}
}
