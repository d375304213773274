// Package llamaserver runs llama.cpp's server with a model as a child of this process, on
// a socket of its own in the file system: no port that could be taken, and nobody else
// can connect. It is started again when it ends or hangs, has bounded memory and half of the
// processors, and ends with this process however that happens. Start at [Find].
package llamaserver

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// What a folder of scripts/install-text-engine.sh holds.
const (
	program = "llama-server"
	model   = "model.gguf"
)

// ModelName is the public name of the model in such a folder.
const ModelName = "SmolLM2-135M-Instruct"

const (
	slots       = 2
	slotContext = 4096    // tokens of a slot
	maxMemory   = 2 << 30 // bytes of address space; it takes some 800 MiB, 350 MiB of them resident
	niceness    = 5       // below the server and the images of this machine
	keptLog     = 2 << 10 // bytes of what it said last
	stopGrace   = 5 * time.Second

	healthEvery = 5 * time.Second
	healthLimit = 5 * time.Second // for one answer
	maxMissed   = 3               // answers in a row, before it counts as hung
	loadLimit   = 2 * time.Minute // until the first answer
	firstPause  = time.Second     // before it is started again; then twice as long each time
	goodRun     = time.Minute     // after which the next pause is the first again
)

// ErrNotHere is the error of Find where there is no text engine.
var ErrNotHere = errors.New("no text engine is installed")

// Find returns the folder with server and model: the one that is named, or else "text"
// beside this program. Its error says what is missing.
func Find(named string) (string, error) {
	folder := named
	if folder == "" {
		self, err := os.Executable()
		if err != nil {
			return "", fmt.Errorf("%w: %w", ErrNotHere, err)
		}
		if real, err := filepath.EvalSymlinks(self); err == nil {
			self = real
		}
		folder = filepath.Join(filepath.Dir(self), "text")
	}

	for _, name := range []string{program, model} {
		if _, err := os.Stat(filepath.Join(folder, name)); err != nil {
			return "", fmt.Errorf("%w: %s has no %s", ErrNotHere, folder, name)
		}
	}
	return folder, nil
}

// Server is a running server.
type Server struct {
	folder  string
	dir     string // of the socket
	log     *slog.Logger
	threads int
	health  health
	pid     atomic.Int64 // of the child; 0: none runs

	stop context.CancelFunc
	done chan struct{} // closed when the child has ended for good
}

// health is how a server is watched.
type health struct {
	every, limit, load time.Duration
	missed             int
	firstPause         time.Duration // between an end and the next start
}

// Start runs the server of a folder until Close. It returns at once: whether the server
// answers is for its engine to find out.
func Start(folder string, log *slog.Logger) (*Server, error) {
	return start(folder, log, health{
		every:      healthEvery,
		limit:      healthLimit,
		load:       loadLimit,
		missed:     maxMissed,
		firstPause: firstPause,
	})
}

func start(folder string, log *slog.Logger, h health) (*Server, error) {
	if !supported {
		return nil, fmt.Errorf("%w: not on %s", ErrNotHere, runtime.GOOS)
	}
	folder, err := filepath.Abs(folder)
	if err != nil {
		return nil, err
	}
	removeAbandoned()
	dir, err := os.MkdirTemp("", tempPrefix+strconv.Itoa(os.Getpid())+"-") // mode 0700
	if err != nil {
		return nil, err
	}

	ctx, stop := context.WithCancel(context.Background()) // ended by Close
	s := &Server{
		folder:  folder,
		dir:     dir,
		log:     log,
		threads: max(1, runtime.GOMAXPROCS(0)/2),
		health:  h,
		stop:    stop,
		done:    make(chan struct{}),
	}
	go s.supervise(ctx)
	return s, nil
}

// tempPrefix begins the names of the folders of sockets, before the pid of their process.
const tempPrefix = "horde-text-"

// removeAbandoned removes the folders of processes that were killed.
func removeAbandoned() {
	all, _ := filepath.Glob(filepath.Join(os.TempDir(), tempPrefix+"*"))
	for _, dir := range all {
		text, _, _ := strings.Cut(strings.TrimPrefix(filepath.Base(dir), tempPrefix), "-")
		if pid, err := strconv.Atoi(text); err == nil && !exists(pid) {
			os.RemoveAll(dir)
		}
	}
}

// URL is where the server answers, as package llamacpp takes it.
func (s *Server) URL() string { return "unix:" + s.socket() }

func (s *Server) socket() string { return filepath.Join(s.dir, "llama.sock") }

// Close ends the server and waits for that.
func (s *Server) Close() {
	s.stop()
	<-s.done
}

// supervise runs the child again and again until ctx ends.
func (s *Server) supervise(ctx context.Context) {
	defer close(s.done)
	defer os.RemoveAll(s.dir)

	// The child is ended when the thread that started it is, so that thread has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()

	pauses := &backoff.ExponentialBackOff{
		InitialInterval:     s.health.firstPause,
		RandomizationFactor: 0.5,
		Multiplier:          2,
		MaxInterval:         time.Minute,
	}
	for ctx.Err() == nil {
		began := time.Now()
		err := s.run(ctx)
		if ctx.Err() != nil {
			return
		}

		if time.Since(began) > goodRun {
			pauses.Reset()
		}
		pause := pauses.NextBackOff()
		s.log.Warn("the text engine ended; starting it again", "err", err, "in", pause.Round(time.Millisecond))
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
}

// arguments of the server.
func (s *Server) arguments() []string {
	n := strconv.Itoa
	return []string{
		"-m", filepath.Join(s.folder, model), "--host", s.socket(), "--device", "none", "--no-webui",
		"-c", n(slots * slotContext), "-np", n(slots), "-t", n(s.threads), "-tb", n(s.threads),
	}
}

// environment of the server: none of the settings and keys of this process.
func (s *Server) environment() (env []string) {
	for _, v := range os.Environ() {
		if name, _, _ := strings.Cut(v, "="); name == "PATH" || name == "HOME" || name == "LANG" || name == "TMPDIR" {
			env = append(env, v)
		}
	}
	return append(env, "LD_LIBRARY_PATH="+s.folder)
}

// answers reports whether the server answers, whatever it says.
func (s *Server) answers(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, s.health.limit)
	defer cancel()
	c := http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, "unix", s.socket())
		},
	}}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://llama/health", nil)
	if err != nil {
		return false
	}
	resp, err := c.Do(req)
	if err != nil {
		return false
	}
	resp.Body.Close()
	return true
}

// errHung is why a child that no longer answers is ended.
var errHung = errors.New("it does not answer any more")

// watch returns errHung when the server stops answering, and nil when ctx ends.
func (s *Server) watch(ctx context.Context) error {
	began, missed, ready := time.Now(), 0, false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(s.health.every):
		}

		switch {
		case s.answers(ctx):
			ready, missed = true, 0
		case ctx.Err() != nil:
			return nil
		case ready:
			missed++
		}
		if missed >= s.health.missed || !ready && time.Since(began) > s.health.load {
			return errHung
		}
	}
}

// tail keeps the end of what is written to it.
type tail struct {
	mu sync.Mutex
	b  []byte // guarded by mu
}

// Write adds to the text.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.b = append(t.b, p...)
	if over := len(t.b) - keptLog; over > 0 {
		t.b = append(t.b[:0], t.b[over:]...)
	}
	return len(p), nil
}

// lastLine is the last line that says something.
func (t *tail) lastLine() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	lines := strings.Split(strings.TrimSpace(strings.ToValidUTF8(string(t.b), "")), "\n")
	return strings.TrimSpace(lines[len(lines)-1])
}
