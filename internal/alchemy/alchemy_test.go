package alchemy

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/kinds"
	kind "horde/internal/kinds/form"
	"horde/internal/notify"
	"horde/internal/requests"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// minParallel is how many tests run at a time at least: most of them wait for a database.
const minParallel = 6

func TestMain(m *testing.M) {
	storetest.Parallel(minParallel)
	os.Exit(m.Run())
}

// sourceImages answers addresses with an image: the text after the last slash is its
// size, such as 64x64.
type sourceImages struct{}

func (sourceImages) Fetch(_ context.Context, url string) ([]byte, error) {
	var w, h int
	if _, err := fmt.Sscanf(url[strings.LastIndexByte(url, '/')+1:], "%dx%d", &w, &h); err != nil {
		return nil, horde.Errorf(horde.ImageValidationFailed, "no")
	}
	return pngFile(w, h), nil
}

func pngFile(w, h int) []byte {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func inline(w, h int) string { return base64.StdEncoding.EncodeToString(pngFile(w, h)) }

// node is an alchemy queue and what it stands on.
type node struct {
	*Queue
	t     testing.TB
	clock *hordetest.Clock
	house *hordetest.House
	modes *admission.Server
	hooks chan string
}

// Post takes a webhook.
func (n *node) Post(_ context.Context, address string, _ http.Header, body []byte) error {
	n.hooks <- address + " " + string(body)
	return nil
}

func newNode(t testing.TB, db *storetest.DB, c *hordetest.Clock) *node {
	t.Helper()
	ctx := context.Background()
	h := hordetest.Open(t, db, c)
	f, err := fleet.New(ctx, fleet.Config{Store: h.Store, Accounts: h.Accounts, Catalog: h.Catalog, Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}

	n := &node{t: t, clock: c, house: h, modes: &admission.Server{}, hooks: make(chan string, 16)}
	hooks, err := notify.New(notify.Options{Store: h.Store, Sender: n, Clock: c.Now,
		Image: func(ctx context.Context, name string, _ bool) string { return h.Blobs.SignGet(ctx, name, blob.LinkTTL) }})
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	var done sync.WaitGroup
	done.Go(func() { hooks.Run(running) })
	t.Cleanup(func() { stop(); done.Wait() })
	n.Queue, err = New(ctx, requests.Config{Store: h.Store, Accounts: h.Accounts, Fleet: f, Blobs: h.Blobs, Clock: c.Now,
		Modes: func() admission.Server { return *n.modes }, Sources: sourceImages{}, Hooks: hooks})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// each runs a test on one node on SQLite, and on one on PostgreSQL.
func each(t *testing.T, test func(t *testing.T, n *node)) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		test(t, newNode(t, db, hordetest.NewClock()))
	})
}

func (n *node) person(name string, trusted bool) hordetest.Person {
	n.t.Helper()
	return n.house.Person(n.t, name, trusted, 1000)
}

func forms(names ...string) (list []api.AlchemyForm) {
	for _, name := range names {
		list = append(list, api.AlchemyForm{Name: name})
	}
	return list
}

// ask sends a request that has to be taken, and returns its id.
func (n *node) ask(p hordetest.Person, r api.AlchemyRequest) string {
	n.t.Helper()
	if r.SourceImage == "" {
		r.SourceImage = inline(64, 64)
	}
	a, err := n.Accept(context.Background(), Request{Body: r, Key: p.Key})
	if err != nil {
		n.t.Fatal(err)
	}
	return a.ID
}

var allForms = api.AlchemyFormNames()

// offer checks a worker in.
func (n *node) offer(p hordetest.Person, worker string, edit ...func(*api.AlchemyPop)) *fleet.FormsOffer {
	n.t.Helper()
	pop := api.AlchemyPop{Name: worker, Forms: allForms, BridgeAgent: "Horde Worker:1:x"}
	for _, f := range edit {
		f(&pop)
	}
	o, err := n.Fleet.CheckInForms(context.Background(), p.User, pop, "10.0.0.1")
	if err != nil {
		n.t.Fatal(err)
	}
	return o
}

func amount(k int) func(*api.AlchemyPop) { return func(p *api.AlchemyPop) { p.Amount = &k } }

// pop takes what there is.
func (n *node) pop(o *fleet.FormsOffer) *api.AlchemyJob {
	n.t.Helper()
	job, err := n.Pop(context.Background(), o, 0)
	if err != nil {
		n.t.Fatal(err)
	}
	return job
}

// names are the forms of a pop, and how many were withheld for want of trust.
func names(job *api.AlchemyJob) string {
	var list []string
	for _, f := range job.Forms {
		list = append(list, f.Form)
	}
	if k := job.Skipped["untrusted"]; k > 0 {
		list = append(list, fmt.Sprintf("untrusted:%d", k))
	}
	return strings.Join(list, " ")
}

func (n *node) submit(p hordetest.Person, s api.AlchemySubmit) (float64, error) {
	return n.Submit(context.Background(), p.Key, s)
}

// state is the status in short: "waiting caption:waiting nsfw:done={…}".
func (n *node) state(id string) string {
	n.t.Helper()
	s, err := n.Status(context.Background(), id)
	if err != nil {
		return string(horde.CodeOf(err))
	}
	return short(s)
}

func short(s api.AlchemyStatus) string {
	text := s.State
	for _, f := range s.Forms {
		text += " " + f.Form + ":" + f.State
		if f.Result != nil {
			text += "=" + string(f.Result)
		}
	}
	return text
}

func (n *node) account(p hordetest.Person) *store.Account {
	n.t.Helper()
	a, err := n.Store.Account(context.Background(), p.ID)
	if err != nil {
		n.t.Fatal(err)
	}
	return a
}

func (n *node) balance(p hordetest.Person) float64 { return n.account(p).Balance.Float() }

// sound proves the ledger.
func (n *node) sound() {
	n.t.Helper()
	audit, err := n.Store.Audit(context.Background())
	if err != nil || !audit.Sound() {
		n.t.Errorf("the ledger is not sound: %+v, %v", audit, err)
	}
}

func TestFormsGoFromRequestToResult(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, walter := n.person("alice", false), n.person("walter", false)
		id := n.ask(alice, api.AlchemyRequest{Forms: []api.AlchemyForm{{Name: "caption",
			Payload: map[string]string{"style": "short"}},
			{Name: "GFPGAN"}, {Name: "caption"}}, SourceImage: inline(600, 64)})
		if got := n.state(id); got != "waiting caption:waiting GFPGAN:waiting" {
			t.Errorf("accepted: %s", got)
		}

		o := n.offer(walter, "w", amount(5))
		job := n.pop(o)
		if len(job.Forms) != 2 || job.Forms[0].Payload["style"] != "short" || job.Forms[0].R2Upload != "" ||
			!strings.Contains(job.Forms[1].R2Upload, job.Forms[1].ID+".webp") ||
			!strings.Contains(job.Forms[0].SourceImage, id+".webp") {
			t.Fatalf("popped: %+v", job)
		}

		if got := n.state(id); got != "processing caption:processing GFPGAN:processing" || n.Open() != 2 {
			t.Errorf("popped: %s, %d open", got, n.Open())
		}

		n.clock.Advance(4 * time.Second)
		if reward, err := n.submit(walter,
			api.AlchemySubmit{ID: job.Forms[0].ID, Result: map[string]any{"caption": "a <b>"}}); reward != 1 || err != nil {
			t.Errorf("caption: %v %v", reward, err)
		}

		if reward, err := n.submit(walter,
			api.AlchemySubmit{ID: job.Forms[1].ID, Result: map[string]any{"GFPGAN": "R2", "x": 1.5}}); reward != 6 ||
			err != nil {
			t.Errorf("two tiles: %v %v", reward, err)
		}

		s, err := n.Status(t.Context(), id)
		if err != nil || s.State != "done" || len(s.Forms) != 2 {
			t.Fatalf("%+v %v", s, err)
		}

		var made map[string]any
		if err := json.Unmarshal(s.Forms[1].Result, &made); err != nil ||
			!strings.HasPrefix(fmt.Sprint(made["GFPGAN"]), "http://horde.test/blob/"+job.Forms[1].ID) || made["x"] != 1.5 {
			t.Errorf("result %s", s.Forms[1].Result)
		}

		if n.balance(alice) != 1000-(1+2)-(6+2) || n.balance(walter) != 1003.5 ||
			n.account(walter).Escrow != horde.KudosOf(3.5) {
			t.Errorf("alice %v, walter %v", n.account(alice), n.account(walter))
		}

		if a, w := n.account(alice).Totals.Requests, n.account(walter).Totals.Fulfilments; a != (store.PerKind{0, 0, 2}) ||
			w != (store.PerKind{0, 0, 2}) {
			t.Errorf("records %v %v", a, w)
		}

		if w := n.Fleet.ByName("w"); w.Totals.Kudos != horde.Whole(7) || w.Totals.Generated != 0 ||
			w.Totals.Fulfilments != 2 || w.Speed() != 4 {
			t.Errorf("worker %+v", w.Totals)
		}

		if n.Open() != 0 {
			t.Errorf("%d open", n.Open())
		}

		n.sound()
	})
}

func TestWhatIsNoRequestIsRefused(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice := n.person("alice", false)

	source := inline(64, 64)
	ask := func(edit func(*Request)) error {
		a := Request{Key: alice.Key, Body: api.AlchemyRequest{Forms: forms("caption"), SourceImage: source}}
		edit(&a)
		_, err := n.Accept(t.Context(), a)
		return err
	}

	for _, tt := range []struct {
		name  string
		code  horde.Code
		modes admission.Server
		edit  func(*Request)
	}{
		{"maintenance before all", horde.MaintenanceMode, admission.Server{Maintenance: true},
			func(a *Request) { a.Key, a.Body.Webhook = "no", "http://x.example" }},
		{"webhook before the key", horde.BadRequest, admission.Server{},
			func(a *Request) { a.Key, a.Body.Webhook = "no", "http://x.example" }},
		{"unknown key", horde.InvalidAPIKey, admission.Server{}, func(a *Request) { a.Key, a.Body.SourceImage = "no", "x" }},
		{"shared key", horde.InvalidAPIKey, admission.Server{}, func(a *Request) { a.Key = horde.NewID() }},
		{"unsafe address in a raid", horde.UntrustedUnsafeIP, admission.Server{Raid: true},
			func(a *Request) { a.UnsafeIP, a.Body.SourceImage = true, "x" }},
		{"unsafe address", "", admission.Server{}, func(a *Request) { a.UnsafeIP = true }},
		{"no image", horde.ImageValidationFailed, admission.Server{}, func(a *Request) { a.Body.SourceImage = "x" }},
		{"damaged image", horde.ImageValidationFailed, admission.Server{},
			func(a *Request) { a.Body.SourceImage = source[:80] }},
		{"bad address", horde.ImageValidationFailed, admission.Server{},
			func(a *Request) { a.Body.SourceImage = "https://x.example/none" }},
		{"256 tiles", horde.SourceImageResolutionExceeded, admission.Server{},
			func(a *Request) { a.Body.SourceImage = "https://x.example/8192x8192" }},
		{"255 tiles", "", admission.Server{}, func(a *Request) { a.Body.SourceImage = "https://x.example/7680x8704" }},
		{"large payload", horde.BadRequest, admission.Server{}, func(a *Request) {
			a.Body.Forms[0].Payload = map[string]string{"x": strings.Repeat("y", maxPayload)}
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			*n.modes = tt.modes
			if err := ask(tt.edit); horde.CodeOf(err) != tt.code || err != nil && tt.code == "" {
				t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
			}
		})
	}
}

// A user may have ten forms open for each job of the concurrency.
func TestAUserHasSoManyFormsOpen(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice, walter := n.person("alice", false), n.person("walter", false)
	const url = "https://x.example/64x64"
	for range 300 / len(allForms) {
		n.ask(alice, api.AlchemyRequest{Forms: forms(allForms...), SourceImage: url})
	}

	try := func(k int) error {
		_, err := n.Accept(t.Context(),
			Request{Key: alice.Key, Body: api.AlchemyRequest{Forms: forms(allForms[:k]...), SourceImage: url}})
		return err
	}

	left := 300 % len(allForms)
	says := fmt.Sprintf("This request has %d forms, and %d of yours are waiting or in progress: at most 300 may be.",
		left+1, 300-left)
	if err := try(left + 1); horde.CodeOf(err) != horde.TooManyPrompts || !strings.Contains(err.Error(), says) {
		t.Errorf("too many: %v, want %q", err, says)
	}

	if err := try(left); err != nil {
		t.Errorf("the last: %v", err)
	}

	job := n.pop(n.offer(walter, "w"))
	if err := try(1); horde.CodeOf(err) != horde.TooManyPrompts {
		t.Errorf("those in progress count too: %v", err)
	}

	if _, err := n.submit(walter, api.AlchemySubmit{ID: job.Forms[0].ID, Result: map[string]any{"a": 1}}); err != nil {
		t.Error(err)
	}

	if err := try(1); err != nil {
		t.Errorf("after a delivery: %v", err)
	}
}

func TestARequestWithoutFormsIsFaulted(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		if got := n.state(n.ask(n.person("alice", false), api.AlchemyRequest{})); got != "faulted" {
			t.Error(got)
		}
	})
}

// A form is given up three times, reported or by time, and is faulted the fourth.
func TestTheFourthFailureEndsAForm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, walter := n.person("alice", false), n.person("walter", false)
		id := n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw")})
		o := n.offer(walter, "w", func(p *api.AlchemyPop) { p.Forms = []string{"caption"} })

		var form string
		for try := 1; try <= 4; try++ {
			job := n.pop(o)
			if len(job.Forms) != 1 {
				t.Fatalf("try %d: %+v", try, job)
			}

			form = job.Forms[0].ID
			if try%2 == 0 {
				if reward, err := n.submit(walter, api.AlchemySubmit{ID: form, State: "faulted"}); reward != 0 || err != nil {
					t.Errorf("fault: %v %v", reward, err)
				}
			} else {
				n.clock.Advance(kind.TTL)
				n.sweep()
				if got := n.state(id); got != "processing caption:processing nsfw:waiting" {
					t.Errorf("in time: %s", got)
				}
				n.clock.Advance(time.Microsecond)
				n.sweep()
			}

			want := "waiting caption:waiting nsfw:waiting"
			if try == 4 {
				want = "waiting caption:faulted nsfw:waiting"
			}

			if got := n.state(id); got != want {
				t.Errorf("try %d: %s, want %s", try, got, want)
			}

			_, err := n.submit(walter, api.AlchemySubmit{ID: form, Result: map[string]any{"caption": "late"}})
			if horde.CodeOf(err) != horde.DuplicateGen {
				t.Errorf("too late: %v", err)
			}
		}

		if w := n.Fleet.ByName("w"); w.Totals.Uncompleted != 4 || w.Totals.Kudos != 0 {
			t.Errorf("worker %+v", w.Totals)
		}

		if n.balance(alice) != 1000 {
			t.Errorf("charged: %v", n.balance(alice))
		}
	})
}

func (n *node) sweep() {
	n.t.Helper()
	if err := n.Sweep(context.Background()); err != nil {
		n.t.Fatal(err)
	}
}

// An alchemist may drop a hundred forms in an hour.
func TestTooManyDroppedFormsLeadToMaintenance(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice, walter := n.person("alice", false), n.person("walter", false)
	o := n.offer(walter, "w")

	delivered := 0
	for i := range 126 {
		n.ask(alice, api.AlchemyRequest{Forms: forms("caption")})
		job := n.pop(o)
		if w := n.Fleet.ByName("w"); w.Maintenance {
			t.Fatalf("in maintenance after %d", i)
		}

		for _, f := range job.Forms {
			s := api.AlchemySubmit{ID: f.ID, State: "faulted"}
			if i%5 == 4 { // one that never delivers is paused long before
				s, delivered = api.AlchemySubmit{ID: f.ID, Result: map[string]any{"caption": "x"}}, delivered+1
			}
			if _, err := n.submit(walter, s); err != nil {
				t.Fatal(err)
			}
		}
	}

	if w := n.Fleet.ByName("w"); !w.Maintenance || len(w.Totals.Suspicions) != 1 || w.Totals.Uncompleted != 101 ||
		delivered != 25 {
		t.Errorf("%d delivered, %+v", delivered, w.Worker)
	}
}

func TestOnlyItsWorkerDeliversAForm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, walter, mallory := n.person("alice", false), n.person("walter", false), n.person("mallory", false)
		id := n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw")})
		o := n.offer(walter, "w")
		form := n.pop(o).Forms[0].ID
		result := map[string]any{"caption": "x"}
		code := func(p hordetest.Person, form string) horde.Code {
			_, err := n.submit(p, api.AlchemySubmit{ID: form, Result: result})
			return horde.CodeOf(err)
		}

		for _, tt := range []struct {
			who  hordetest.Person
			form string
			want horde.Code
		}{
			{hordetest.Person{Key: "no"}, horde.NewID(), horde.InvalidJobID}, {walter, "x", horde.InvalidJobID},
			{walter, id, horde.InvalidJobID},
			{hordetest.Person{Key: "no"}, form, horde.InvalidAPIKey}, {mallory, form, horde.WrongCredentials},
			{alice, form, horde.WrongCredentials},
			{walter, form, ""}, {walter, form, horde.DuplicateGen}, {mallory, form, horde.WrongCredentials},
		} {
			if got := code(tt.who, tt.form); got != tt.want {
				t.Errorf("%v %s: %q, want %q", tt.who.User, tt.form, got, tt.want)
			}
		}

		yes := true
		if _, err := n.Fleet.Modify(t.Context(), walter.User, n.Fleet.ByName("w"),
			api.ModifyWorker{Maintenance: &yes}); err != nil {
			t.Fatal(err)
		}

		if got := code(walter, form); got != "" {
			t.Errorf("again in maintenance: %s", got)
		}

		n.clock.Advance(kinds.RequestLife)
		if got := code(walter, form); got != horde.InvalidJobID {
			t.Errorf("expired: %s", got)
		}

		n.sound()
	})
}

// A request lives 20 minutes from the last pop or delivery, and takes its image
// along.
func TestARequestExpiresWithItsImage(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, walter := n.person("alice", false), n.person("walter", false)
		id := n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw")})
		n.clock.Advance(kinds.RequestLife - time.Second)
		job := n.pop(n.offer(walter, "w"))
		n.clock.Advance(2 * time.Minute)
		if _, err := n.submit(walter,
			api.AlchemySubmit{ID: job.Forms[0].ID, Result: map[string]any{"caption": "x"}}); err != nil {
			t.Fatal(err)
		}

		n.clock.Advance(kinds.RequestLife - time.Second)
		n.sweep()
		if got := n.state(id); got != `waiting caption:done={"caption":"x"} nsfw:waiting` {
			t.Errorf("alive: %s", got)
		}

		n.clock.Advance(time.Second)
		if got := n.state(id); got != "RequestNotFound" {
			t.Errorf("expired: %s", got)
		}

		if there, err := n.Blobs.Exists(t.Context(), id+".webp"); !there || err != nil {
			t.Errorf("image: %v %v", there, err)
		}

		n.sweep()
		if there, err := n.Blobs.Exists(t.Context(), id+".webp"); there || err != nil {
			t.Errorf("image: %v %v", there, err)
		}

		if left, err := n.Store.FormsOf(t.Context(), []string{id}); len(left) != 0 || err != nil || n.Open() != 0 {
			t.Errorf("left: %v %v, %d open", left, err, n.Open())
		}
	})
}

func TestANewNodeGoesOnWhereTheOldOneEnded(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		alice, walter := n.person("alice", false), n.person("walter", false)
		id := n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw", "palette")})
		job := n.pop(n.offer(walter, "w", amount(2)))
		if _, err := n.submit(walter,
			api.AlchemySubmit{ID: job.Forms[0].ID, Result: map[string]any{"caption": "x"}}); err != nil {
			t.Fatal(err)
		}

		n.Store.Close()
		n = newNode(t, db, c)
		if got := n.state(id); got != `processing caption:done={"caption":"x"} nsfw:processing palette:waiting` ||
			n.Open() != 2 {
			t.Errorf("%s, %d open", got, n.Open())
		}

		if got := names(n.pop(n.offer(walter, "w", amount(9)))); got != "palette" {
			t.Errorf("popped %q", got)
		}

		if reward, err := n.submit(walter,
			api.AlchemySubmit{ID: job.Forms[1].ID, Result: map[string]any{"nsfw": false}}); reward != 1 || err != nil {
			t.Errorf("%v %v", reward, err)
		}
	})
}
