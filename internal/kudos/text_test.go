package kudos

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/golden"
	"horde/internal/horde"
)

// The values that generation §6.5 gives.
func TestTextsHaveTheRulebooksValues(t *testing.T) {
	for _, c := range []struct {
		max, prompt, chars int
		w                  WrittenText
		want               float64
	}{
		{80, 400, 320, WrittenText{Billions: 7, Validated: true}, 5.62},
		{512, 8000, 2048, WrittenText{Billions: 13, Validated: true}, 88.1},
		{512, 8000, 2048, WrittenText{Billions: 70, Validated: true}, 664.31},
		{512, 8000, 2048, WrittenText{Billions: 70}, 199.29},
	} {
		t.Run(fmt.Sprintf("%d characters of %v billions", c.chars, c.w.Billions), func(t *testing.T) {
			c.w.Chars = c.chars
			if got := (TextOrder{MaxLength: c.max, PromptChars: c.prompt}).Reward(c.w); got != c.want {
				t.Errorf("%+v: %v, want %v", c, got, c.want)
			}
		})
	}

	for _, c := range []struct {
		max, context   int
		billions, want float64
	}{{80, 2048, 0, 35.36}, {80, 1024, 7, 12.32}, {80, 2048, 7, 19.04}, {512, 4096, 13, 402.02}} {
		if got := (TextOrder{MaxLength: c.max, MaxContext: c.context}).Estimate(c.billions); got != c.want {
			t.Errorf("estimate of %+v: %v, want %v", c, got, c.want)
		}
	}

	if got := (TextOrder{MaxLength: 80, N: 2}).Upfront(7); got != horde.KudosOf(53.34) {
		t.Errorf("upfront: %v", got)
	}

	if got := (TextOrder{MaxLength: 80, N: 2}).Upfront(0); got != horde.Whole(40) {
		t.Errorf("upfront of any model: %v", got)
	}

	if got := (TextOrder{MaxLength: 80, Targeted: true}).Reward(WrittenText{Billions: 7, Validated: true}); got != 0.1 {
		t.Errorf("targeted: %v", got)
	}

	if (TextOrder{}).Tax() != horde.Whole(1) || (TextOrder{Styled: true}).Tax() != horde.Whole(3) || BurnText(0) != 1 {
		t.Error("tax or burn")
	}
}

func TestUptimeOfScribesGrowsWithContextAndSize(t *testing.T) {
	for _, c := range []struct {
		context   int
		billions  float64
		validated bool
		want      float64
	}{
		{2048, 7, true, 55}, {2048, 0, true, 27.5}, {2048, 0, false, 27.5}, {2048, 7, false, 16.5},
		{2048, 1, true, 13.75}, {2048, 70, true, 550}, {1 << 40, 7, true, 25 + 15*256}, {-5, 7, true, 25},
	} {
		t.Run(fmt.Sprintf("%d tokens of %v billions", c.context, c.billions), func(t *testing.T) {
			if got := (TextOffer{MaxContext: c.context, Billions: c.billions,
				Validated: c.validated}).Uptime(); got != horde.KudosOf(c.want) {
				t.Errorf("%+v: %v", c, got)
			}
		})
	}
}

func TestTextsCostWhatTheOriginalAnswered(t *testing.T) {
	f, err := os.Open(golden.Shared(t, "golden/kudos-text.jsonl"))
	if err != nil {
		t.Fatal(err)
	}

	defer f.Close()
	c, err := catalog.New(catalog.Config{Texts: golden.Shared(t, "data/model-reference/text-db.json")})
	if err != nil {
		t.Fatal(err)
	}

	models := c.Snapshot()
	rows := 0
	for sc := bufio.NewScanner(f); sc.Scan(); rows++ {
		var r struct {
			Request       api.TextRequest
			PromptChars   int     `json:"prompt_chars"`
			AnswerChars   int     `json:"answer_chars"`
			WorkerModel   string  `json:"worker_model"`
			BridgeAgent   string  `json:"bridge_agent"`
			WorkerTrusted bool    `json:"worker_trusted"`
			DryRun        float64 `json:"dry_run"`
			DryRunStatus  int     `json:"dry_run_status"`
			Reward        float64
			Charged       float64
		}
		if err := json.Unmarshal(sc.Bytes(), &r); err != nil {
			t.Fatal(err)
		}

		o := TextOrder{MaxLength: *r.Request.Params.MaxLength, MaxContext: *r.Request.Params.MaxContextLength, N: 1,
			PromptChars: r.PromptChars}
		if r.DryRunStatus == 200 {
			size := 0.0
			if len(r.Request.Models) > 0 {
				size = models.TextBillions(r.Request.Models[0])
			}
			if got := o.DryRun(size); got != r.DryRun {
				t.Errorf("row %d: dry run %v, want %v", rows, got, r.DryRun)
			}
		}

		name, _, _ := strings.Cut(r.BridgeAgent, ":")
		validated := map[string]bool{"AI Horde Worker": true, "KoboldCppEmbedWorker": true, "TabbyAPI": true}[name]
		got := o.Reward(WrittenText{Chars: r.AnswerChars, Billions: models.TextSize(r.WorkerModel), Validated: validated,
			Trusted: r.WorkerTrusted})
		if math.Abs(got-r.Reward) > 1e-12 {
			t.Errorf("row %d: reward %v, want %v: %s", rows, got, r.Reward, sc.Text())
		}

		// The original rounds each of the two postings to a whole.
		if paid := (TextOrder{}).Tax().Float() + BurnText(got); math.Abs(paid-r.Charged) > 1 {
			t.Errorf("row %d: charged %v, want %v", rows, paid, r.Charged)
		}
	}

	if rows != 40 {
		t.Errorf("%d rows", rows)
	}
}

// A reward grows with the text and never passes what the longest text is worth.
func TestTextRewardGrows(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		o := TextOrder{MaxLength: rapid.IntRange(16, 4096).Draw(t, "max"),
			PromptChars: rapid.IntRange(0, 1<<20).Draw(t, "prompt")}
		w := WrittenText{Chars: rapid.IntRange(0, 1<<16).Draw(t, "chars"),
			Billions:  rapid.SampledFrom([]float64{0, 0.5, 3, 13, 70, 400}).Draw(t, "size"),
			Validated: rapid.Bool().Draw(t, "validated"), Trusted: rapid.Bool().Draw(t, "trusted")}
		more := w
		more.Chars += rapid.IntRange(0, 1<<16).Draw(t, "more")
		full := w
		full.Chars = 4 * o.MaxLength
		a, b, most := o.Reward(w), o.Reward(more), o.Reward(full)
		if a > b || b > most && o.MaxLength >= minTokens || a < 0 || math.IsNaN(a) || math.IsInf(most, 0) {
			t.Fatalf("%v, %v, %v", a, b, most)
		}
	})
}
