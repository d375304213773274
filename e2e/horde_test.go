package e2e

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

// hordeBinary is the program under test, built once.
var hordeBinary string

func TestMain(m *testing.M) { os.Exit(testMain(m)) }

func testMain(m *testing.M) int {
	dir, err := os.MkdirTemp("", "horde-e2e-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	hordeBinary = filepath.Join(dir, "horde")
	args := []string{"build", "-o", hordeBinary}
	if os.Getenv("HORDE_E2E_RACE") != "" {
		args = append(args, "-race")
	}
	build := exec.Command("go", append(args, "./cmd/horde")...)
	build.Dir = ".."
	build.Stdout, build.Stderr = os.Stderr, os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build horde:", err)
		return 1
	}
	return m.Run()
}

// server is a running horde.
type server struct {
	URL  string
	Data string
	cmd  *exec.Cmd
	log  *lockedBuffer
	done chan error
}

// lockedBuffer is a log that a test may read while the program writes.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// setup says how to start a horde; the zero value is a server for tests on a
// fresh SQLite.
type setup struct {
	command string   // default: serve
	data    string   // default: a fresh folder
	db      string   // postgres://…
	env     []string // KEY=value, besides the test accounts and no rate limits
	args    []string
	addr    string // default: a free port
}

// start runs a horde until the test ends.
func start(t testing.TB, o setup) *server {
	t.Helper()
	if o.command == "" {
		o.command = "serve"
	}
	if o.data == "" {
		o.data = t.TempDir()
	}
	if o.addr == "" {
		o.addr = freeAddr(t)
	}
	args := append([]string{o.command, "--listen", o.addr, "--data", o.data}, o.args...)
	if o.db != "" {
		args = append(args, "--db", o.db)
	}
	s := &server{URL: "http://" + o.addr, Data: o.data, log: &lockedBuffer{}, done: make(chan error, 1)}
	s.cmd = exec.Command(hordeBinary, args...)
	s.cmd.Env = append(append(cleanEnv(), "HORDE_TEST_APIKEYS=1", "HORDE_TEST_RATELIMIT_DISABLED=1"), o.env...)
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.done <- s.cmd.Wait() }()
	t.Cleanup(func() {
		s.stop(t)
		if t.Failed() {
			t.Logf("log of %s:\n%s", s.URL, tail(s.log.String(), 6000))
		}
	})
	s.await(t)
	return s
}

// cleanEnv is the environment without settings of a horde.
func cleanEnv() []string {
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

// await returns when the server answers.
func (s *server) await(t testing.TB) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 60*time.Second)
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
			t.Fatalf("horde ended: %v\n%s", err, tail(s.log.String(), 4000))
		case <-ctx.Done():
			t.Fatalf("horde does not answer\n%s", tail(s.log.String(), 4000))
		case <-time.After(5 * time.Millisecond):
		}
	}
}

// stop ends the server as an operator would and reports how it ended.
func (s *server) stop(t testing.TB) {
	t.Helper()
	if s.cmd.ProcessState != nil {
		return
	}
	_ = s.cmd.Process.Signal(syscall.SIGTERM)
	select {
	case err := <-s.done:
		s.done <- err
		if err != nil {
			t.Errorf("horde ended with %v after SIGTERM", err)
		}
	case <-time.After(30 * time.Second):
		t.Error("horde does not end after SIGTERM")
		s.kill()
	}
}

// kill ends the server at once, as a power cut would.
func (s *server) kill() {
	_ = s.cmd.Process.Kill()
	s.done <- <-s.done
}

func freeAddr(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func tail(s string, n int) string {
	if len(s) > n {
		return "…" + s[len(s)-n:]
	}
	return s
}

// postgres makes a fresh database on the cluster of HORDE_TEST_POSTGRES.
func postgres(t testing.TB) string {
	t.Helper()
	cluster := os.Getenv("HORDE_TEST_POSTGRES")
	if cluster == "" {
		t.Skip("HORDE_TEST_POSTGRES is not set: `make test` starts a cluster with scripts/postgres.sh and sets it")
	}
	db, err := sql.Open("pgx", cluster)
	if err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("e2e_%d_%d", os.Getpid(), time.Now().UnixNano())
	if _, err := db.Exec("CREATE DATABASE " + name); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Logf("drop %s: %v", name, err)
		}
		db.Close()
	})
	i := strings.LastIndex(cluster, "/")
	query := ""
	if q := strings.IndexByte(cluster[i:], '?'); q >= 0 {
		query = cluster[i+q:]
	}
	return cluster[:i+1] + name + query
}

// engines runs a test on both databases.
func engines(t *testing.T, f func(t *testing.T, db string)) {
	t.Run("sqlite", func(t *testing.T) { f(t, "") })
	t.Run("postgres", func(t *testing.T) { f(t, postgres(t)) })
}

// call sends one request and returns status and body.
func call(t testing.TB, method, url, key, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("apikey", key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
