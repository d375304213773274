package remote

import (
	"errors"
	"math"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"horde/api"
	"horde/engine"
)

// Whatever the pieces and the stop sequences are: what was handed on is the text, the text
// is where the server's begins, no stop sequence is in it, and it goes on with the one that
// ended it.
func TestATextEndsBeforeTheFirstStopSequence(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringOfN(rapid.RuneFrom([]rune("abcé")), 1, 4, -1)
		pieces := rapid.SliceOfN(word, 1, 20).Draw(t, "pieces")
		stops := rapid.SliceOfN(word, 0, 3).Draw(t, "stops")

		var shown strings.Builder
		text := NewText(engine.TextHooks{Progress: func(p engine.TextProgress) { shown.WriteString(p.Piece) }}, 100, stops)
		var err error
		for _, piece := range pieces {
			if err = text.Add(piece, 0); err != nil {
				break
			}
		}
		r := text.Ended(NewSampling(api.TextSampling{}))

		whole := strings.Join(pieces, "")
		if shown.String() != r.Text || !strings.HasPrefix(whole, r.Text+r.Stop) || !utf8.ValidString(r.Text) {
			t.Fatalf("%q of %q, stop %q; handed on %q", r.Text, whole, r.Stop, shown.String())
		}
		if (r.Stop != "") != errors.Is(err, ErrEnough) || r.Stop == "" && r.Text != whole {
			t.Fatalf("%q of %q, stop %q: %v", r.Text, whole, r.Stop, err)
		}
		for _, stop := range stops {
			if strings.Contains(r.Text, stop) {
				t.Fatalf("%q contains %q", r.Text, stop)
			}
		}
	})
}

func TestATextHasNoMoreTokensThanItsLength(t *testing.T) {
	t.Parallel()
	text := NewText(engine.TextHooks{}, 3, nil)
	for n := 1; ; n++ {
		if err := text.Add("w", 0); err != nil {
			if n != 4 || !errors.Is(err, ErrEnough) {
				t.Errorf("token %d: %v", n, err)
			}
			break
		}
	}
	if r := text.Ended(NewSampling(api.TextSampling{})); r.Text != "www" || r.Tokens != 3 {
		t.Errorf("%+v", r)
	}
}

// A context is shared out so that both parts fit, whatever is asked for.
func TestTextAndPromptFitTheContext(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		length := rapid.IntRange(math.MinInt32, math.MaxInt32).Draw(t, "length")
		asked := rapid.IntRange(math.MinInt32, math.MaxInt32).Draw(t, "context asked for")
		holds := rapid.IntRange(128, 1<<20).Draw(t, "context")
		r := RoomFor(length, asked, holds)
		if r.Length < 1 || r.Prompt < 1 || r.Length+r.Prompt > max(2, holds) {
			t.Fatalf("%+v", r)
		}
		if asked > 1 && r.Length+r.Prompt > asked {
			t.Fatalf("%+v of %d", r, asked)
		}
	})
}

func TestTheEndOfATextIsCutBetweenCharacters(t *testing.T) {
	t.Parallel()
	for most, want := range map[int]string{-1: "", 0: "", 1: "", 2: "é", 3: "bé", 4: "bé", 5: "ébé", 9: "ébé"} {
		if got := LastBytes("ébé", most); got != want {
			t.Errorf("%d bytes: %q", most, got)
		}
	}
}

// No number of a payload gets past its range.
func TestSettingsAreWithinTheirRanges(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		f := rapid.Custom(func(t *rapid.T) *api.Float {
			v := api.Float(rapid.OneOf(rapid.Float64(), rapid.SampledFrom([]float64{math.NaN(), math.Inf(1), math.Inf(-1),
				1e9, -1e9})).Draw(t, "value"))
			return &v
		})
		p := api.TextSampling{Temperature: f.Draw(t, "temperature"), TopP: f.Draw(t, "top_p"), RepPen: f.Draw(t, "rep_pen"),
			SamplerOrder: rapid.SliceOfN(rapid.IntRange(-1, 8), 0, 8).Draw(t, "order"),
			StopSequence: rapid.SliceOfN(rapid.StringN(0, 50, 100), 0, 200).Draw(t, "stops")}
		s := NewSampling(p)
		in := func(v *float64, least, most float64) bool { return v == nil || *v >= least && *v <= most }
		if !in(s.Temperature, 0, 5) || !in(s.TopP, 0.001, 1) || !in(s.RepPen, 1, 3) {
			t.Fatalf("%+v", s)
		}
		if len(s.Order) != 0 && len(s.Order) != samplers || len(s.Stop) > maxStops {
			t.Fatalf("order %v, %d stop sequences", s.Order, len(s.Stop))
		}
		for _, stop := range s.Stop {
			if stop == "" {
				t.Fatal("an empty stop sequence")
			}
		}
	})
}

// The API counts characters: stop sequences of any script have the same room.
func TestStopSequencesAreCountedInCharacters(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("狐", maxStopChars-1)
	s := NewSampling(api.TextSampling{StopSequence: []string{long, "é", "x"}})
	if len(s.Stop) != 2 || s.Stop[1] != "é" || len(s.Ignored()) != 1 {
		t.Errorf("%d stop sequences, %q", len(s.Stop), s.Ignored())
	}
}

func TestPublicNamesOfModels(t *testing.T) {
	t.Parallel()
	for name, want := range map[string]string{
		"org/model":                "org/model",
		"/models/a/b.Q4_K_M.gguf":  "b.Q4_K_M",
		`C:\models\b.gguf`:         "b",
		"a\x00b\nc":                "abc",
		strings.Repeat("é", 1000):  strings.Repeat("é", 50),
		"/mnt/llms/org/model-name": "mnt/llms/org/model-name",
	} {
		if got := PublicName(name); got != want {
			t.Errorf("%q: %q, not %q", name, got, want)
		}
	}
}
