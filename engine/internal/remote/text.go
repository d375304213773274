package remote

import (
	"fmt"
	"strings"
	"time"

	"horde/engine"
)

// Text collects what a server writes, piece by piece.
type Text struct {
	hooks  engine.TextHooks
	length int      // the most tokens
	stops  []string // looked for here; nil: the server does
	window int      // bytes in which a stop sequence may begin

	text   strings.Builder
	shown  int // bytes that were handed on
	tokens int
	began  time.Time
	first  time.Time // when the first token came
	stop   string
}

// NewText collects a text of at most so many tokens, which ends before any of stops.
func NewText(hooks engine.TextHooks, length int, stops []string) *Text {
	t := &Text{hooks: hooks, length: length, stops: stops, began: time.Now()}
	for _, stop := range stops {
		t.window = max(t.window, len(stop))
	}
	return t
}

// slackBytes is how many bytes a text may have beyond those of its tokens.
const slackBytes = 4096

// Add takes a piece; tokens is how many there are with it, 0: one more. ErrEnough says
// that the text has ended: a stop sequence came, or the server writes more than it was
// asked to.
func (t *Text) Add(piece string, tokens int) error {
	if piece == "" && tokens <= t.tokens {
		t.report("")
		return nil
	}
	if t.first.IsZero() {
		t.first = time.Now()
	}
	count := t.tokens + 1
	if tokens > 0 {
		count = tokens
	}
	if count > t.length {
		return ErrEnough
	}
	t.tokens = count
	if t.text.Len()+len(piece) > t.length*longestToken+slackBytes {
		return fmt.Errorf("it writes more than %d tokens can be", t.length)
	}

	from := max(0, t.text.Len()-t.window)
	t.text.WriteString(piece)
	if t.cut(from) {
		t.report("")
		return ErrEnough
	}
	t.report(t.text.String()[t.shown : t.text.Len()-t.held()])
	return nil
}

// cut ends the text before the first stop sequence behind from.
func (t *Text) cut(from int) bool {
	text := t.text.String()
	at := -1
	for _, stop := range t.stops {
		if i := strings.Index(text[from:], stop); i >= 0 && (at < 0 || from+i < at) {
			at, t.stop = from+i, stop
		}
	}
	if at < 0 {
		return false
	}

	t.text.Reset()
	t.text.WriteString(text[:at])
	return true
}

// held is how many bytes at the end may be the beginning of a stop sequence.
func (t *Text) held() int {
	text := t.text.String()
	for n := min(t.window-1, len(text)-t.shown); n > 0; n-- {
		tail := text[len(text)-n:]
		for _, stop := range t.stops {
			if strings.HasPrefix(stop, tail) {
				return n
			}
		}
	}
	return 0
}

func (t *Text) report(piece string) {
	t.shown += len(piece)
	if t.hooks.Progress != nil {
		t.hooks.Progress(engine.TextProgress{Tokens: t.tokens, Piece: piece})
	}
}

// Ended hands on what was held back and returns the result.
func (t *Text) Ended(s *Sampling) engine.TextResult {
	if rest := t.text.String()[min(t.shown, t.text.Len()):]; rest != "" {
		t.report(rest)
	}
	return engine.TextResult{Text: t.text.String(), Stop: t.stop, Tokens: t.tokens, Ignored: s.Ignored()}
}

// minTokens is how many tokens tell the speed of a text.
const minTokens = 8

// Speed is how many tokens a second came since the first. Where the text came in fewer
// pieces than tell, it is that of the whole call by the server's own count of tokens, 0: it
// gives none. The result is 0 where there were too few tokens to tell.
func (t *Text) Speed(counted int) float64 {
	switch {
	case t.tokens >= minTokens:
		return float64(t.tokens-1) / max(time.Since(t.first).Seconds(), 1e-6)
	case counted >= minTokens:
		return float64(counted) / max(time.Since(t.began).Seconds(), 1e-6)
	}
	return 0
}
