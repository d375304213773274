package golden

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// skipped is a test that remembers why it was skipped.
type skipped struct {
	testing.TB
	why string
}

func (s *skipped) Skipf(format string, args ...any) {
	s.why = fmt.Sprintf(format, args...)
	runtime.Goexit()
}

// skipping is why f skips its test, "" if it does not.
func skipping(t *testing.T, f func(testing.TB)) string {
	s := &skipped{TB: t}
	done := make(chan struct{})
	go func() {
		defer close(done)
		f(s)
	}()
	<-done
	return s.why
}

func TestTheSharedFolderIsFoundOrTheTestSkips(t *testing.T) {
	root := t.TempDir()
	t.Setenv("HORDE_SHARED", root)
	want := filepath.Join(root, "data", "x")
	if err := os.MkdirAll(want, 0o700); err != nil {
		t.Fatal(err)
	}

	if got := Shared(t, "data", "x"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	absent := filepath.Join(root, "data", "y")
	if said := skipping(t, func(tb testing.TB) { Shared(tb, "data", "y") }); !strings.HasPrefix(said,
		absent+" is missing: set HORDE_SHARED") {
		t.Errorf("without its data a test is skipped with %q", said)
	}
	if _, err := os.Stat(filepath.Join(repository(t), "internal", "golden", "shared.go")); err != nil {
		t.Error(err)
	}
}
