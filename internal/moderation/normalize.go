package moderation

import (
	"regexp"
	"strings"

	"github.com/mozillazg/go-unidecode"
)

// negativeMark parts the wanted from the unwanted half of a prompt.
const negativeMark = "###"

// weightsInside is how often weights are taken off: so deep they can lie in one
// another.
const weightsInside = 4

// letter is a letter, or a symbol that counts as one: letters in circles and
// squares.
const letter = `\pL\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}`

var (
	weight = regexp.MustCompile(`\(([^()]*):[0-9.]+\)`)
	// Words are what Python's regex takes for \w: letters, digits, marks, joiners and
	// connecting punctuation; of that the low line is none to the filters.
	nonWord = regexp.MustCompile(`[^` + letter + `\p{Nd}\p{Nl}\pM\p{Pc}\x{200C}\x{200D}\s]+|_`)
	spelled = regexp.MustCompile(`(?:^| )(?:[` + letter + `]\pM* ){2,}[` + letter + `]\pM*(?:$| )`)
)

// Normalize is the wanted half of a prompt in plain words, as filters look at it
// (generation §7.2): weights and punctuation gone, letters that were
// spaced out joined, everything in ASCII.
func Normalize(prompt string) string {
	text, _, _ := strings.Cut(prompt, negativeMark)
	for range weightsInside {
		shorter := weight.ReplaceAllString(text, "$1")
		if len(shorter) == len(text) {
			break
		}
		text = shorter
	}
	text = collapse(nonWord.ReplaceAllString(text, " "))
	text = spelled.ReplaceAllStringFunc(text, func(s string) string {
		return " " + strings.ReplaceAll(s, " ", "") + " "
	})
	return collapse(unidecode.Unidecode(text))
}

// collapse leaves one space between words and none at the ends.
func collapse(text string) string { return strings.Join(strings.Fields(text), " ") }
