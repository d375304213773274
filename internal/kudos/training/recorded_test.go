package training

import (
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"horde/internal/catalog"
	"horde/internal/golden"
	"horde/internal/kudos"
)

// Recorded prices that come from the fixed formula must be met exactly, those
// of the original's net within 4 % for 95 of 100 and 96 % on average; charges to
// within the original's whole-number rounding of acceptance and delivery.
//
// Requests with a denoising strength below 1 and no control type are those that
// the net learnt the effect of denoising from, so they prove less; NETWORK.md
// has the accuracy of each while it was left out.
func TestPricesAreNearTheOriginals(t *testing.T) {
	rows, err := ReadRecorded(golden.Shared(t, "golden/kudos-image.jsonl"))
	if err != nil {
		t.Fatal(err)
	}

	ref, err := catalog.New(catalog.Config{Images: golden.Shared(t, "data/model-reference/image-stable_diffusion.json")})
	if err != nil {
		t.Fatal(err)
	}

	pricer := kudos.NewPricer(kudos.Standard())
	var all, unseen []float64
	for _, row := range rows {
		o := row.Order
		base := pricer.Price(o)

		reward := o.Reward(base, ref.Snapshot().Baseline(row.Model))
		if row.Network {
			a := accuracy(row.Reward, reward)
			all = append(all, a)
			if o.Denoising == nil || o.ControlType != "" || !o.HasSource {
				unseen = append(unseen, a)
			}
			if math.Abs(reward-row.Reward) > 0.04*row.Reward {
				t.Logf("%.2f, recorded %.2f: %+v", reward, row.Reward, o)
			}
			continue
		}

		if math.RoundToEven(base) != row.Accepted {
			t.Errorf("accepted %v, recorded %v: %+v", base, row.Accepted, o)
		}

		if math.Abs(reward-row.Reward) > 1e-9 {
			t.Errorf("reward %v, recorded %v: %+v", reward, row.Reward, o)
		}

		if charged := o.Tax().Float() + o.Burn(reward); math.Abs(charged-row.Charged) > 1 {
			t.Errorf("charged %v, recorded %v: %+v", charged, row.Charged, o)
		}
	}

	if len(all) == 0 || len(all) == len(rows) {
		t.Fatalf("%d of %d rows are the net's; there must be both kinds", len(all), len(rows))
	}

	for what, each := range map[string][]float64{"all": all, "unseen": unseen} {
		near := 0
		for _, a := range each {
			if a >= 0.96 {
				near++
			}
		}

		share, s := float64(near)/float64(len(each)), scoreOf(each)
		t.Logf("%s: %d, accuracy %.4f, %.1f %% within 4 %%, worst %.3f", what, s.Jobs, s.Accuracy, 100*share, s.Least)
		if s.Accuracy < 0.96 || share < 0.95 {
			t.Errorf("%s: accuracy %.4f, want 0.96; %.1f %% within 4 %%, want 95", what, s.Accuracy, 100*share)
		}
	}
}

func TestRecordedPricesThatAreNoneAreRefused(t *testing.T) {
	for text, want := range map[string]string{
		`{"request": {}}`: "line 1: a recorded request needs",
		"{":               "line 1: ",
	} {
		t.Run(text, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.jsonl")
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := ReadRecorded(path); err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", text, err, want)
			}
		})
	}
}
