package worker

import (
	"testing"

	"horde/api"
)

func TestATextGetsTheFormThatItsRequestAsksFor(t *testing.T) {
	t.Parallel()
	yes := true
	for _, tc := range []struct {
		name, text, want string
		form             api.TextSampling
	}{
		{"nothing is asked for", " a\n\n#b", " a\n\n#b", api.TextSampling{}},
		{"a single line", "one\ntwo", "one", api.TextSampling{SingleLine: &yes}},
		{"no half sentence", `He said "no." Then he`, `He said "no."`, api.TextSampling{TrimSentence: &yes}},
		{"several ends", "What?! And so", "What?!", api.TextSampling{TrimSentence: &yes}},
		{"no whole sentence stays", "one, two", "one, two", api.TextSampling{TrimSentence: &yes}},
		{"nothing at all", "", "", api.TextSampling{TrimSentence: &yes, SingleLine: &yes}},
		{"blank lines", "a\n\n\nb\nc", "a\nb\nc", api.TextSampling{TrimBlankLines: &yes}},
		{"special characters", `a#/@%}{+=~|\^<>b`, "ab", api.TextSampling{DropSpecial: &yes}},
		{"an ellipsis of one character", "Well… perhaps", "Well…", api.TextSampling{TrimSentence: &yes}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			if got := format(tc.text, tc.form); got != tc.want {
				t.Errorf("%q, not %q", got, tc.want)
			}
		})
	}
}
