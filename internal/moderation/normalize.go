package moderation

import (
	"regexp"
	"strings"

	"github.com/mozillazg/go-unidecode"
)

// negativeMark separates the positive from the negative half of a prompt.
const negativeMark = "###"

// maxWeightDepth is how often weights are removed, and so how deep they can be
// nested.
const maxWeightDepth = 4

// letterClass is a letter, or a symbol that counts as one: letters in circles and
// squares.
const letterClass = `\pL\x{24B6}-\x{24E9}\x{1F130}-\x{1F149}\x{1F150}-\x{1F169}\x{1F170}-\x{1F189}`

var (
	weight = regexp.MustCompile(`\(([^()]*):[0-9.]+\)`)
	// Words consist of what Python's regex takes for \w: letters, digits, marks, joiners and
	// connecting punctuation; of that the low line is none to the filters.
	nonWord = regexp.MustCompile(`[^` + letterClass + `\p{Nd}\p{Nl}\pM\p{Pc}\x{200C}\x{200D}\s]+|_`)
	spelled = regexp.MustCompile(`(?:^| )(?:[` + letterClass + `]\pM* ){2,}[` + letterClass + `]\pM*(?:$| )`)
)

// Normalize returns the positive half of a prompt in plain words, as filters see it
// (generation §7.2): without weights and punctuation, with letters that were
// spaced out joined, and everything in ASCII.
func Normalize(prompt string) string {
	text, _, _ := strings.Cut(prompt, negativeMark)

	for range maxWeightDepth {
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
