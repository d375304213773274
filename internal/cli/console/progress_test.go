package console

import (
	"bytes"
	"strings"
	"testing"
)

// Without a terminal progress is shown by so many lines, however often it is shown.
func TestProgressTakesSoManyLines(t *testing.T) {
	for _, c := range []struct{ steps, lines, want int }{{300, 20, 20}, {1000, 10, 10}, {3, 20, 3}, {1, 20, 1}} {
		var errs bytes.Buffer
		p := NewProgress(&Console{Stderr: &errs}, c.lines)
		for i := range c.steps {
			p.Show(float64(i+1)/float64(c.steps), "step")
		}
		p.Clear()
		if got := strings.Count(errs.String(), "step, "); got != c.want || strings.Count(errs.String(), "\n") != got ||
			!strings.HasSuffix(errs.String(), " left\n") {
			t.Errorf("%+v: %q", c, errs.String())
		}
	}
}
