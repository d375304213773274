//go:build cgo

package pocket

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// loadEnv makes the test binary try to load the library it names and print the
// error: a process has one runtime, and the other tests need theirs.
const loadEnv = "POCKET_TEST_LOAD"

func init() {
	if path := os.Getenv(loadEnv); path != "" {
		err := loadRuntime([]string{path})
		if !errors.Is(err, ErrNoRuntime) {
			os.Exit(1)
		}
		os.Stdout.WriteString(err.Error())
		os.Exit(0)
	}
}

func TestALibraryThatCannotBeLoadedIsNamed(t *testing.T) {
	text := filepath.Join(t.TempDir(), "libonnxruntime.so")
	if err := os.WriteFile(text, []byte("no library"), 0o644); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		"/no/such/libonnxruntime.so": "/no/such/libonnxruntime.so: cannot open",
		text:                         text + ": ",
	} {
		t.Run(filepath.Base(path), func(t *testing.T) {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), loadEnv+"="+path)
			out, err := cmd.Output()
			if err != nil || !strings.Contains(string(out), want) {
				t.Errorf("loading %s: %v, %q; want %q in it", path, err, out, want)
			}
		})
	}
}
