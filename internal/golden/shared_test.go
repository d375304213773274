package golden

import (
	"os"
	"path/filepath"
	"testing"
)

func TestShared(t *testing.T) {
	root := t.TempDir()
	t.Setenv("HORDE_SHARED", root)
	want := filepath.Join(root, "data", "x")
	if err := os.MkdirAll(want, 0o700); err != nil {
		t.Fatal(err)
	}
	if got := Shared(t, "data", "x"); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	t.Run("absent", func(t *testing.T) {
		defer func() {
			if !t.Skipped() {
				t.Error("a test without its data is not skipped")
			}
		}()
		Shared(t, "data", "y")
	})
	if _, err := os.Stat(filepath.Join(repository(t), "internal", "golden", "shared.go")); err != nil {
		t.Error(err)
	}
}
