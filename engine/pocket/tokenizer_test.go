package pocket

import (
	"slices"
	"strings"
	"testing"
	"time"
)

// checkIDs compares ids without their padding.
func checkIDs(t *testing.T, tok *tokenizer, text string, want []int64) {
	t.Helper()
	got, _ := tok.encode(text)
	if len(got) != tokens {
		t.Fatalf("%q gives %d ids, want %d", text, len(got), tokens)
	}

	for i, id := range got {
		w := int64(tokenPad)
		if i < len(want) {
			w = want[i]
		}
		if id != w {
			t.Fatalf("%q: ids %v, want %v", text, got, want)
		}
	}
}

func TestWordsAreSplitAsTheModelWasTaught(t *testing.T) {
	tok, err := newTokenizer()
	if err != nil {
		t.Fatal(err)
	}

	if tok.length != tokens {
		t.Fatalf("the vocabulary is for %d tokens, the graphs for %d", tok.length, tokens)
	}
	for c := range strings.SplitSeq("abcdefghijklmnopqrstuvwxyz0123456789", "") {
		if _, ok := tok.first[c]; !ok {
			t.Errorf("%q is no piece", c)
		}
		if _, ok := tok.rest[c]; !ok {
			t.Errorf("##%q is no piece", c)
		}
	}

	start := func(text string) []int64 { ids, _ := tok.encode(text); return ids }
	for _, same := range [][2]string{
		{"A Red FOX", "a red fox"},
		{"fox,,snow", "fox , , snow"},
		{"fox-in_the.snow", "fox in the snow"},
		{"füchse", "f chse"},
		{"\u212aing", "king"},          // Kelvin sign
		{"\u0130stanbul", "i stanbul"}, // dotted capital I
		{"fox\x00in\xffsnow", "fox in snow"},
		{"", " \t\n###"},
	} {
		t.Run(same[0], func(t *testing.T) {
			if !slices.Equal(start(same[0]), start(same[1])) {
				t.Errorf("%q and %q differ: %v, %v", same[0], same[1], start(same[0]), start(same[1]))
			}
		})
	}

	checkIDs(t, tok, "", []int64{tokenStart})
	checkIDs(t, tok, "cats", []int64{tokenStart, tok.first["cat"], tok.rest["s"]})
	checkIDs(t, tok, ",", []int64{tokenStart, 2})
}

func TestALongPromptIsCutAtLittleCost(t *testing.T) {
	tok, err := newTokenizer()
	if err != nil {
		t.Fatal(err)
	}

	if _, cut := tok.encode(strings.Repeat("fox ", tokens-1)); cut {
		t.Error("39 words are reported as cut")
	}
	if _, cut := tok.encode(strings.Repeat("fox ", tokens)); !cut {
		t.Error("40 words are not reported as cut")
	}
	// A stranger's megabyte must not cost more than reading a little of it.
	began := time.Now()

	for _, s := range []string{strings.Repeat("q", 1<<20), strings.Repeat("fox,", 1<<18)} {
		if ids, cut := tok.encode(s); len(ids) != tokens || !cut {
			t.Errorf("%.8s…: %d ids, cut %v", s, len(ids), cut)
		}
	}

	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("two long prompts took %v", took)
	}
}

func FuzzTokenizer(f *testing.F) {
	tok, err := newTokenizer()
	if err != nil {
		f.Fatal(err)
	}

	for _, s := range []string{"", "a red fox in the snow", "Ünïcode, 123", "\u0130\u212a", "\xff,,",
		strings.Repeat("z", 500)} {
		f.Add(s)
	}

	f.Fuzz(func(t *testing.T, s string) {
		ids, cut := tok.encode(s)
		want, wantCut := plainEncode(tok, s)
		if !slices.Equal(ids, want) || cut != wantCut {
			t.Fatalf("%q: %v %v, want %v %v", s, ids, cut, want, wantCut)
		}
	})
}

// plainEncode is the card's rule without the bounds: all words first, then all
// pieces, then the cut.
func plainEncode(tok *tokenizer, s string) ([]int64, bool) {
	var words []string
	word := ""
	for _, r := range strings.ReplaceAll(strings.ReplaceAll(s, "\u0130", "i."), "\u212a", "k") {
		switch {
		case 'A' <= r && r <= 'Z':
			word += string(r + 'a' - 'A')
		case 'a' <= r && r <= 'z' || '0' <= r && r <= '9':
			word += string(r)
		default:
			words = append(words, word)
			word = ""
			if r == ',' {
				words = append(words, ",")
			}
		}
	}

	words = append(words, word)
	ids := []int64{tokenStart}
	for _, w := range words {
		for vocabulary := tok.first; w != ""; vocabulary = tok.rest {
			j := len(w)
			for ; j > 0; j-- {
				if id, ok := vocabulary[w[:j]]; ok {
					ids = append(ids, id)
					break
				}
			}
			w = w[j:]
		}
	}

	cut := len(ids) > tok.length
	ids = append(ids, make([]int64, tok.length)...)
	return ids[:tok.length], cut
}
