package program

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// memoryCap holds a program to an amount of memory: by a cgroup where we may make one,
// else by looking at what is resident and killing the program beyond.
type memoryCap struct {
	limit  int64
	cgroup string // folder; empty: there is none
}

var cgroups atomic.Int64

// newMemoryCap makes a cgroup, of either version, below the one that the test runs in.
func newMemoryCap(t testing.TB, limit int64) *memoryCap {
	t.Helper()
	c := &memoryCap{limit: limit}
	own, err := os.ReadFile("/proc/self/cgroup")
	if err != nil {
		return c
	}

	name := fmt.Sprintf("horde-e2e-%d-%d", os.Getpid(), cgroups.Add(1))
	for line := range strings.SplitSeq(strings.TrimSpace(string(own)), "\n") {
		id, rest, _ := strings.Cut(line, ":")
		controllers, path, _ := strings.Cut(rest, ":")
		switch {
		case controllers == "memory":
			c.try(filepath.Join("/sys/fs/cgroup/memory", path, name), "memory.limit_in_bytes")
		case id == "0":
			c.try(filepath.Join("/sys/fs/cgroup", path, name), "memory.max")
		}
	}
	if c.cgroup != "" {
		t.Cleanup(func() { c.remove() })
	}
	return c
}

// try makes a cgroup in a folder, and sets its limit by a file in it.
func (m *memoryCap) try(folder, file string) {
	if m.cgroup != "" || os.Mkdir(folder, 0o755) != nil {
		return
	}
	if os.WriteFile(filepath.Join(folder, file), []byte(strconv.FormatInt(m.limit, 10)), 0o644) != nil {
		_ = os.Remove(folder)
		return
	}
	m.cgroup = folder
}

// remove waits until the kernel has forgotten the cgroup's last process.
func (m *memoryCap) remove() {
	for range 100 {
		if err := os.Remove(m.cgroup); err == nil || errors.Is(err, os.ErrNotExist) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
}

// command starts a program as a member of the cgroup.
func (m *memoryCap) command(name string, args ...string) *exec.Cmd {
	if m.cgroup == "" {
		return exec.Command(name, args...)
	}
	enter := `echo $$ > "$0/cgroup.procs" && exec "$@"`
	return exec.Command("sh", append([]string{"-c", enter, m.cgroup, name}, args...)...)
}

// watch kills a program without a cgroup that grows beyond its cap.
func (m *memoryCap) watch(t testing.TB, s *Server) {
	if m.cgroup != "" {
		return
	}
	t.Log("no cgroup can be made here: the cap on memory is held by looking at it")
	go func() {
		const often = 10 * time.Millisecond
		for ; !s.Ended(); time.Sleep(often) {
			if u, err := s.Usage(); err == nil && u.Resident > m.limit {
				fmt.Fprintf(s.Log, "killed by its test: %d bytes of memory of %d\n", u.Resident, m.limit)
				_ = s.cmd.Process.Kill()
				return
			}
		}
	}()
}

// Usage is what a server holds of its machine.
type Usage struct {
	Resident    int64 // bytes
	Peak        int64 // bytes, the most since ResetPeak
	Descriptors int
}

// Usage reads what the server holds now.
func (s *Server) Usage() (u Usage, err error) {
	process := fmt.Sprintf("/proc/%d/", s.cmd.Process.Pid)
	status, err := os.ReadFile(process + "status")
	if err != nil {
		return u, err
	}
	u.Resident, u.Peak = kibibytes(status, "VmRSS:"), kibibytes(status, "VmHWM:")

	open, err := os.ReadDir(process + "fd")
	u.Descriptors = len(open)
	return u, err
}

// ResetPeak has Usage.Peak begin anew.
func (s *Server) ResetPeak() {
	_ = os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", s.cmd.Process.Pid), []byte("5"), 0)
}

// kibibytes finds a line of /proc/PID/status and returns its value in bytes.
func kibibytes(status []byte, name string) int64 {
	_, rest, _ := bytes.Cut(status, []byte("\n"+name))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, _ := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(string(line)), " kB"), 10, 64)
	return n << 10
}
