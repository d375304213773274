package httpd

import (
	"os"
	"path/filepath"
	"testing"
)

// sharedPath finds a file of the specification: HORDE_SHARED, else ../shared
// beside the module. Tests that need it are skipped without it.
func sharedPath(t *testing.T, name ...string) string {
	t.Helper()
	root := os.Getenv("HORDE_SHARED")
	if root == "" {
		root = filepath.Join("..", "..", "..", "shared")
	}
	path := filepath.Join(append([]string{root}, name...)...)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("the specification is not here (set HORDE_SHARED): %v", err)
	}
	return path
}
