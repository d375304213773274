package moderation

import "testing"

func TestNormalize(t *testing.T) {
	for prompt, want := range map[string]string{
		"a student, reading (a book:1.2)": "a student reading a book",
		"c h i l d in a park":             "child in a park",
		"snake_case ((x:2))":              "snake case x",
		"crème  brûlée###no spoon":        "creme brulee",
		"":                                "",
	} {
		if got := Normalize(prompt); got != want {
			t.Errorf("Normalize(%q) = %q, want %q", prompt, got, want)
		}
	}
}

func TestAdult(t *testing.T) {
	const avoid = "###child, infant, underage, immature, teenager, tween"
	for _, c := range []struct {
		prompt   string
		models   []string
		youthful bool
		adult    string
	}{
		{"a student, reading (a book:1.2)", nil, true, "a adult reading a book" + avoid},
		{"1girl, park###blurry", nil, true, "1adult woman park" + avoid + ", blurry"},
		{"1girl, park", []string{"Hentai Diffusion"}, false, "1girl park" + avoid},
		{"a little boy", []string{"Hentai Diffusion"}, true, "a adult adult man" + avoid},
		{"four seasons", nil, false, "four seasons" + avoid},
		{"a lighthouse###small, tiny", nil, false, "a lighthouse" + avoid + ", small, tiny"},
		{"...", nil, false, ""},
	} {
		if got := Youthful(c.prompt, c.models); got != c.youthful {
			t.Errorf("Youthful(%q, %v) = %v", c.prompt, c.models, got)
		}
		if got := Adult(c.prompt, c.models); got != c.adult {
			t.Errorf("Adult(%q, %v) = %q, want %q", c.prompt, c.models, got, c.adult)
		}
	}
}
