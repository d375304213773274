package worker

import (
	"regexp"
	"strings"

	"horde/api"
)

var (
	blankLines = regexp.MustCompile(`\n{2,}`)
	special    = strings.NewReplacer(splitChars(`#/@%}{+=~|\^<>`)...)
)

// splitChars pairs every character with nothing, for a Replacer.
func splitChars(chars string) (pairs []string) {
	for _, c := range chars {
		pairs = append(pairs, string(c), "")
	}
	return pairs
}

// sentenceEnds are where a sentence may end; a quote or a bracket may follow.
const (
	sentenceEnds = ".!?…"
	closers      = "\"'”’»)*"
)

// format brings a text into the form that its request asks for, as KoboldAI does with
// what a model has written. frmtadsnsp is about the input of a session and means nothing
// here.
func format(text string, want api.TextSampling) string {
	if value(want.SingleLine) {
		text, _, _ = strings.Cut(text, "\n")
	}
	if value(want.TrimSentence) {
		text = trimSentence(text)
	}
	if value(want.TrimBlankLines) {
		text = blankLines.ReplaceAllString(text, "\n")
	}
	if value(want.DropSpecial) {
		text = special.Replace(text)
	}
	return text
}

// trimSentence cuts a text after its last whole sentence; one without any stays.
func trimSentence(text string) string {
	last := strings.LastIndexAny(text, sentenceEnds)
	if last < 0 {
		return text
	}
	rest := text[last:]
	end := last + len(rest) - len(strings.TrimLeft(rest, sentenceEnds))
	tail := text[end:]
	return text[:end] + tail[:len(tail)-len(strings.TrimLeft(tail, closers))]
}
