// Package program starts, watches, freezes and kills the program under test for the
// suites that look at it from outside.
package program

import (
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

const (
	startPatience = 60 * time.Second
	stopPatience  = 30 * time.Second
	readyPause    = 5 * time.Millisecond // between two looks at /readyz

	logOnFailure = 6000 // bytes
)

// binary is where the program is, after Main.
var binary string

// Main finds or builds the program, and runs the tests of a package: for its TestMain.
// The program is that of HORDE_E2E_BINARY, or one built here, once.
func Main(m *testing.M) int {
	if built := os.Getenv("HORDE_E2E_BINARY"); built != "" {
		binary = built
		return m.Run()
	}

	dir, err := os.MkdirTemp("", "horde-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)

	binary = filepath.Join(dir, "horde")
	args := []string{"build", "-o", binary}
	if os.Getenv("HORDE_E2E_RACE") != "" {
		args = append(args, "-race")
	}

	build := exec.Command("go", append(args, "horde/cmd/horde")...)
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build horde:", err)
		return 1
	}
	return m.Run()
}

// Binary is the path of the program.
func Binary() string { return binary }

// Setup says how to start a horde; the zero value is a server for tests on a fresh
// SQLite.
type Setup struct {
	Command string   // default: serve
	Data    string   // default: a fresh folder
	DB      string   // postgres://…
	Env     []string // KEY=value, besides the test accounts and no rate limits
	Args    []string
	Addr    string // default: a free port
	Memory  int64  // bytes that it may have (Capped); 0: any
}

// Server is a running horde.
type Server struct {
	URL  string
	Data string
	Log  *Log

	cmd  *exec.Cmd
	done chan error
	cap  *memoryCap // nil: none
}

// Log is what a program printed; a test may read it while the program writes.
type Log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write adds to the log.
func (l *Log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// String is all that was printed.
func (l *Log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// Start runs a horde until the test ends, and returns when it is ready.
func Start(t testing.TB, o Setup) *Server {
	t.Helper()
	s := Launch(t, o)
	s.AwaitReady(t)
	return s
}

// Launch runs a horde until the test ends, without waiting for it.
func Launch(t testing.TB, o Setup) *Server {
	t.Helper()
	if o.Command == "" {
		o.Command = "serve"
	}
	if o.Data == "" {
		o.Data = t.TempDir()
	}
	if o.Addr == "" {
		o.Addr = FreeAddr(t)
	}

	args := append([]string{o.Command, "--listen", o.Addr, "--data", o.Data}, o.Args...)
	if o.DB != "" {
		args = append(args, "--db", o.DB)
	}

	s := &Server{URL: "http://" + o.Addr, Data: o.Data, Log: &Log{}, done: make(chan error, 1)}
	s.cmd = exec.Command(binary, args...)
	if o.Memory > 0 {
		s.cap = newMemoryCap(t, o.Memory)
		s.cmd = s.cap.command(binary, args...)
	}
	s.cmd.Env = append(append(CleanEnv(), "HORDE_TEST_APIKEYS=1", "HORDE_TEST_RATELIMIT_DISABLED=1"), o.Env...)
	s.cmd.Stdout, s.cmd.Stderr = s.Log, s.Log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	if s.cap != nil {
		s.cap.watch(t, s)
	}

	t.Cleanup(func() {
		s.Stop(t)
		if t.Failed() {
			t.Logf("log of %s:\n%s", s.URL, Tail(s.Log.String(), logOnFailure))
		}
	})
	return s
}

// CleanEnv is the environment without settings of a horde.
func CleanEnv() []string {
	var env []string
	for _, v := range os.Environ() {
		if !strings.HasPrefix(v, "HORDE_") && !strings.HasPrefix(v, "ADMINS=") && !strings.HasPrefix(v, "KUDOS_") {
			env = append(env, v)
		}
	}
	if lib := os.Getenv("HORDE_ONNXRUNTIME"); lib != "" {
		env = append(env, "HORDE_ONNXRUNTIME="+lib)
	}
	return env
}

// AwaitReady returns when the server answers that it is ready.
func (s *Server) AwaitReady(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, s.URL+"/readyz", nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			res.Body.Close()
			if res.StatusCode == http.StatusOK {
				return
			}
		}

		select {
		case err := <-s.done:
			s.done <- err
			t.Fatalf("horde ended: %v\n%s", err, Tail(s.Log.String(), logOnFailure))
		case <-ctx.Done():
			t.Fatalf("horde does not answer\n%s", Tail(s.Log.String(), logOnFailure))
		case <-time.After(readyPause):
		}
	}
}

// Pid is that of the program.
func (s *Server) Pid() int { return s.cmd.Process.Pid }

// Ended reports whether the program has ended, for whatever reason.
func (s *Server) Ended() bool {
	select {
	case err := <-s.done:
		s.done <- err
		return true
	default:
		return false
	}
}

// Stop ends the server as an operator would and fails the test if it ends badly.
func (s *Server) Stop(t testing.TB) {
	t.Helper()
	if s.cmd.ProcessState != nil {
		return
	}
	s.Thaw()
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.done:
		s.done <- err
		if err != nil {
			t.Errorf("horde ended with %v after SIGTERM", err)
		}
	case <-time.After(stopPatience):
		t.Error("horde does not end after SIGTERM")
		s.Kill()
	}
}

// Kill ends the server at once, as a power cut would.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill()
	s.done <- <-s.done
}

// Freeze stops the server's processes where they are; Thaw lets them go on.
func (s *Server) Freeze() { _ = s.cmd.Process.Signal(syscall.SIGSTOP) }

// Thaw lets a frozen server go on.
func (s *Server) Thaw() { _ = s.cmd.Process.Signal(syscall.SIGCONT) }

// nextPort is below the ports that systems give to connections, so that none of those
// takes a port between its choice here and the start of the program.
var nextPort atomic.Int32

func init() { nextPort.Store(int32(10_000 + os.Getpid()%8_000)) }

// FreeAddr is an address of the loopback interface on which nobody listens.
func FreeAddr(t testing.TB) string {
	t.Helper()
	for range 1000 {
		addr := fmt.Sprintf("127.0.0.1:%d", nextPort.Add(1))
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// Tail is the end of a text.
func Tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}
