package moderation

import (
	"regexp"
	"strings"
	"unicode"

	"golang.org/x/text/runes"
	"golang.org/x/text/transform"
	"golang.org/x/text/unicode/norm"
)

// negativeMark parts the wanted from the unwanted half of a prompt.
const negativeMark = "###"

// shield is put in front of what a rewritten prompt says to avoid (generation
// rulebook §7.4).
const shield = "child, infant, underage, immature, teenager, tween"

// youth are the words that make a prompt for an adult model rewritten, with
// what takes their place (§7.5). The first group is what may stand before them:
// no letter, so that "1girl" counts and "seasons" does not.
var youth = []struct {
	word *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`(?i)(^|[^a-z])(students?|young|little|litle|lil|small|tiny)\b`), "${1}adult"},
	{regexp.MustCompile(`(?i)(^|[^a-z])(girls?|nina)\b`), "${1}adult woman"},
	{regexp.MustCompile(`(?i)(^|[^a-z])(boys?|sons?)\b`), "${1}adult man"},
}

// spared are the tags that one model needs as they are.
var spared = regexp.MustCompile(`(?i)\b1(girl|boy)\b`)

// sparingModel is the model whose tags are spared, when it is named alone.
const sparingModel = "Hentai Diffusion"

// Youthful tells whether the wanted half of a prompt has a word that adult
// models must not get. models are those that the request names.
func Youthful(prompt string, models []string) bool {
	text := Normalize(prompt)
	if spares(models) {
		text = spared.ReplaceAllString(text, "")
	}
	for _, y := range youth {
		if y.word.MatchString(text) {
			return true
		}
	}
	return false
}

func spares(models []string) bool { return len(models) == 1 && models[0] == sparingModel }

// Adult rewrites a prompt so that nobody young is in it: punctuation and weights
// are lost, words of youth replaced, the unwanted half begins with what must not
// be seen (§7.4, §7.5). It returns "" when nothing of the wanted half is left.
func Adult(prompt string, models []string) string {
	_, unwanted, _ := strings.Cut(prompt, negativeMark)
	text := Normalize(prompt)
	for _, y := range youth {
		if spares(models) {
			text = replaceUnlessSpared(text, y.word, y.with)
			continue
		}
		text = y.word.ReplaceAllString(text, y.with)
	}
	if strings.TrimSpace(text) == "" {
		return ""
	}
	text += negativeMark + shield
	if unwanted = strings.TrimSpace(unwanted); unwanted != "" {
		text += ", " + unwanted
	}
	return text
}

func replaceUnlessSpared(text string, word *regexp.Regexp, with string) string {
	words := strings.Fields(text)
	for i, w := range words {
		if !spared.MatchString(w) {
			words[i] = word.ReplaceAllString(w, with)
		}
	}
	return strings.Join(words, " ")
}

var (
	weight  = regexp.MustCompile(`\(([^()]*):[0-9.]+\)`)
	nonWord = regexp.MustCompile(`[^\pL\pN\s]+|_`)
	spelled = regexp.MustCompile(`(?:^|\s)(?:\pL\s){2,}\pL(?:$|\s)`)
	blanks  = regexp.MustCompile(`\s+`)
)

// Normalize is the wanted half of a prompt in plain words, as filters look at it
// (§7.2): weights and punctuation gone, letters that were spaced out joined,
// accents off.
func Normalize(prompt string) string {
	text, _, _ := strings.Cut(prompt, negativeMark)
	text = weight.ReplaceAllString(text, "$1")
	text = nonWord.ReplaceAllString(text, " ")
	text = spelled.ReplaceAllStringFunc(text, func(s string) string {
		return " " + blanks.ReplaceAllString(s, "") + " "
	})
	text = strings.TrimSpace(blanks.ReplaceAllString(text, " "))
	plain, _, err := transform.String(transform.Chain(norm.NFKD, runes.Remove(runes.In(unicode.Mn)), norm.NFC), text)
	if err != nil {
		return text
	}
	return plain
}
