package textserver

import (
	"os/exec"
	"syscall"
)

// endWithParent has a program end when this process does, however that happens.
func endWithParent(cmd *exec.Cmd) { cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL} }
