package queue

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"math/rand/v2"
	"sync"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// everyBaseline names a model of each.
var everyBaseline = []string{"stable_diffusion", "stable_diffusion_2.1", "SDXL 1.0", "Stable Cascade 1.0",
	"Flux.1-Schnell fp8 (Compact)",
	"x [SDXL]", "x [Flux]", "x [Qwen]", "x [ZImage]", "stable_diffusion_inpainting"}

// randomPayload asks for whatever the API lets one ask for of one named model.
// Some of it is refused.
func randomPayload(rng *rand.Rand, dot, bystander string) api.ImageRequest {
	coin := func(odds int) bool { return rng.IntN(odds) == 0 }
	pick := func(list []string) string { return list[rng.IntN(len(list))] }
	p := &api.ImageParams{
		Width: ptr(64 * (1 + rng.IntN(32))), Height: ptr(64 * (1 + rng.IntN(32))), Steps: ptr(1 + rng.IntN(60)),
		N:           ptr(1 + rng.IntN(2)),
		SamplerName: pick(api.Samplers), CfgScale: ptr(float64(rng.IntN(3000)) / 100), Karras: ptr(coin(2)),
		HiresFix: ptr(coin(4)),
	}

	r := api.ImageRequest{Prompt: "a red fox", Models: &[]string{pick(everyBaseline)}, Params: p, NSFW: ptr(true)}
	for range rng.IntN(3) {
		p.PostProcessing = append(p.PostProcessing, pick(api.PostProcessorNames()))
	}

	for range rng.IntN(4) * rng.IntN(2) {
		p.Loras = append(p.Loras, api.Lora{Name: fmt.Sprint(rng.IntN(1000))})
	}

	for range rng.IntN(3) * rng.IntN(2) {
		p.TIs = append(p.TIs, api.TI{Name: fmt.Sprint(rng.IntN(1000))})
	}

	if coin(3) {
		r.SourceImage, r.SourceProcessing = dot, pick(api.SourceProcessings)
		if coin(2) {
			p.DenoisingStrength = ptr(float64(1+rng.IntN(100)) / 100)
		}

		if coin(3) {
			r.SourceMask = dot
		}

		if coin(3) {
			p.ControlType, p.ReturnControlMap = pick(api.ControlTypes), ptr(coin(3))
		}

		if r.SourceProcessing == "remix" {
			for range rng.IntN(3) {
				r.ExtraSourceImages = append(r.ExtraSourceImages, api.ExtraSource{Image: dot})
			}
		}
	}

	if coin(10) {
		p.Workflow, p.ExtraTexts = "qr_code", []api.ExtraText{{Text: "x", Reference: "qr_code"}}
	}

	if coin(4) {
		r.SlowWorkers = ptr(false)
	}

	if coin(4) {
		r.WorkerBlacklist, r.Workers = ptr(true), []string{bystander}
	}

	if coin(8) {
		r.AllowDowngrade = ptr(true)
	}

	return r
}

// TestDryRunIsTheCharge: of 10,000 random requests for one named model each, the
// dry run says to the hundredth what acceptance and delivery then take from the
// account, and the breakdown (asked for each eighth) says the same.
func TestDryRunIsTheCharge(t *testing.T) {
	t.Parallel()
	const rounds, together = 100, 100
	some := rounds
	if testing.Short() {
		some = 5
	}

	c := hordetest.NewClock()
	n := newNode(t, storetest.On(t, storetest.SQLite), c)
	owner, key, err := n.Accounts.Create(t.Context(),
		account.NewUser{Username: "painter", Roles: account.Trusted | account.Customizer})
	if err != nil {
		t.Fatal(err)
	}

	painter := hordetest.Person{User: owner, Key: key}
	bystander := n.offer(t, painter, pop("bystander")).Worker.ID
	var payers []hordetest.Person
	for range together {
		payers = append(payers, n.person(t, true, 100_000_000))
	}

	rng := rand.New(rand.NewPCG(6, 8))
	dot := onePixel(t)
	for round := range some {
		asked := make([]ImageRequest, together)
		for i := range asked {
			asked[i] = ImageRequest{From: From{Key: payers[i].Key}, Body: randomPayload(rng, dot, bystander)}
		}
		n.chargedAsSaid(t, c, painter, payers, asked, rng, dot, bystander)
		if t.Failed() {
			t.Fatalf("round %d", round)
		}
	}

	if audit, err := n.Store.Audit(t.Context()); err != nil || !audit.Sound() {
		t.Errorf("%+v, %v", audit, err)
	}
}

// chargedAsSaid prices requests, takes them in, delivers them all and compares.
func (n *node) chargedAsSaid(
	t *testing.T, c *hordetest.Clock, painter hordetest.Person, payers []hordetest.Person, asked []ImageRequest,
	rng *rand.Rand, dot, bystander string,
) {
	ctx := context.Background()
	said := make([]horde.Kudos, len(asked))
	before := make([]horde.Kudos, len(asked))

	var mu sync.Mutex // of rng
	var wg sync.WaitGroup
	for i := range asked {
		before[i] = n.money(t, payers[i]).Balance
		wg.Go(func() {
			for {
				a := asked[i]
				a.Body.DryRun = ptr(true)

				dry, err := n.Accept(ctx, a)
				if horde.CodeOf(err) != "" { // not allowed together
					mu.Lock()
					asked[i].Body = randomPayload(rng, dot, bystander)
					mu.Unlock()
					continue
				}

				said[i] = horde.KudosOf(float64(dry.DryRun.Kudos))
				if i%8 == 0 {
					p, err := n.Price(ctx, asked[i])
					if err != nil || p.Kudos != dry.DryRun.Kudos || p.Charged != p.Kudos || !p.Exact {
						t.Errorf("the dry run says %v, the breakdown %+v, %v", dry.DryRun.Kudos, p, err)
					}
				}

				if answer, err := n.Accept(ctx, asked[i]); err != nil || answer.Accepted == nil {
					t.Errorf("%+v, %v", answer, err)
				}

				return
			}
		})
	}

	wg.Wait()
	c.Advance(time.Second)
	n.paintAll(t, c, painter)

	for i := range asked {
		if paid := before[i] - n.money(t, payers[i]).Balance; paid != said[i] {
			body, _ := json.Marshal(asked[i].Body)
			t.Errorf("the dry run says %v, %v were charged: %s", said[i], paid, body)
		}
	}
}

// easels are as many workers as paint at once, so that their writes share
// transactions.
const easels = 16

// paintAll delivers whatever waits.
func (n *node) paintAll(t *testing.T, c *hordetest.Clock, painter hordetest.Person) {
	var wg sync.WaitGroup
	for i := range easels {
		wg.Go(func() {
			p := pop(fmt.Sprint("easel ", i), everyBaseline...)
			p.MaxPixels, p.Amount, p.NSFW = ptr(9<<20), ptr(20), ptr(true)

			for {
				o, err := n.Fleet.CheckInImage(context.Background(), painter.User, p, "10.0.0.1")
				if err != nil {
					t.Error(err)
					return
				}

				job, err := n.Pop(context.Background(), o, 0)
				if err != nil || job.ID == nil {
					if err != nil {
						t.Error(err)
					}
					return
				}

				c.Advance(time.Millisecond)
				for _, id := range job.IDs {
					if _, err := n.submit(painter.Key, id, "ok"); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}

	wg.Wait()
}

func onePixel(t testing.TB) string {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewNRGBA(image.Rect(0, 0, 1, 1))); err != nil {
		t.Fatal(err)
	}
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
