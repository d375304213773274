package golden

import (
	"os"
	"path/filepath"
	"testing"
)

// Shared returns the full path of a file or folder that comes with the specification
// and not with this repository: recorded exchanges ("golden"), model references and
// price data ("data"). It is in the folder of HORDE_SHARED, else in shared beside the
// repository. A test that needs a missing one is skipped.
func Shared(t testing.TB, name ...string) string {
	t.Helper()
	root := os.Getenv("HORDE_SHARED")
	if root == "" {
		root = filepath.Join(repository(t), "..", "shared")
	}
	path, err := filepath.Abs(filepath.Join(root, filepath.Join(name...)))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(path); err != nil {
		t.Skipf("%s is missing: set HORDE_SHARED to the folder of recorded exchanges, model references and price data",
			path)
	}
	return path
}

// repository is the folder of go.mod: tests run in the folders of their packages.
func repository(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}

	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir
		}
		up := filepath.Dir(dir)
		if up == dir {
			t.Fatal("no go.mod above the folder of this test")
		}
		dir = up
	}
}
