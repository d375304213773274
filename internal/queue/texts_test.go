package queue

import (
	"context"
	"fmt"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/bridge"
	"horde/internal/catalog"
	"horde/internal/dice"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/match"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func askText(p hordetest.Person, n int, models ...string) TextRequest {
	return TextRequest{From: From{Key: p.Key}, Body: api.TextRequest{Prompt: "Once upon a time", Models: models,
		Params: &api.TextParams{N: &n, MaxLength: ptr(100), MaxContextLength: ptr(1024)}}}
}

func (n *node) acceptText(t testing.TB, a TextRequest) string {
	t.Helper()
	answer, err := n.AcceptText(context.Background(), a)
	if err != nil {
		t.Fatal(err)
	}
	return answer.Accepted.ID
}

func scribe(name string, models ...string) api.TextPop {
	if models == nil {
		models = []string{"a/model"}
	}
	return api.TextPop{Name: name, Models: models, BridgeAgent: "KoboldCppEmbedWorker:2:x", MaxLength: ptr(512),
		MaxContextLength: ptr(4096)}
}

func (n *node) takeText(t testing.TB, owner hordetest.Person, p api.TextPop) *api.TextJob {
	t.Helper()
	o, err := n.Fleet.CheckInText(context.Background(), owner.User, p, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	job, err := n.PopText(context.Background(), o, 0)
	if err != nil {
		t.Fatal(err)
	}
	return job
}

// One text from request to result, on two nodes where there can be two: who pays
// and what is recorded.
func TestATextGoesFromRequestToResult(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		c := hordetest.NewClock()
		all := nodes(t, db, c)
		here, there := all[0], all[len(all)-1]
		alice, walter := here.person(t, false, 1000), here.person(t, true, 1000)
		id := here.acceptText(t, askText(alice, 2, "a/model"))

		if what := hordetest.Eventually(func() string {
			if b := there.Active(alice.ID); len(b.Text) != 1 || len(b.Image) != 0 {
				return fmt.Sprint("active: ", b)
			}
			return ""
		}); what != "" {
			t.Fatal(what)
		}

		pop := scribe("w")
		pop.Amount = ptr(3)
		job := there.takeText(t, walter, pop)
		if job.ID == nil || len(job.IDs) != 2 || *job.TTL != 200 || *job.Model != "a/model" || job.Payload.N != 1 {
			t.Fatalf("%+v", job)
		}

		c.Advance(10 * time.Second)
		long := string(make([]rune, 320))
		reward, err := there.SubmitText(ctx, walter.Key, api.TextSubmit{ID: job.IDs[0], Generation: long, Seed: 3})
		// The model is unknown and the owner trusted: 80 tokens × context × 0.027.
		order := (&admission.Text{Common: admission.Common{Prompt: "Once upon a time"},
			MaxLength: 100}).Order(admission.Server{})
		if want := float64(order.Tokens(320)) * (1.2 + math.Pow(2.2, math.Log2(20.0/1024))) * 0.027; err != nil ||
			math.Abs(reward-want) > 1e-9 {
			t.Errorf("reward %v, want %v, %v", reward, want, err)
		}

		if _, err := there.SubmitText(ctx, walter.Key,
			api.TextSubmit{ID: job.IDs[1], Generation: "x", State: "censored"}); err != nil {
			t.Error(err)
		}

		if _, err := here.SubmitText(ctx, walter.Key,
			api.TextSubmit{ID: job.IDs[1]}); horde.CodeOf(err) != horde.DuplicateGen {
			t.Errorf("again: %v", err)
		}

		st, err := there.TextStatus(ctx, id)
		if err != nil || !st.Done || len(st.Generations) != 2 || st.Generations[0].Seed != 3 ||
			st.Generations[0].State != "ok" || st.Generations[1].State != "censored" {
			t.Errorf("%+v, %v", st, err)
		}

		if got := []rune(st.Generations[0].Text); len(got) != 320 || got[0] != '\ufffd' {
			t.Errorf("NUL became %q", got[:1])
		}

		earned := horde.KudosOf(reward)
		if want := horde.Whole(1) + (horde.KudosOf(reward + 1)) + horde.Whole(1); horde.KudosOf(float64(st.Kudos)) != want {
			t.Errorf("it cost %v, want %v", st.Kudos, want)
		}

		a, _ := here.Store.Account(ctx, alice.ID)
		w, _ := here.Store.Account(ctx, walter.ID)
		if a.Totals.Requests != (store.PerKind{0, 3, 0}) || a.Totals.Usage != (store.PerKind{0, 200, 0}) {
			t.Errorf("requester: %+v", a.Totals)
		}

		if w.Totals.Fulfilments != (store.PerKind{0, 2, 0}) || w.Totals.Contribution != (store.PerKind{0, 200, 0}) ||
			w.Balance < horde.Whole(1000)+earned {
			t.Errorf("owner: %v, %+v", w.Balance, w.Totals)
		}

		for _, n := range all {
			if what := hordetest.Eventually(n.differs); what != "" {
				t.Error(what)
			}
		}

		if what := settled(db, here) + balanced(here); what != "" {
			t.Error(what)
		}

		p, err := there.Performance(ctx)
		if err != nil || p.PastMinuteTokens != 100 || p.PastMinuteMegapixelsteps != 0 || p.TextWorkerCount != 1 ||
			p.WorkerCount != 0 || p.QueuedTextRequests != 0 {
			t.Errorf("performance: %+v, %v", p, err)
		}

		worker := there.Fleet.ByName("w")
		if worker.Speed() != 5 { // (80 + 20) tokens, each in 10 s
			t.Errorf("speed %v of %v", worker.Speed(), worker.Totals.Speeds)
		}
	})
}

// Requests, jobs and workers of one kind are not found as those of another, and each kind
// has a concurrency of its own.
func TestKindsAreApart(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	ctx := context.Background()
	alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)
	text, image := n.acceptText(t, askText(alice, 1, "a/model")), n.accept(t, ask(alice, 1))
	if _, err := n.TextStatus(ctx, image); horde.CodeOf(err) != horde.RequestNotFound {
		t.Errorf("an image's status as a text's: %v", err)
	}

	if _, err := n.Status(ctx, text); horde.CodeOf(err) != horde.RequestNotFound {
		t.Errorf("a text's status as an image's: %v", err)
	}

	if _, err := n.CancelText(ctx, image); horde.CodeOf(err) != horde.RequestNotFound {
		t.Errorf("an image cancelled as a text: %v", err)
	}

	if owner, err := n.Owner(ctx, text); err != nil || owner != alice.ID {
		t.Errorf("owner %d, %v", owner, err)
	}

	job := n.takeText(t, walter, scribe("w"))
	if _, err := n.submit(walter.Key, *job.ID, "ok"); horde.CodeOf(err) != horde.InvalidJobID {
		t.Errorf("a text delivered as an image: %v", err)
	}

	if _, err := n.Fleet.CheckInImage(ctx, walter.User, pop("w"),
		"10.0.0.1"); horde.CodeOf(err) != horde.PolymorphicNameConflict {
		t.Errorf("a Scribe that wants to generate images: %v", err)
	}

	// Concurrency counts each kind for itself.
	if _, err := n.AcceptText(ctx, askText(alice, 20, "b")); err != nil {
		t.Error(err)
	}

	if _, err := n.AcceptText(ctx, askText(alice, 20, "b")); horde.CodeOf(err) != horde.TooManyPrompts {
		t.Errorf("40 texts: %v", err)
	}

	n.accept(t, ask(alice, 20))
	if what := n.differs(); what != "" {
		t.Error(what)
	}

	if news := n.News(text); news.Kind != "text" || news.Check.Processing != 1 || len(news.Running) != 1 {
		t.Errorf("news of a text: %+v", news)
	}
}

func TestTextsAreFaultedAndCancelled(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	ctx := context.Background()
	alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)

	id := n.acceptText(t, askText(alice, 1, "a/model"))
	status := func() api.TextStatus {
		st, err := n.TextStatus(ctx, id)
		if err != nil {
			t.Fatal(err)
		}
		return st
	}

	for i := range 2 {
		job := n.takeText(t, walter, scribe("w"))
		for range 3 { // repeats add nothing (decision 13)
			if reward, err := n.SubmitText(ctx, walter.Key, api.TextSubmit{ID: *job.ID, State: "faulted"}); reward != 0 ||
				err != nil {
				t.Errorf("%v, %v", reward, err)
			}
		}
		if st := status(); st.Waiting != 1 || st.Restarted != i+1 || st.Done {
			t.Errorf("after fault %d: %+v", i+1, st)
		}
	}

	st, err := n.CancelText(ctx, id)
	if err != nil || st.Waiting != 1 {
		t.Errorf("before the cancel: %+v, %v", st, err)
	}

	if st := status(); !st.Done || st.Waiting != 0 || st.Faulted {
		t.Errorf("after the cancel: %+v", st)
	}

	if job := n.takeText(t, walter, scribe("w")); job.ID != nil {
		t.Error("a cancelled request was handed out")
	}

	// What is at work at a cancel is delivered and paid; then it is done.
	id = n.acceptText(t, askText(alice, 1, "a/model"))
	job := n.takeText(t, walter, scribe("w"))
	if _, err := n.CancelText(ctx, id); err != nil {
		t.Fatal(err)
	}

	if reward, err := n.SubmitText(ctx, walter.Key, api.TextSubmit{ID: *job.ID, Generation: "late"}); reward <= 0 ||
		err != nil {
		t.Errorf("%v, %v", reward, err)
	}

	if st := status(); !st.Done || len(st.Generations) != 1 {
		t.Errorf("after the delivery: %+v", st)
	}
}

func TestTheStateOfATextDecidesWhatItCosts(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	ctx := context.Background()
	alice, walter := n.person(t, false, 1000), n.person(t, false, 1000)

	csam := []api.GenMetadatum{{Type: "censorship", Value: "csam"}}
	for _, c := range []struct {
		state string
		meta  []api.GenMetadatum
		want  string
		kept  int
	}{{"", nil, "ok", 0}, {"ok", nil, "ok", 0}, {"censored", nil, "censored", 0}, {"csam", nil, "csam", 1},
		{"csam", csam, "csam", 1}, {"ok", csam, "csam", 1}} {
		id := n.acceptText(t, askText(alice, 1, "a/model"))
		job := n.takeText(t, walter, scribe("w"))
		// Of an unknown model of an untrusted owner: the context's factor, as it is.
		reward, err := n.SubmitText(ctx, walter.Key,
			api.TextSubmit{ID: *job.ID, Generation: "x", State: c.state, GenMetadata: c.meta})
		if err != nil || math.Abs(reward-(1.2+math.Pow(2.2, math.Log2(20.0/1024)))) > 1e-9 {
			t.Errorf("reward %v, %v", reward, err)
		}

		st, _ := n.TextStatus(ctx, id)
		if g := st.Generations[0]; g.State != c.want || len(g.GenMetadata) != c.kept {
			t.Errorf("%s, %v: %+v", c.state, c.meta, g)
		}

		cost := 2.0 // tax and burn
		if c.want == "ok" {
			cost += reward
		}

		if math.Abs(float64(st.Kudos)-cost) > 0.006 {
			t.Errorf("%s, %v: it cost %v, want %v", c.state, c.meta, st.Kudos, cost)
		}
	}
}

// A pop without a job says what keeps the worker from each waiting request; what
// keeps none is not told (generation §2.7, decision 20).
func TestATextPopTellsWhatKeepsItFromWork(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice, walter := n.person(t, false, 10_000), n.person(t, false, 0)
	other := n.person(t, true, 0)
	n.takeText(t, other, scribe("another"))
	mine := scribe("w")
	mine.BridgeAgent = "mine:1:x"
	if job := n.takeText(t, walter, mine); job.ID != nil || len(job.Skipped) != 0 {
		t.Fatalf("nothing waits: %v", job.Skipped)
	}

	w, another := n.Fleet.ByName("w").ID, n.Fleet.ByName("another").ID
	for _, tt := range []struct {
		name  string
		asked func(r *api.TextRequest)
		want  map[string]int
	}{
		{"another model", func(r *api.TextRequest) { r.Models = []string{"b/model"} }, map[string]int{"models": 1}},
		{"a long text", func(r *api.TextRequest) { r.Params.MaxLength = ptr(513) }, map[string]int{"max_length": 1}},
		{"a long context", func(r *api.TextRequest) { r.Params.MaxContextLength = ptr(4097) },
			map[string]int{"max_context_length": 1}},
		{"fast workers only", func(r *api.TextRequest) { r.SlowWorkers = ptr(false) }, map[string]int{"performance": 1}},
		{"trusted workers only", func(r *api.TextRequest) { r.TrustedWorkers = ptr(true) }, map[string]int{"untrusted": 1}},
		{"validated back ends only", func(r *api.TextRequest) { r.ValidatedBackends = ptr(true) },
			map[string]int{"bridge_version": 1}},
		{"a softprompt", func(r *api.TextRequest) { r.Softprompt = "a.zip" }, map[string]int{"matching_softprompt": 1}},
		{"for another worker", func(r *api.TextRequest) { r.Workers = []string{another} }, map[string]int{"worker_id": 1}},
		{"not for this one", func(r *api.TextRequest) { r.Workers, r.WorkerBlacklist = []string{w}, ptr(true) },
			map[string]int{"worker_id": 1}},
		{"for several reasons", func(r *api.TextRequest) {
			r.Models, r.Params.MaxLength, r.TrustedWorkers = []string{"b/model"}, ptr(513), ptr(true)
		}, map[string]int{"models": 1, "max_length": 1, "untrusted": 1}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := askText(alice, 1, "a/model")
			a.Body.ValidatedBackends = ptr(false)
			tt.asked(&a.Body)
			id := n.acceptText(t, a)
			if job := n.takeText(t, walter, mine); job.ID != nil || !maps.Equal(job.Skipped, tt.want) {
				t.Errorf("skipped %v, want %v", job.Skipped, tt.want)
			}
			if _, err := n.CancelText(t.Context(), id); err != nil {
				t.Fatal(err)
			}
		})
	}

	if what := n.differs(); what != "" {
		t.Error(what)
	}
}

// textMatcher is what a text pop gets by generation §2.7, written down
// plainly: the query, the order, the gates, and what it is withheld from
// (decision 20).
type textMatcher struct {
	o        *fleet.Offer
	fast     float64
	agent    bool
	matched  bool // HORDE_REQUIRE_MATCHED_TARGETING
	requests []*entry
}

func (texts textMatcher) first() (*entry, map[string]int) {
	var own, all []*entry
	for _, e := range texts.requests {
		if !texts.query(e) {
			continue
		}
		if _, friend := texts.o.PriorityUsers[e.row.UserID]; friend {
			own = append(own, e)
		} else {
			all = append(all, e)
		}
	}

	order := func(a, b *entry) int {
		if match.Before(&a.item, &b.item) {
			return -1
		}
		return 1
	}

	slices.SortFunc(own, order)
	slices.SortFunc(all, order)

	for _, e := range append(own, all...) {
		r := e.record.Text
		switch {
		case r.TrustedWorkers && !texts.o.Owner.Is(account.Trusted):
		case e.record.UnsafeIP && !e.record.Trusted && !texts.o.Owner.Is(account.Trusted):
		case e.item.DecoyWorkers[texts.o.Worker.ID]:
		case r.Softprompt != "" && !slices.Contains(texts.o.Worker.Settings.Softprompts, r.Softprompt):
		default:
			return e, nil
		}
	}

	return nil, texts.withheld()
}

// withheld counts, of each reason by itself, the waiting requests that it keeps from
// the worker; what keeps none is not told.
func (texts textMatcher) withheld() map[string]int {
	why := map[string]int{}
	for _, e := range texts.requests {
		if e.state.Waiting <= 0 || e.state.Faulted || e.state.Cancelled {
			continue
		}

		r, s := e.record.Text, texts.o.Worker.Settings
		listed := slices.Contains(r.Workers, texts.o.Worker.ID)

		allowList := len(r.Workers) > 0 && !r.WorkerBlacklist
		for reason, keeps := range map[string]bool{
			"models": len(r.Models) > 0 &&
				!slices.ContainsFunc(r.Models, func(name string) bool { return slices.Contains(texts.o.ModelList, name) }),
			"worker_id":  allowList && (!listed || texts.matched) || r.WorkerBlacklist && listed,
			"max_length": r.MaxLength > s.MaxLength, "max_context_length": r.MaxContextLength > s.MaxContextLength,
			"performance":    !r.SlowWorkers && texts.o.Worker.Speed() < texts.fast,
			"bridge_version": r.ValidatedBackends && !texts.agent,
			"untrusted": !texts.o.Owner.Is(account.Trusted) &&
				(r.TrustedWorkers || e.record.UnsafeIP && !e.record.Trusted),
			"matching_softprompt": r.Softprompt != "" && !slices.Contains(s.Softprompts, r.Softprompt),
		} {
			if keeps {
				why[reason]++
			}
		}
	}

	return why
}

func (texts textMatcher) query(e *entry) bool {
	r, s := e.record.Text, texts.o.Worker.Settings
	named := len(r.Models) == 0
	for _, name := range r.Models {
		named = named || slices.Contains(texts.o.ModelList, name)
	}
	target := slices.Contains(r.Workers, texts.o.Worker.ID) != r.WorkerBlacklist || len(r.Workers) == 0
	_, friend := texts.o.PriorityUsers[e.row.UserID]
	target = target && (!texts.matched || r.WorkerBlacklist || len(r.Workers) == 0 || friend)
	return e.state.Waiting > 0 && !e.state.Faulted && !e.state.Cancelled && e.state.Expires > 0 &&
		r.MaxLength <= s.MaxLength && r.MaxContextLength <= s.MaxContextLength && named && target &&
		(texts.o.Worker.Speed() >= texts.fast || r.SlowWorkers) && (texts.agent || !r.ValidatedBackends) &&
		(!texts.o.Worker.Maintenance || e.row.UserID == texts.o.Worker.UserID)
}

// Random queues and workers: the index hands out what the plain matcher does, and
// counts the same reasons.
func TestTextJobsAreHandedOutAsThePlainMatcherDoes(t *testing.T) {
	t.Parallel()
	known := textModels(t)
	n := handOutCases()
	given := 0
	for _, sum := range dice.Throw(t, n, func() *int { return new(int) },
		func(c dice.Chance, given *int) { handOutTexts(c, given, known) }) {
		given += *sum
	}
	if given < n/8 || given > n*7/8 {
		t.Errorf("%d of %d pops got something", given, n)
	}
}

func FuzzTextHandOuts(f *testing.F) {
	known := textModels(f)
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { handOutTexts(dice.Rapid(t), new(int), known) }))
}

func textModels(t testing.TB) *catalog.Snapshot { return knownTexts(t).Snapshot() }

// knownTexts is a catalog of three models.
func knownTexts(t testing.TB) *catalog.Catalog {
	t.Helper()
	file := filepath.Join(t.TempDir(), "texts.json")
	if err := os.WriteFile(file,
		[]byte(`{"small": {"parameters": 7e9}, "middle": {"parameters": 13e9}, "large": {"parameters": 70e9}}`),
		0o600); err != nil {
		t.Fatal(err)
	}
	c, err := catalog.New(catalog.Config{Texts: file})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

var textNames = []string{"small", "middle", "large", "strange"}

func handOutTexts(c dice.Chance, given *int, known *catalog.Snapshot) {
	flip := func(of int) bool { return dice.Once(c, of) }
	length := func() int { return dice.Pick(c, 16, 80, 128, 129, 200, 512, 513, 1000) }
	workers := []string{"w0", "w1", "w2"}
	x := newIndex(texts, newPartials())

	m := textMatcher{}
	for i := range c.N(13) {
		r := &admission.Text{Common: admission.Common{Prompt: "x", Models: dice.Some(c, 2, textNames), N: 1,
			TrustedWorkers: flip(3), SlowWorkers: !flip(4)},
			MaxLength: length(), MaxContextLength: 2 * length(), ValidatedBackends: flip(4)}
		if flip(4) {
			r.Softprompt = dice.Pick(c, "a", "b")
		}

		if flip(3) {
			r.Workers, r.WorkerBlacklist = dice.Some(c, 2, workers), flip(2)
		}

		e := x.newEntry(store.Request{ID: fmt.Sprint(i), UserID: horde.UserID(1 + c.N(4)),
			Created:  horde.Micros(int64(i) * match.GrowthTick / 2),
			Priority: dice.Pick[int64](c, 0, 50, 100, 1000),
			RequestState: store.RequestState{Jobs: 1, Waiting: c.N(3),
				Expires: dice.Pick[horde.Micros](c, 0, 1, 1, 1, 1, 1, 1, 1), Version: 1, Faulted: flip(9), Cancelled: flip(9)}},
			record{Text: r, UnsafeIP: flip(5), Trusted: flip(2)})

		x.AddLocked(e)
		if flip(6) {
			x.setJobLocked(e, store.Job{ID: fmt.Sprint("trick", i), RequestID: e.row.ID, WorkerID: "w0", Decoy: true})
		}

		m.requests = append(m.requests, e)
	}

	agent := dice.Pick(c, "KoboldCppEmbedWorker:2:x", "mine:1:x")
	list := dice.Some(c, 2, textNames)
	if len(list) == 0 {
		list = textNames[3:]
	}

	w := &fleet.Worker{Worker: store.Worker{ID: "w0", Kind: horde.KindText, UserID: 1, Maintenance: flip(6),
		Totals: store.WorkerTotals{Speeds: []float64{dice.Pick(c, 1.0, 3, 4, 5)}}}, Agent: bridge.Parse(agent),
		Settings: fleet.Settings{Models: list, AllowUnsafeIP: true, MaxLength: length(), MaxContextLength: 2 * length()}}
	if flip(2) {
		w.Settings.Softprompts = []string{"a"}
	}

	owner := &account.User{ID: 1}
	if flip(2) {
		owner.Roles = account.Trusted
	}

	o := &fleet.Offer{Worker: w, Owner: owner, ModelList: list, Models: map[string]struct{}{},
		PriorityUsers: map[horde.UserID]struct{}{1: {}}}
	for _, name := range list {
		o.Models[name] = struct{}{}
	}

	if flip(2) {
		o.PriorityUsers[2] = struct{}{}
	}

	m.o, m.matched = o, flip(4)
	m.agent = agent[0] == 'K'
	m.fast = map[string]float64{"small": 5, "middle": 4, "large": 3, "strange": 5}[list[0]]
	want, why := m.first()
	result := x.Queue.Find(&match.Pop{Worker: texts.factsOf(o.Worker, o, known), Want: 1, MatchedTargeting: m.matched})
	var got *entry
	if len(result.Found) > 0 {
		got = x.Requests.Get(result.Found[0].ID)
	}

	if want != got {
		c.Failf("handed out %s, want %s", describe(got), describe(want))
	}

	if got != nil {
		*given++
	}

	// A worker in maintenance hears nothing but that it is.
	if want == nil && !w.Maintenance && !maps.Equal(why, result.Skipped) {
		c.Failf("skipped %v, want %v", result.Skipped, why)
	}
}

func describe(e *entry) string {
	if e == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s %+v", e.row.ID, *e.record.Text)
}
