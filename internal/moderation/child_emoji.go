package moderation

import (
	"strings"

	"github.com/clipperhouse/uax29/v2/graphemes"
)

// childEmoji are the emoji of children: a grapheme that holds one of them
// counts as a match of the first group of filters (generation §7.3).
// Skin tones, families (joined of persons, a boy or girl among them) and nursing
// figures (joined with the bottle) need no entries of their own.
const childEmoji = "\U0001F476" + // baby
	"\U0001F9D2" + // child
	"\U0001F466" + // boy
	"\U0001F467" + // girl
	"\U0001F46A" + // family
	"\U0001F931" + // breast-feeding
	"\U0001F37C" + // baby bottle
	"\U0001F423\U0001F424\U0001F425" + // chicks
	"\U0001F6B8" + // children crossing
	"\U0001F6BC" // baby symbol

// childGrapheme returns the first emoji of a child in the positive half of a
// prompt, as a whole grapheme, or "".
func childGrapheme(prompt string) string {
	text, _, _ := strings.Cut(prompt, negativeMark)
	if !strings.ContainsAny(text, childEmoji) {
		return ""
	}
	for g := graphemes.FromString(text); g.Next(); {
		if strings.ContainsAny(g.Value(), childEmoji) {
			return g.Value()
		}
	}
	return ""
}
