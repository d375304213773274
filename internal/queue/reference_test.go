package queue

import (
	"math"
	"testing"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

func (n *node) know(t *testing.T, doc string) {
	t.Helper()
	if _, err := n.Catalog.Import(t.Context(), catalog.Images, "test", []byte(doc)); err != nil {
		t.Fatal(err)
	}
}

// The reference may change while a request waits or is generated. It is paid for as
// it was priced; who may take it, and how many at once, goes by what its model is
// now; and when the model is unknown it waits for whoever may offer such.
func TestTheReferenceMayChangeUnderARequest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		n.know(t, `{"mine": {"baseline": "stable diffusion 1"}, "other": {"baseline": "flux_1"}}`)
		alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)
		asked := func(images int) ImageRequest {
			in := ask(alice, images, "mine")
			p := in.Body.Params
			p.Width, p.Height, p.Steps = ptr(512), ptr(512), ptr(40) // long enough for times above the least
			return in
		}
		price := func() float64 {
			in := asked(1)
			in.Body.DryRun = ptr(true)
			answer, err := n.Accept(t.Context(), in)
			if err != nil {
				t.Fatal(err)
			}
			return float64(answer.DryRun.Kudos)
		}
		told := price()
		id := n.accept(t, asked(3))
		first := n.take(t, walter, pop("w", "mine"))

		n.know(t, `{"mine": {"baseline": "flux_1"}, "other": {"baseline": "flux_1"}}`)
		if now := price(); now < 2*told {
			t.Fatalf("a new request costs %v, before %v: the test tells nothing", now, told)
		}
		old := pop("old", "mine")
		old.BridgeAgent = "AI Horde Worker reGen:8.0.0:x" // knows no Flux
		if job := n.take(t, walter, old); job != nil {
			t.Error("a bridge without Flux got a job whose model is Flux now")
		}
		second := n.take(t, walter, pop("w", "mine"))
		if second == nil || *second.TTL != 330 || *first.TTL != 150 {
			t.Fatalf("first %+v, then %+v", first, second)
		}

		n.know(t, `{"other": {"baseline": "flux_1"}}`)
		if _, err := n.Fleet.CheckInImage(t.Context(), walter.User, pop("w2", "mine"), "10.0.0.1"); err == nil {
			t.Error("a model that has left the reference is still taken from workers")
		}
		if c, err := n.Check(t.Context(), id); err != nil || c.Waiting != 1 || c.Processing != 2 {
			t.Errorf("the request: %+v, %v", c, err)
		}
		n.know(t, `{"mine": {"baseline": "qwen_image"}}`)
		third := n.take(t, walter, pop("w", "mine"))
		var rewards []float64
		for _, job := range []*api.ImageJob{first, second, third} {
			reward, err := n.submit(walter.Key, *job.ID, "ok")
			if err != nil {
				t.Fatal(err)
			}
			rewards = append(rewards, reward)
		}
		if rewards[0] != rewards[1] || rewards[0] != rewards[2] || rewards[0] <= 0 {
			t.Errorf("rewards %v: they were priced alike", rewards)
		}
		acc, err := n.Accounts.Balance(t.Context(), alice.ID)
		if err != nil {
			t.Fatal(err)
		}
		tax := 3.0
		if paid, want := 1000-acc.Float(), tax+3*(told-tax); math.Abs(paid-want) > 0.005 {
			t.Errorf("paid %v, told %v", paid, want)
		}
		if st, err := n.Status(t.Context(), id); err != nil || !st.Done || st.Finished != 3 {
			t.Errorf("status: %+v, %v", st, err)
		}
	})
}
