package moderation

import (
	"regexp"
	"strings"
)

// shield is put in front of the negative half of a rewritten prompt
// (generation §7.4).
const shield = "child, infant, underage, immature, teenager, tween"

// youth lists the words for which a prompt for an adult model is rewritten, with
// their replacements (generation §7.5). The first group is what may stand before them:
// no letter, so that "1girl" counts and "seasons" does not.
var youth = []struct {
	word *regexp.Regexp
	with string
}{
	{regexp.MustCompile(`(?i)(^|[^a-z])(students?|young|little|litle|lil|small|tiny)\b`), "${1}adult"},
	{regexp.MustCompile(`(?i)(^|[^a-z])(girls?|nina)\b`), "${1}adult woman"},
	{regexp.MustCompile(`(?i)(^|[^a-z])(boys?|sons?)\b`), "${1}adult man"},
}

// spared matches the tags that one model needs unchanged.
var spared = regexp.MustCompile(`(?i)\b1(girl|boy)\b`)

// sparingModel is the model whose tags are spared, if it is the only one named.
const sparingModel = "Hentai Diffusion"

func spares(models []string) bool { return len(models) == 1 && models[0] == sparingModel }

// Prompt is a prompt for models made for adult content.
type Prompt struct {
	Text      string
	Models    []string // those that the request names
	Rewritten bool     // Rewrite has been here already
}

// MentionsMinors reports whether the positive half of a prompt has what adult models must
// not get: words for youth, or what a filter of type 10 finds.
func (f *Filters) MentionsMinors(p Prompt) bool {
	if f.Off() {
		return false
	}

	text := Normalize(p.Text)
	if spares(p.Models) {
		text = spared.ReplaceAllString(text, "")
	}
	for _, y := range youth {
		if y.word.MatchString(text) {
			return true
		}
	}

	_, found := f.set().match(childType, scanned{raw: p.Text, text: text}, f.slow)
	return found
}

// Adult rewrites a prompt so that nobody young appears in it: as Rewrite does, unless
// that was done before, and then with words for youth replaced (generation §7.5). It returns
// "" if nothing of the positive half is left.
func (f *Filters) Adult(p Prompt) string {
	prompt := p.Text
	if !p.Rewritten {
		if prompt = f.Rewrite(prompt); prompt == "" {
			return ""
		}
	}

	wanted, unwanted, _ := strings.Cut(prompt, negativeMark)
	for _, y := range youth {
		if spares(p.Models) {
			wanted = replaceUnlessSpared(wanted, y.word, y.with)
			continue
		}
		wanted = y.word.ReplaceAllString(wanted, y.with)
	}
	return wanted + negativeMark + unwanted
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

// Rewrite makes a prompt harmless: its positive half in plain words, with the
// replacements of the filters of type 10, and a negative half that begins with
// what must not be seen (generation §7.4). It returns "" if nothing of the positive half is
// left, or if that cannot be determined in reasonable time.
func (f *Filters) Rewrite(prompt string) string {
	_, unwanted, _ := strings.Cut(prompt, negativeMark)
	text := Normalize(prompt)

	for _, r := range f.set().replacements {
		var err error
		if text, err = r.pattern.replace(text, r.with); err != nil {
			f.slow(r.id, err)
			return ""
		}
	}

	// A replacement must not open the negative half early.
	if text = collapse(strings.ReplaceAll(text, negativeMark, " ")); text == "" {
		return ""
	}

	text += negativeMark + shield
	if unwanted = strings.TrimSpace(unwanted); unwanted != "" {
		text += ", " + unwanted
	}
	return text
}
