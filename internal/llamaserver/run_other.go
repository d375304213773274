//go:build !linux

package llamaserver

import "context"

const supported = false

func exists(int) bool { return true }

func (s *Server) run(context.Context) error { return ErrNotHere }
