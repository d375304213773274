package llamaserver

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"horde/internal/textserver"
)

// helperFolder makes the test program a parent that starts a server of this folder and
// prints the child's pid.
const helperFolder = "HORDE_TEST_LLAMASERVER_PARENT"

func TestMain(m *testing.M) {
	folder := os.Getenv(helperFolder)
	if folder == "" {
		os.Exit(m.Run())
	}
	s, err := Start(folder, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for s.pid.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	fmt.Println(s.pid.Load())
	select {}
}

// quick is how a server is watched in tests.
var quick = health{
	every:      50 * time.Millisecond,
	limit:      300 * time.Millisecond,
	load:       10 * time.Second,
	missed:     3,
	firstPause: 10 * time.Millisecond,
}

const patience = time.Minute

// logged is a log that can be read while it is written.
type logged struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// run starts the server of a folder until the test ends.
func run(t *testing.T, folder string) (*Server, *logged) {
	t.Helper()
	log := &logged{}
	s, err := start(folder, slog.New(slog.NewTextHandler(log, nil)), quick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		s.Close()
		if _, err := os.Stat(s.dir); !errors.Is(err, os.ErrNotExist) {
			t.Errorf("the socket's folder is left: %v", err)
		}
		if t.Failed() {
			t.Log(log)
		}
	})
	return s, log
}

// until waits for something that has to come.
func until(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for began := time.Now(); !holds(); time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > patience {
			t.Fatalf("%s: not within %v", what, patience)
		}
	}
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestTheServerIsStartedAgainWhereverItEnds(t *testing.T) {
	s, log := run(t, textserver.Folder(t))
	answers := func() bool { return s.answers(context.Background()) }
	until(t, "it answers", answers)

	first := int(s.pid.Load())
	limits, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", first))
	if err != nil || !strings.Contains(string(limits), fmt.Sprint(maxMemory)) {
		t.Errorf("memory is not limited: %s, %v", limits, err)
	}

	t.Run("killed", func(t *testing.T) {
		if err := syscall.Kill(first, syscall.SIGKILL); err != nil {
			t.Fatal(err)
		}
		until(t, "another one", func() bool { p := int(s.pid.Load()); return p != 0 && p != first && answers() })
		if !strings.Contains(log.String(), "starting it again") {
			t.Errorf("log: %s", log)
		}
	})

	t.Run("hung", func(t *testing.T) {
		hung := int(s.pid.Load())
		if err := syscall.Kill(hung, syscall.SIGSTOP); err != nil {
			t.Fatal(err)
		}
		until(t, "another one", func() bool { p := int(s.pid.Load()); return p != 0 && p != hung && answers() })
		if alive(hung) || !strings.Contains(log.String(), errHung.Error()) {
			t.Errorf("the hung one is alive: %v; log: %s", alive(hung), log)
		}
	})

	t.Run("closed", func(t *testing.T) {
		last := int(s.pid.Load())
		s.Close()
		if alive(last) {
			t.Error("the server outlives Close")
		}
	})
}

func TestABrokenModelIsSaidAndTriedAgain(t *testing.T) {
	whole := textserver.Folder(t)
	folder := t.TempDir()
	entries, err := os.ReadDir(whole)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != model {
			if err := os.Symlink(filepath.Join(whole, e.Name()), filepath.Join(folder, e.Name())); err != nil {
				t.Fatal(err)
			}
		}
	}
	if _, err := Find(folder); !errors.Is(err, ErrNotHere) {
		t.Errorf("without a model: %v", err)
	}
	if err := os.WriteFile(filepath.Join(folder, model), []byte("GGUF and nothing else"), 0o644); err != nil {
		t.Fatal(err)
	}

	_, log := run(t, folder)
	until(t, "it is tried again", func() bool { return strings.Count(log.String(), "starting it again") >= 2 })
	if !strings.Contains(log.String(), "it said: ") {
		t.Errorf("log: %s", log)
	}
}

// A parent that is killed leaves no child behind.
func TestTheServerEndsWithItsParent(t *testing.T) {
	folder := textserver.Folder(t)
	parent := exec.Command(os.Args[0])
	parent.Env = append(os.Environ(), helperFolder+"="+folder)
	out, err := parent.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := parent.Start(); err != nil {
		t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Fscan(out, &pid); err != nil || !alive(pid) {
		t.Fatalf("pid %d, %v", pid, err)
	}

	_ = parent.Process.Kill()
	_ = parent.Wait()
	until(t, "the child is gone", func() bool { return !running(pid) })
}

// running reports whether a process runs; one that nobody has waited for yet does not.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return false
	}
	_, state, _ := strings.Cut(string(stat), ") ")
	return !strings.HasPrefix(state, "Z")
}
