package run

import (
	"bytes"
	"log/slog"
	"runtime/debug"
	"strings"
	"testing"
)

// TestCallsAtATimeFollowProcessors: unless the operator says how many.
func TestCallsAtATimeFollowProcessors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		given, cpus, want int
	}{
		{"one processor", 0, 1, 128},
		{"two", 0, 2, 128},
		{"sixteen", 0, 16, 1024},
		{"the operator's word", 10, 16, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			if got := maxCalls(c.given, c.cpus); got != c.want {
				t.Errorf("%d, want %d", got, c.want)
			}
		})
	}
}

// TestMemoryLimitIsSaid: what the operator has set stays, and the log has it.
func TestMemoryLimitIsSaid(t *testing.T) {
	before := debug.SetMemoryLimit(300 << 20)
	defer debug.SetMemoryLimit(before)
	t.Setenv("GOMEMLIMIT", "300MiB")

	var log bytes.Buffer
	limitMemory(slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "gomemlimit_mib=300") {
		t.Errorf("%q", log.String())
	}
	if now := debug.SetMemoryLimit(-1); now != 300<<20 {
		t.Errorf("the limit is %d", now)
	}
}
