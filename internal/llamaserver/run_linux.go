package llamaserver

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

const supported = true

// exists reports whether there is a process of this number.
func exists(pid int) bool { return !errors.Is(syscall.Kill(pid, 0), syscall.ESRCH) }

// run runs the child once and returns why it ended.
func (s *Server) run(ctx context.Context) error {
	os.Remove(s.socket())
	said := &tail{}
	cmd := exec.Command(filepath.Join(s.folder, program), s.arguments()...)
	cmd.Env, cmd.Dir = s.environment(), s.dir
	cmd.Stdout, cmd.Stderr = said, said
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Setpgid:   true, // an interrupt at the terminal is for this process: jobs are finished first
		Pdeathsig: syscall.SIGKILL,
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	if err := restrain(cmd.Process.Pid); err != nil {
		s.log.Warn("the text engine cannot be limited", "err", err)
	}
	s.pid.Store(int64(cmd.Process.Pid))
	defer s.pid.Store(0)
	s.log.Debug("text engine started", "pid", cmd.Process.Pid)

	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	watching, cancel := context.WithCancel(ctx)
	defer cancel()
	hung := make(chan error, 1)
	go func() { hung <- s.watch(watching) }()

	select {
	case err := <-ended:
		return describe(err, said)
	case err := <-hung: // nil: ctx has ended
		s.end(cmd, ended, err != nil)
		return err
	}
}

// restrain bounds the memory of the child, and has it give way to others.
func restrain(pid int) error {
	limit := unix.Rlimit{Cur: maxMemory, Max: maxMemory}
	return errors.Join(
		unix.Prlimit(pid, unix.RLIMIT_AS, &limit, nil),
		unix.Setpriority(unix.PRIO_PROCESS, pid, niceness),
	)
}

// end ends the child: at once where it hangs, else it may tidy up.
func (s *Server) end(cmd *exec.Cmd, ended <-chan error, now bool) {
	if !now {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		select {
		case <-ended:
			return
		case <-time.After(stopGrace):
		}
	}
	_ = cmd.Process.Kill()
	<-ended
}

// describe says how the child ended, and what it said last.
func describe(err error, said *tail) error {
	how := "it ended"
	if err != nil {
		how = err.Error()
	}
	if line := said.lastLine(); line != "" {
		how += fmt.Sprintf(" (it said: %s)", line)
	}
	return errors.New(how)
}
