package moderation

import (
	"strings"
	"testing"

	"pgregory.net/rapid"

	"horde/internal/store"
)

// filtersOf are compiled filters without a store.
func filtersOf(t testing.TB, rows ...store.Filter) *Filters {
	t.Helper()
	for i := range rows {
		rows[i].ID = int64(i + 1)
	}
	set, err := compileSet(rows)
	if err != nil {
		t.Fatal(err)
	}
	f := &Filters{}
	f.now.Store(set)
	return f
}

const avoid = "###child, infant, underage, immature, teenager, tween"

func TestPromptsAreNormalized(t *testing.T) {
	for prompt, want := range map[string]string{
		"a student, reading (a book:1.2)":         "a student reading a book",
		"c h i l d in a park":                     "child in a park",
		"c-h-i-l-d, c  h  i  l  d":                "childchild",
		"a b or c":                                "a b or c",
		"snake_case ((x:2))":                      "snake case x",
		"(a (little:1.1) (cat:1.05):0.9)":         "a little cat",
		"(no weight: here)":                       "no weight here",
		"crème  brûlée###no spoon":                "creme brulee",
		"cre\u0300me":                             "creme",
		"Straße, Øl, Łódź, ﬁre, ｗｉｄｅ":             "Strasse Ol Lodz fire wide",
		"девочка 女孩":                              "devochka Nu Hai",
		"for\u200dbid\u200cden":                   "forbidden",
		"for\u200bbidden":                         "for bidden",
		"½ ② Ⅻ":                                   "XII",
		"ⓕorbidden ⓕ ⓞ ⓡ":                         "forbidden for",
		"\U0001F467 and \U0001F431":               "and",
		"one###two###three":                       "one",
		"###nothing":                              "",
		"":                                        "",
		"\xff\xfe":                                "",
		"1girl, 2boys":                            "1girl 2boys",
		"tab\tand\nnewline":                       "tab and newline",
		"f o r b i d d e n w o r d second":        "forbiddenword second",
		"a (f o r b i d d e n w o r d:1.3) twice": "aforbiddenword twice",
	} {
		t.Run(prompt, func(t *testing.T) {
			if got := Normalize(prompt); got != want {
				t.Errorf("Normalize(%q) = %q, want %q", prompt, got, want)
			}
		})
	}
}

func TestAdultPromptsAreWrapped(t *testing.T) {
	none := filtersOf(t)
	filtered := filtersOf(t,
		store.Filter{Type: childType, Regex: `\bkid(s?)\b`, Replacement: `grown up\1`},
		store.Filter{Type: youngType, Regex: `teen`})

	for _, c := range []struct {
		f        *Filters
		prompt   string
		models   []string
		youthful bool
		adult    string
	}{
		{none, "a student, reading (a book:1.2)", nil, true, "a adult reading a book" + avoid},
		{none, "1girl, park###blurry", nil, true, "1adult woman park" + avoid + ", blurry"},
		{none, "1girl, park", []string{"Hentai Diffusion"}, false, "1girl park" + avoid},
		{none, "1girl, park", []string{"Hentai Diffusion", "Deliberate"}, true, "1adult woman park" + avoid},
		{none, "1boy, girl", []string{"Hentai Diffusion"}, true, "1boy adult woman" + avoid},
		{none, "a little boy", []string{"Hentai Diffusion"}, true, "a adult adult man" + avoid},
		{none, "a litle, lil, small, tiny, young man", nil, true, "a adult adult adult adult adult man" + avoid},
		{none, "nina and her sons", nil, true, "adult woman and her adult man" + avoid},
		{none, "four seasons", nil, false, "four seasons" + avoid},
		{none, "a lighthouse###small, tiny", nil, false, "a lighthouse" + avoid + ", small, tiny"},
		{none, "a (f o r b i d d e n w o r d:1.3)", nil, false, "aforbiddenword" + avoid},
		{none, "...", nil, false, ""},
		{none, "\U0001F467", nil, true, ""},
		{none, "a \U0001F467 in a park", nil, true, "a in a park" + avoid},
		{filtered, "two kids, a dog", nil, true, "two grown ups a dog" + avoid},
		{filtered, "a kid", []string{"Hentai Diffusion"}, true, "a grown up" + avoid},
		{filtered, "a teen", nil, false, "a teen" + avoid}, // type 11 only counts for the suspicion
	} {
		t.Run(c.prompt, func(t *testing.T) {
			if got := c.f.MentionsMinors(Prompt{Text: c.prompt, Models: c.models}); got != c.youthful {
				t.Errorf("MentionsMinors(%q, %v) = %v", c.prompt, c.models, got)
			}
			if got := c.f.Adult(Prompt{Text: c.prompt, Models: c.models}); got != c.adult {
				t.Errorf("Adult(%q, %v) = %q, want %q", c.prompt, c.models, got, c.adult)
			}
		})
	}
}

func TestAPromptIsWrappedOnce(t *testing.T) {
	f := filtersOf(t, store.Filter{Type: childType, Regex: `kid`, Replacement: `girl`})
	once := f.Rewrite("a kid###blurry")
	if want := "a girl" + avoid + ", blurry"; once != want {
		t.Fatalf("Rewrite: %q, want %q", once, want)
	}
	if got, want := f.Adult(Prompt{Text: once, Rewritten: true}), "a adult woman"+avoid+", blurry"; got != want {
		t.Errorf("Adult after Rewrite: %q, want %q", got, want)
	}
}

// Replacements follow one another in the order of ids, and only those of type 10
// count.
func TestReplacementsFollowTheirIDs(t *testing.T) {
	f := filtersOf(t,
		store.Filter{Type: childType, Regex: `one`, Replacement: `two`},
		store.Filter{Type: contextType, Regex: `two`, Replacement: `never`},
		store.Filter{Type: childType, Regex: `two`, Replacement: `three###four`},
		store.Filter{Type: childType, Regex: `lost`})
	for prompt, want := range map[string]string{
		"One, TWO###two": "three four three four" + avoid + ", two",
		"lost":           "",
		"lost lost ###x": "",
	} {
		t.Run(prompt, func(t *testing.T) {
			if got := f.Rewrite(prompt); got != want {
				t.Errorf("Rewrite(%q) = %q, want %q", prompt, got, want)
			}
		})
	}
}

// What is rewritten says what to avoid, exactly once, and is not rewritten by
// what its unwanted half says.
func TestARewrittenPromptSaysWhatToAvoid(t *testing.T) {
	f := filtersOf(t, store.Filter{Type: childType, Regex: `a+`, Replacement: `b`})
	rapid.Check(t, func(t *rapid.T) {
		prompt := rapid.StringMatching(`[a-c (#:1._é]{0,40}`).Draw(t, "prompt")
		got := f.Rewrite(prompt)
		wanted, unwanted, cut := strings.Cut(got, negativeMark)
		if got == "" {
			return
		}
		if !cut || wanted == "" || !strings.HasPrefix(unwanted, shield) || strings.Contains(wanted, "a") {
			t.Fatalf("Rewrite(%q) = %q", prompt, got)
		}
		if _, before, _ := strings.Cut(prompt, negativeMark); !strings.HasSuffix(unwanted, strings.TrimSpace(before)) {
			t.Fatalf("Rewrite(%q) = %q: the unwanted half is lost", prompt, got)
		}
	})
}

func FuzzNormalize(f *testing.F) {
	for _, s := range []string{"a (b:1.2)", "c h i l d", "é###x", "((((x:1):1):1):1)", "\u200d_\xff", "f\u0301 o o"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, prompt string) {
		got := Normalize(prompt)
		if strings.TrimSpace(got) != got || strings.Contains(got, "  ") {
			t.Errorf("Normalize(%q) = %q: loose spaces", prompt, got)
		}
		for i := range len(got) {
			if got[i] >= 0x80 || got[i] < ' ' {
				t.Fatalf("Normalize(%q) = %q: no plain ASCII", prompt, got)
			}
		}
		if more := Normalize(prompt + negativeMark + prompt); more != got && !strings.HasSuffix(prompt, "#") {
			t.Errorf("Normalize(%q) = %q, but %q with an unwanted half", prompt, got, more)
		}
	})
}
