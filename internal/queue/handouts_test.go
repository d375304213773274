package queue

import (
	"encoding/json"
	"fmt"
	"maps"
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
	"horde/internal/requests"
	"horde/internal/store"
)

// agents are the bridges of random workers, those of gates first among them.
var agents = []string{
	"AI Horde Worker reGen:13:x", "AI Horde Worker reGen:13:x", "AI Horde Worker reGen:13:x",
	"AI Horde Worker reGen:12:x", "AI Horde Worker reGen:8:x",
	"AI Horde Worker reGen:7:x", "AI Horde Worker reGen:6:x", "AI Horde Worker reGen:5:x", "AI Horde Worker reGen:2:x",
	"AI Horde Worker reGen:1:x",
	"AI Horde Worker:24:x", "AI Horde Worker:23:x", "AI Horde Worker:22:x", "AI Horde Worker:20:x",
	"AI Horde Worker:17:x", "AI Horde Worker:14:x", "AI Horde Worker:12:x",
	"SD-WebUI Stable Horde Worker Bridge:4:x", "SD-WebUI Stable Horde Worker Bridge:2:x", "HordeAutoWebBridge:1:x",
	"HordeAutoWebBridge:2:x", "stranger:1:x",
}

var talentsByAgent = func() map[string]talents {
	all := map[string]talents{}
	for _, a := range agents {
		all[a] = talentsOf(a)
	}
	return all
}()

func referenceOfFacts(t testing.TB) *catalog.Snapshot {
	doc := map[string]any{}
	for name, f := range facts {
		steps := map[string]any{}
		if f.min > 0 {
			steps["min_steps"] = f.min
		}
		if f.max > 0 {
			steps["max_steps"] = f.max
		}
		doc[name] = map[string]any{"baseline": f.baseline, "inpainting": f.inpainting, "requirements": steps}
	}

	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(t.TempDir(), "images.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}

	c, err := catalog.New(catalog.Config{Images: file})
	if err != nil {
		t.Fatal(err)
	}

	return c.Snapshot()
}

// wishes are the ways in which a request differs from the plainest one.
var wishes = []func(c dice.Chance, r *wish){
	func(c dice.Chance, r *wish) {
		r.ask.Models = &[]string{}
		*r.ask.Models = dice.Some(c, 3,
			[]string{"stable_diffusion", "few", "many", "xl", "cascade", "flux", "qwen", "z", "inpainting", "nobody's",
				betaModel})
	},
	func(c dice.Chance, r *wish) { r.ask.Models = &[]string{dice.Pick(c, "few", "xl", "flux", "nobody's")} },
	func(_ dice.Chance, r *wish) { r.ask.Models = &[]string{} },
	func(c dice.Chance, r *wish) { r.ask.NSFW = dice.Pick(c, ptr(true), nil) },
	func(_ dice.Chance, r *wish) { r.ask.TrustedWorkers = ptr(true) },
	func(_ dice.Chance, r *wish) { r.ask.SlowWorkers = ptr(false) },
	func(_ dice.Chance, r *wish) { r.ask.ExtraSlowWorkers = ptr(true) },
	func(c dice.Chance, r *wish) {
		r.ask.WorkerBlacklist = dice.Pick(c, ptr(true), nil)
		r.ask.Workers = dice.Some(c, 2, []string{visitorID, "w2", "w3", visitorID})
	},
	func(_ dice.Chance, r *wish) { r.ask.SourceImage = "an image" },
	func(c dice.Chance, r *wish) {
		r.ask.SourceImage, r.ask.SourceProcessing = "an image", dice.Pick(c, "inpainting", "outpainting", "remix")
		r.ask.Models = &[]string{dice.Pick(c, "inpainting", "stable_diffusion")}
	},
	func(_ dice.Chance, r *wish) {
		r.ask.SourceImage, r.ask.SourceProcessing = "an image", "remix"
		r.ask.ExtraSourceImages = []api.ExtraSource{{Image: "another"}}
	},
	func(_ dice.Chance, r *wish) { r.ask.R2 = ptr(false) },
	func(c dice.Chance, r *wish) {
		r.ask.Params.Loras = dice.Pick(c, []api.Lora{}, []api.Lora{{Name: "1"}},
			[]api.Lora{{Name: "1", IsVersion: ptr(true)}})
	},
	func(c dice.Chance, r *wish) { r.ask.Params.TIs = dice.Pick(c, []api.TI{}, []api.TI{{Name: "1"}}) },
	func(c dice.Chance, r *wish) {
		r.ask.Params.ControlType, r.ask.SourceImage = dice.Pick(c, "canny", "depth"), "an image"
		r.ask.Params.ImageIsControl = dice.Pick(c, ptr(true), nil)
	},
	func(_ dice.Chance, r *wish) { r.ask.Params.ReturnControlMap = ptr(true) },
	func(_ dice.Chance, r *wish) { r.ask.Params.Workflow = "qr_code" },
	func(_ dice.Chance, r *wish) { r.ask.Params.HiresFix = ptr(true) },
	func(_ dice.Chance, r *wish) { r.ask.Params.Transparent = ptr(true) },
	func(_ dice.Chance, r *wish) { r.ask.Params.Tiling = ptr(true) },
	func(c dice.Chance, r *wish) { r.ask.Params.ClipSkip = ptr(1 + c.N(3)) },
	func(c dice.Chance, r *wish) {
		r.ask.Params.PostProcessing = dice.Some(c, 3,
			[]string{"GFPGAN", "CodeFormers", "4x_AnimeSharp", "strip_background", "RestoreFormer"})
	},
	func(c dice.Chance, r *wish) {
		r.ask.Params.SamplerName = dice.Pick(c, "k_lms", "k_dpmpp_sde", "k_dpm_adaptive", "DDIM", "lcm", "dpmsolver")
		r.ask.Params.Karras = dice.Pick(c, ptr(true), ptr(false), nil)
	},
	func(_ dice.Chance, r *wish) { r.ask.Params.Karras = ptr(false) },
	func(c dice.Chance, r *wish) { r.ask.Params.Steps = ptr(dice.Pick(c, 4, 5, 7, 8, 30, 31, 60, 61)) },
	func(c dice.Chance, r *wish) {
		r.ask.Params.Width, r.ask.Params.Height = ptr(dice.Pick(c, 64, 576, 1024)), ptr(dice.Pick(c, 512, 1024))
	},
	func(c dice.Chance, r *wish) {
		r.ask.Prompt = dice.Pick(c, "a SNOWY hill", "a hill###snow", "the sea", "Straße am Meer")
	},
	func(_ dice.Chance, r *wish) { r.ask.DisableBatching = ptr(true) },
	func(_ dice.Chance, r *wish) { r.unsafeIP = true },
	func(_ dice.Chance, r *wish) { r.trusted = true },
	func(_ dice.Chance, r *wish) { r.tricked = true },
	func(c dice.Chance, r *wish) {
		*dice.Pick(c, &r.faulted, &r.cancelled, &r.expired) = true
	},
	func(_ dice.Chance, r *wish) { r.waiting = 0 },
}

// whims are the ways in which a worker differs from one that does everything.
var whims = []func(c dice.Chance, w *visitor){
	func(c dice.Chance, w *visitor) { w.agent = dice.Pick(c, agents...) },
	func(c dice.Chance, w *visitor) { w.agent = dice.Pick(c, agents...) },
	func(c dice.Chance, w *visitor) { w.agent = dice.Pick(c, agents...) },
	func(c dice.Chance, w *visitor) {
		w.says.Models = append(dice.Some(c, 3,
			[]string{"few", "many", "xl", "cascade", "flux", "qwen", "z", betaModel, "horde_special::me#1"}), "stable_diffusion")
	},
	func(c dice.Chance, w *visitor) {
		w.says.Models = []string{dice.Pick(c, "inpainting", "few", "xl", "qwen", "z")}
	},
	func(_ dice.Chance, w *visitor) { w.says.Models = []string{"stable_diffusion"} },
	func(_ dice.Chance, w *visitor) { w.says.NSFW = false },
	func(c dice.Chance, w *visitor) { w.says.MaxPixels = dice.Pick(c, 64*512, 512*512, 576*512, 1024*1024) },
	func(_ dice.Chance, w *visitor) { w.says.AllowImg2Img = false },
	func(_ dice.Chance, w *visitor) { w.says.AllowPainting = false },
	func(_ dice.Chance, w *visitor) { w.says.AllowUnsafeIP = false },
	func(_ dice.Chance, w *visitor) { w.says.AllowPostProcessing = false },
	func(_ dice.Chance, w *visitor) { w.says.AllowControlnet = false },
	func(_ dice.Chance, w *visitor) { w.says.AllowSDXLControlnet = false },
	func(_ dice.Chance, w *visitor) { w.says.AllowLora = false },
	func(_ dice.Chance, w *visitor) { w.says.LimitMaxSteps = true },
	func(_ dice.Chance, w *visitor) { w.says.LimitMaxSteps = true },
	func(_ dice.Chance, w *visitor) { w.says.ExtraSlow = true },
	func(_ dice.Chance, w *visitor) { w.says.RequireUpfrontKudos = true },
	func(_ dice.Chance, w *visitor) { w.says.RequireUpfrontKudos = true },
	func(c dice.Chance, w *visitor) {
		w.says.Blacklist = dice.Pick(c, []string{"snow"}, []string{"sea", "snow"}, []string{""}, []string{"straße"})
	},
	func(_ dice.Chance, w *visitor) { w.trusted = false },
	func(c dice.Chance, w *visitor) { w.speed = dice.Pick(c, 499_999.0, 500_000.0) },
	func(c dice.Chance, w *visitor) { w.friends = dice.Some(c, 2, []horde.UserID{0, 2, 3}) },
	func(_ dice.Chance, w *visitor) { w.maintenance = true },
	func(_ dice.Chance, w *visitor) { w.paused = true },
	func(_ dice.Chance, w *visitor) { w.matched = true },
}

// scenes bring together what rare gates need: an old bridge, and requests that it
// could serve but for one thing.
var scenes = []func(c dice.Chance, w *visitor, r *wish){
	func(c dice.Chance, w *visitor, r *wish) { // inpainting of the bridge
		w.agent, w.says.Models = "HordeAutoWebBridge:2:x", []string{"inpainting", "stable_diffusion"}
		w.says.AllowPainting = !dice.Once(c, 4)
		r.ask.R2, r.ask.Params.Karras, r.ask.SourceImage = ptr(false), ptr(false), "an image"
		r.ask.SourceProcessing = dice.Pick(c, "inpainting", "outpainting", "img2img")
	},
	func(c dice.Chance, w *visitor, r *wish) { // image_is_control
		w.agent = dice.Pick(c, "AI Horde Worker:17:x", "AI Horde Worker:22:x", "AI Horde Worker:23:x")
		r.ask.SourceImage, r.ask.Params.ControlType = "an image", "canny"
	},
	func(c dice.Chance, w *visitor, r *wish) { // hires_fix beside Cascade, Flux hosted
		w.agent, w.says.Models = dice.Pick(c, "AI Horde Worker reGen:5:x", "AI Horde Worker reGen:8:x"),
			[]string{dice.Pick(c, "cascade", "flux"), "stable_diffusion"}
		r.ask.Params.HiresFix = ptr(true)
	},
	func(_ dice.Chance, w *visitor, r *wish) { // strangers at unsafe addresses
		w.trusted, r.unsafeIP = false, true
	},
	func(c dice.Chance, w *visitor, r *wish) { // a QR code on SDXL
		w.says.AllowSDXLControlnet = false
		w.says.Models = []string{"stable_diffusion", dice.Pick(c, "xl", "few")}
		r.ask.Params.Workflow = "qr_code"
	},
	func(c dice.Chance, w *visitor, r *wish) { // img2img of the bridge, tiling
		w.agent, w.says.AllowImg2Img = dice.Pick(c, "SD-WebUI Stable Horde Worker Bridge:4:x", "AI Horde Worker:24:x"),
			!dice.Once(c, 4)
		if dice.Once(c, 2) {
			r.ask.SourceImage = "an image"
		} else {
			r.ask.Params.Tiling = ptr(true)
		}
	},
	func(c dice.Chance, w *visitor, r *wish) { // lora_versions, controlnet of the bridge
		w.agent = dice.Pick(c, "AI Horde Worker reGen:2:x", "AI Horde Worker:14:x")
		if dice.Once(c, 2) {
			r.ask.Params.Loras = []api.Lora{{Name: "1", IsVersion: ptr(true)}}
		} else {
			r.ask.SourceImage, r.ask.Params.ControlType = "an image", "canny"
		}
	},
	func(c dice.Chance, w *visitor, r *wish) { // the blacklist comes before the bridge, steps before post-processing
		w.says.Blacklist, w.agent = dice.Pick(c, nil, []string{"snow"}),
			dice.Pick(c, "AI Horde Worker:12:x", "AI Horde Worker reGen:13:x")
		w.says.LimitMaxSteps, w.says.AllowPostProcessing = true, false
		r.ask.Prompt, r.ask.Params.Steps = "snow", ptr(50)
		r.ask.Params.PostProcessing = []string{dice.Pick(c, "GFPGAN", "RestoreFormer")}
	},
}

func randomVisitor(c dice.Chance) *visitor {
	w := &visitor{agent: agents[0], owner: 1, trusted: true, speed: 1_000_000, amount: 1 + c.N(20),
		kudos: map[horde.UserID]float64{0: -40, 1: 25, 2: 30, 3: 1000, 4: 0},
		floor: map[horde.UserID]float64{0: -50, 1: 25, 2: 25, 3: 25, 4: 25},
		says: fleet.Settings{NSFW: true, MaxPixels: 1 << 22, AllowImg2Img: true, AllowPainting: true, AllowUnsafeIP: true,
			AllowPostProcessing: true, AllowControlnet: true, AllowSDXLControlnet: true, AllowLora: true,
			Models: []string{"stable_diffusion", "few", "xl", "inpainting", "cascade", "flux"}}}
	for range c.N(4) {
		dice.Pick(c, whims...)(c, w)
	}
	return w
}

// settle brings a wish into the index as production does with what a requester
// sends, now and then by way of the database's row.
func (wish *wish) settle(c dice.Chance, x *index, known *catalog.Snapshot, id int) {
	a := admission.Request{Asked: wish.ask, Models: known}
	a.Normalize(admission.Caller{}, func() uint32 { return uint32(c.N(1 << 30)) })
	rec := record{Image: &a.Image, UnsafeIP: wish.unsafeIP, Trusted: wish.trusted, Price: wish.price}
	row := store.Request{ID: fmt.Sprintf("r%02d", id), Kind: images.name, UserID: wish.user, Created: wish.created,
		Priority: wish.priority,
		RequestState: store.RequestState{Jobs: max(1, wish.waiting), Waiting: wish.waiting, Expires: handOutTime + 1,
			Version: 1, Faulted: wish.faulted, Cancelled: wish.cancelled}}
	if wish.expired {
		row.Expires = handOutTime
	}

	if dice.Once(c, 4) {
		body, err := json.Marshal(&rec)
		if err != nil {
			c.Failf("%v", err)
			return
		}
		row.Body = string(body)
		if wish.e, err = x.readEntry(row); err != nil {
			c.Failf("%v", err)
			return
		}
	} else {
		wish.e = x.newEntry(row, rec)
	}

	x.AddLocked(wish.e)
	if wish.tricked {
		x.setJobLocked(wish.e, store.Job{ID: "fake of " + row.ID, RequestID: row.ID, WorkerID: visitorID, Decoy: true})
	}
}

const handOutTime = 600_000_000

func randomWish(c dice.Chance, base *wish) *wish {
	r := *base
	params := *base.ask.Params
	r.ask.Params = &params
	r.user = horde.UserID(c.N(5))
	r.priority, r.created = dice.Pick[int64](c, 0, 0, 50, 1000, -100), horde.Micros(int64(c.N(8))*tenSeconds/3)
	r.waiting, r.price = 1+c.N(20), dice.Pick(c, 4.99, 5.0, 5.01, 5.01)
	for range c.N(4) {
		dice.Pick(c, wishes...)(c, &r)
	}
	return &r
}

// offer is the visitor as it stands behind its check-in.
func (who *visitor) offer() *fleet.Offer {
	agent := bridge.Parse(who.agent)
	row := store.Worker{ID: visitorID, Kind: horde.KindImage, UserID: who.owner, Maintenance: who.maintenance,
		Paused: who.paused,
		Totals: store.WorkerTotals{Speeds: []float64{who.speed}}}
	o := &fleet.Offer{Worker: &fleet.Worker{Worker: row, Agent: agent, Settings: who.says},
		Owner:     &account.User{ID: who.owner},
		ModelList: who.says.Models, Models: map[string]struct{}{}, PriorityUsers: map[horde.UserID]struct{}{who.owner: {}},
		RequireKudos: who.says.RequireUpfrontKudos, Amount: who.amount}
	if who.trusted {
		o.Owner.Roles = account.Trusted
	}
	for _, m := range who.says.Models {
		o.Models[m] = struct{}{}
	}
	for _, id := range who.friends {
		o.PriorityUsers[id] = struct{}{}
	}
	return o
}

// match asks the production index, looking balances up as a pop does.
func (who *visitor) match(x *index, known *catalog.Snapshot) (*popper, *claim, map[string]int) {
	q := &Queue{Config: Config{Config: requests.Config{Clock: func() time.Time { return time.UnixMicro(handOutTime) },
		Modes: func() admission.Server { return admission.Server{MatchedTargeting: who.matched} }}}, images: x}
	p := &popper{q: q, x: x, offer: who.offer()}
	p.meet(p.offer.Worker, known)
	for {
		result := p.match()
		if len(result.NeedsFunds) == 0 {
			return p, p.claim, result.Skipped
		}
		if p.look.Funds == nil {
			p.look.Funds = map[horde.UserID]horde.Kudos{}
		}
		for _, id := range result.NeedsFunds {
			p.look.Funds[id] = fundsOf(&store.Account{UserID: id, Balance: horde.KudosOf(who.kudos[id]),
				Lowest: horde.KudosOf(who.floor[id])})
		}
	}
}

// outcomes count the cases in which a gate alone kept a request from a worker, and
// the pops that got something.
type outcomes struct {
	alone  map[string]int
	given  int
	walked map[string]int // reasons told by the walk
}

func newOutcomes() *outcomes { return &outcomes{alone: map[string]int{}, walked: map[string]int{}} }

// handOutImages compares one pop on a random queue with the slow matcher.
func handOutImages(c dice.Chance, sum *outcomes, known *catalog.Snapshot) {
	w := randomVisitor(c)
	nsfw := ptr(false)
	base := &wish{ask: api.ImageRequest{Prompt: "a hill", NSFW: nsfw, Params: &api.ImageParams{Steps: ptr(4)}}}
	if dice.Once(c, 3) {
		dice.Pick(c, scenes...)(c, w, base)
	}

	w.talents = talentsByAgent[w.agent]
	x := newIndex(images, newPartials())

	var all []*wish
	for i := range c.N(7) {
		r := randomWish(c, base)
		if r.settle(c, x, known, i); r.e == nil {
			return
		}
		all = append(all, r)
	}

	var verdicts []verdict
	for _, r := range order(all, handOutTime) {
		v := judge(w, r)
		if name := v.alone(); name != "" {
			sum.alone[name]++
		}
		verdicts = append(verdicts, v)
	}

	want := next(w, verdicts)
	popper, got, why := w.match(x, known)
	switch {
	case got == nil && want == nil:
		if expected := withheld(verdicts); !w.maintenance &&
			!maps.Equal(why, expected) { // a worker in maintenance hears nothing but that
			c.Failf("skipped %v, want %v\nworker %s %+v", why, expected, w.agent, w.says)
		}
		for _, v := range verdicts {
			if v.at != nil && v.at.walked {
				sum.walked[v.at.name]++
			}
		}

	case got == nil || want == nil || got.e != want.e:
		c.Failf("handed out %v, want %v\nworker %s %+v", got, want, w.agent, w.says)
	default:
		sum.given++
		checkClaim(c, w, want, popper, got)
	}
}

// checkClaim compares what is handed out of a request with generation §1.18.
func checkClaim(c dice.Chance, w *visitor, r *wish, p *popper, got *claim) {
	if !slices.Contains(w.says.Models, got.model) || len(r.models()) > 0 && !slices.Contains(r.models(), got.model) {
		c.Failf("model %q of %v for a request of %v", got.model, w.says.Models, r.models())
	}
	if want := batchSize(w, r, got.model); got.n != want || got.left != r.waiting {
		c.Failf("%d images of %d, want %d of %d\n%v", got.n, got.left, want, r.waiting, r)
	}
	if got.decoy != (w.paused && r.user != w.owner) {
		c.Failf("decoy: %v", got.decoy)
	}
	if ttl := int(r.e.work.TTL(p.pickup(got)).Seconds()); ttl != seconds(w, r) {
		c.Failf("ttl %d s, want %d s\n%v", ttl, seconds(w, r), r)
	}
	taken := 0
	if !got.decoy {
		taken = got.n
	}
	if r.e.item.Reserved != taken {
		c.Failf("%d images reserved, want %d", r.e.item.Reserved, taken)
	}
}

// handOutCases is how many random cases the comparisons with the slow matchers try.
func handOutCases() int {
	const cases = 120_000
	if testing.Short() || hordetest.UnderRace {
		return cases / 10
	}
	return cases
}

// Random requests and workers: the index hands out what the slow matcher does, and
// tells the same reasons. Each gate has to be the only one in the way often enough
// for the comparison to mean something.
func TestImageJobsAreHandedOutAsThePlainMatcherDoes(t *testing.T) {
	t.Parallel()
	known := referenceOfFacts(t)
	n := handOutCases()

	all := newOutcomes()
	for _, sum := range dice.Throw(t, n, newOutcomes,
		func(c dice.Chance, sum *outcomes) { handOutImages(c, sum, known) }) {
		for name, times := range sum.alone {
			all.alone[name] += times
		}
		for name, times := range sum.walked {
			all.walked[name] += times
		}
		all.given += sum.given
	}

	for _, g := range append(slices.Clone(query), gates...) {
		if all.alone[g.name] < n/4000 {
			t.Errorf("the gate %q alone was in the way in %d of %d cases", g.name, all.alone[g.name], n)
		}
		if g.walked && all.walked[g.name] < n/4000 {
			t.Errorf("the walk told of %q in %d of %d cases", g.name, all.walked[g.name], n)
		}
	}

	if all.given < n/4 {
		t.Errorf("only %d of %d pops got something", all.given, n)
	}

	t.Logf("%d cases, %d with a job; gates alone in the way: %v; told by the walk: %v", n, all.given, all.alone,
		all.walked)
}

func FuzzImageHandOuts(f *testing.F) {
	known := referenceOfFacts(f)
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { handOutImages(dice.Rapid(t), newOutcomes(), known) }))
}
