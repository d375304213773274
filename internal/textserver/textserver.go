// Package textserver runs a real llama.cpp server with a small model for tests:
// scripts/install-text-engine.sh puts both into a folder, which HORDE_TEST_TEXT_ENGINE names
// (bin/text where it does not).
package textserver

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// What the server is started with.
const (
	Slots   = 2
	Context = 1024 // tokens of one slot

	startPatience = time.Minute
	idlePatience  = 10 * time.Second
	pause         = 20 * time.Millisecond // between two looks
)

// Server is a running llama.cpp server.
type Server struct {
	URL string
	Key string
}

// Start runs a server until the test ends, and returns when it answers. Where it is not
// installed the test is skipped.
func Start(t testing.TB) *Server {
	t.Helper()
	return StartWith(t, Context)
}

// StartWith is Start with so many tokens for each slot.
func StartWith(t testing.TB, tokens int) *Server {
	t.Helper()
	folder := Folder(t)
	addr := freeAddr(t)
	_, port, _ := net.SplitHostPort(addr)
	s := &Server{URL: "http://" + addr, Key: "key of the test"}

	var log bytes.Buffer
	cmd := exec.Command(filepath.Join(folder, "llama-server"), "-m", filepath.Join(folder, "model.gguf"),
		"--alias", "SmolLM2-135M-Instruct.Q4_1.gguf", "--host", "127.0.0.1", "--port", port, "--api-key", s.Key,
		"-c", fmt.Sprint(Slots*tokens), "-np", fmt.Sprint(Slots), "-t", "2", "--device", "none", "--no-webui")
	cmd.Env = append(os.Environ(), "LD_LIBRARY_PATH="+folder)
	cmd.Stdout, cmd.Stderr = &log, &log
	endWithParent(cmd)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		<-ended
		if t.Failed() {
			t.Logf("log of llama-server: %.4000s", log.String())
		}
	})
	s.awaitReady(t, ended)
	return s
}

// Folder is where the server and its model are. Where they are not installed the test is
// skipped.
func Folder(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: a text engine takes seconds; `make test` asks one")
	}
	if named := os.Getenv("HORDE_TEST_TEXT_ENGINE"); named != "" {
		return named
	}
	for dir, err := os.Getwd(); err == nil && dir != "/"; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "bin", "text", "llama-server")); err == nil {
			return filepath.Join(dir, "bin", "text")
		}
	}
	t.Skip("no text engine: run scripts/install-text-engine.sh bin/text, or set HORDE_TEST_TEXT_ENGINE to its folder")
	return ""
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

func (s *Server) awaitReady(t testing.TB, ended <-chan error) {
	t.Helper()
	for began := time.Now(); time.Since(began) < startPatience; time.Sleep(pause) {
		resp, err := http.Get(s.URL + "/health")
		if err == nil {
			resp.Body.Close()
			if resp.StatusCode == http.StatusOK {
				return
			}
		}
		select {
		case err := <-ended:
			t.Fatal("llama-server ended: ", err)
		default:
		}
	}
	t.Fatal("llama-server does not answer")
}

// call asks the server itself.
func (s *Server) call(t testing.TB, method, path string, body, out any) {
	t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), startPatience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, s.URL+path, bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+s.Key)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	answer, err := io.ReadAll(resp.Body)
	if err == nil {
		err = json.Unmarshal(answer, out)
	}
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s: %d %s, %v", path, resp.StatusCode, strings.TrimSpace(string(answer)), err)
	}
}

// Post asks the server itself.
func (s *Server) Post(t testing.TB, path string, body any) (out map[string]any) {
	t.Helper()
	s.call(t, http.MethodPost, path, body, &out)
	return out
}

// Busy is how many slots are at work.
func (s *Server) Busy(t testing.TB) (n int) {
	t.Helper()
	var slots []struct {
		Busy bool `json:"is_processing"`
	}
	s.call(t, http.MethodGet, "/slots", nil, &slots)
	for _, slot := range slots {
		if slot.Busy {
			n++
		}
	}
	return n
}

// AwaitIdle returns when no slot is at work.
func (s *Server) AwaitIdle(t testing.TB) {
	t.Helper()
	for began := time.Now(); s.Busy(t) > 0; time.Sleep(pause) {
		if time.Since(began) > idlePatience {
			t.Fatalf("a slot is still busy after %v", idlePatience)
		}
	}
}
