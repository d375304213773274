package pocket

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"horde/engine/pocket/model"
)

// unpackEnv makes the test binary unpack into the folder it names and end:
// another process for TestManyProcessesUnpackOnce.
const unpackEnv = "POCKET_TEST_UNPACK"

func init() {
	if dir := os.Getenv(unpackEnv); dir != "" {
		if _, err := unpack(dir); err != nil {
			os.Stderr.WriteString(err.Error())
			os.Exit(1)
		}
		os.Exit(0)
	}
}

// checkFolder fails unless dir holds exactly the model's runtime files.
func checkFolder(t *testing.T, dir string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}

	if len(entries) != len(model.Runtime) {
		t.Errorf("%d files in the cache, want %d", len(entries), len(model.Runtime))
	}
	for _, name := range model.Runtime {
		want, err := model.FS.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if !holds(filepath.Join(dir, name), want) {
			t.Errorf("%s is missing or wrong", name)
		}
	}
}

func TestManyProcessesUnpackOnce(t *testing.T) {
	cache := filepath.Join(t.TempDir(), "not", "there", "yet")
	var wg sync.WaitGroup
	for range 2 {
		wg.Go(func() {
			cmd := exec.Command(os.Args[0])
			cmd.Env = append(os.Environ(), unpackEnv+"="+cache)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("another process: %v: %s", err, out)
			}
		})
	}

	for range 2 {
		wg.Go(func() {
			dir, err := unpack(cache)
			if err != nil {
				t.Error(err)
				return
			}
			for _, name := range model.Runtime { // right at once, whoever still writes
				want, _ := model.FS.ReadFile(name)
				if !holds(filepath.Join(dir, name), want) {
					t.Errorf("%s is wrong after unpacking", name)
				}
			}
		})
	}

	wg.Wait()
	dir, err := unpack(cache)
	if err != nil {
		t.Fatal(err)
	}
	checkFolder(t, dir)
}

func TestDamagedFilesAreUnpackedAgain(t *testing.T) {
	cache := t.TempDir()
	dir, err := unpack(cache)
	if err != nil {
		t.Fatal(err)
	}

	checkFolder(t, dir)
	weights, graph := filepath.Join(dir, "pocket.safetensors"), filepath.Join(dir, "upscaler.onnx")
	stale, fresh := filepath.Join(dir, asidePrefix+"1"), filepath.Join(dir, asidePrefix+"2")

	for _, path := range []string{stale, fresh} {
		if err := os.WriteFile(path, []byte("half"), 0o644); err != nil {
			t.Fatal(err)
		}
	}

	past := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(stale, past, past); err != nil {
		t.Fatal(err)
	}

	flip(t, weights)
	if err := os.Truncate(graph, 100); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "denoiser.onnx")); err != nil {
		t.Fatal(err)
	}
	if _, err := unpack(cache); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(stale); !errors.Is(err, os.ErrNotExist) {
		t.Error("what a crashed process left stays")
	}
	if err := os.Remove(fresh); err != nil {
		t.Error("what another process may be writing was removed")
	}

	checkFolder(t, dir)
	before, _ := os.Stat(weights)
	if _, err := unpack(cache); err != nil {
		t.Fatal(err)
	}
	if after, _ := os.Stat(weights); !os.SameFile(before, after) {
		t.Error("right files are written again")
	}
}

// flip changes one byte in the middle of a file.
func flip(t *testing.T, path string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var b [1]byte
	if _, err := f.ReadAt(b[:], 1<<20); err != nil {
		t.Fatal(err)
	}

	b[0] ^= 1
	if _, err := f.WriteAt(b[:], 1<<20); err != nil {
		t.Fatal(err)
	}
}

func TestACacheThatCannotBeWrittenIsNamed(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}

	_, err := unpack(file)
	if err == nil || !strings.Contains(err.Error(), file) || !strings.Contains(err.Error(), "writable folder") {
		t.Errorf("a cache that is no folder gives %v", err)
	}

	locked := t.TempDir()
	if err := os.Chmod(locked, 0o555); err != nil {
		t.Fatal(err)
	}

	if os.Geteuid() == 0 {
		return // root may write anywhere
	}
	if _, err := unpack(locked); !errors.Is(err, os.ErrPermission) {
		t.Errorf("a read-only cache gives %v", err)
	}
}

func TestTheLibraryIsLookedForInOrder(t *testing.T) {
	dir := t.TempDir()
	touch := func(names ...string) {
		for _, n := range names {
			if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, n)), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, n), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
	}

	patterns, plain := libraryNames()
	versioned := strings.Replace(patterns[len(patterns)-1], "*", "1.32.0", 1)
	touch("b[i]n/horde", "b[i]n/"+versioned, "b[i]n/lib/"+plain[len(plain)-1], "empty/x")
	if err := os.Symlink(filepath.Join(dir, "b[i]n/horde"), filepath.Join(dir, "horde")); err != nil {
		t.Skip(err)
	}

	at := func(n string) string { return filepath.Join(dir, n) }
	got := libraryCandidates("", "", at("horde"))
	want := []string{at("b[i]n/" + versioned), at("b[i]n/lib/" + plain[len(plain)-1])}
	if real, err := filepath.EvalSymlinks(dir); err == nil && real != dir {
		t.Skip("the temporary folder is itself behind a link")
	}

	if len(got) < 3 || !slices.Equal(got[:2], want) || !slices.Contains(got, plain[0]) {
		t.Errorf("candidates %v, want beside the binary, in lib, then the system's", got)
	}
	for _, c := range []struct {
		option, env string
		want        []string
	}{
		{"/no/such.so", "/other.so", []string{"/no/such.so"}},
		{"", "/other.so", []string{"/other.so"}},
		{at("b[i]n"), "", []string{at("b[i]n/" + versioned)}},
		{at("empty"), "", []string{at("empty")}},
		{"libonnxruntime.so.1", "", []string{"libonnxruntime.so.1"}},
	} {
		t.Run(c.option+" "+c.env, func(t *testing.T) {
			if got := libraryCandidates(c.option, c.env, at("horde")); !slices.Equal(got, c.want) {
				t.Errorf("option %q, environment %q: %v, want %v", c.option, c.env, got, c.want)
			}
		})
	}
}

func TestNoRuntimeSaysWhatToDo(t *testing.T) {
	err := noRuntime(errors.New("cause"))
	if !errors.Is(err, ErrNoRuntime) {
		t.Error("the error is no ErrNoRuntime")
	}
	for _, part := range []string{"cause", "scripts/fetch-onnxruntime.sh", LibraryEnv, ModelName} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%q does not name %s", err, part)
		}
	}
}
