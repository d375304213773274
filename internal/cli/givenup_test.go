package cli

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"horde/internal/cli/console"
)

// TestGivingUpIsToldByItsFigures: a request may be given up after one failed try, when
// what it is made from is gone, as well as after ten.
func TestGivingUpIsToldByItsFigures(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"generate", "text"} {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			f := newFakeHorde()
			defer f.Close()

			args := []string{kind, "a fox that is given up", "-n", "2", "--horde", f.URL}
			if kind == "generate" {
				args = append(args, "-o", filepath.Join(t.TempDir(), "fox.webp"))
			}
			var out, said bytes.Buffer
			code := execute(t.Context(), args, strings.NewReader(""), &out, &said)
			if code != console.ExitFailed || !strings.Contains(said.String(), "gave up on the request (failed tries: 1)") {
				t.Errorf("exit status %d:\n%s", code, said.String())
			}
		})
	}
}
