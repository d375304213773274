package cli

import (
	"bytes"
	"strings"
	"testing"

	"horde/internal/cli/console"
)

// TestGivingUpIsToldByItsFigures: a request may be given up after one failed try, when
// what it is made from is gone, as well as after ten.
func TestGivingUpIsToldByItsFigures(t *testing.T) {
	for _, kind := range []string{"generate", "text"} {
		t.Run(kind, func(t *testing.T) {
			t.Chdir(t.TempDir())
			f := newFakeHorde()
			defer f.Close()
			t.Setenv("HORDE_SERVER", f.URL)

			var out, said bytes.Buffer
			code := execute(t.Context(), []string{kind, "a fox that is given up", "-n", "2"}, strings.NewReader(""), &out, &said)
			if code != console.ExitFailed || !strings.Contains(said.String(), "gave up on the request (failed tries: 1)") {
				t.Errorf("exit status %d:\n%s", code, said.String())
			}
		})
	}
}
