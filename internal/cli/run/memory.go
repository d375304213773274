package run

import (
	"log/slog"
	"math"

	"github.com/KimMachineGun/automemlimit/memlimit"
)

// memoryShare is how much of the memory that this process may have Go takes before it
// looks for garbage all the time. The rest is for what it does not manage: coders of
// images, SQLite, stacks of other threads.
const memoryShare = 0.8

// limitMemory lets Go know how much memory there is, by the limit of the cgroup (of
// systemd's MemoryMax, of a container), so that it collects garbage rather than being
// killed. GOMEMLIMIT in the environment takes precedence.
func limitMemory(log *slog.Logger) {
	limit, err := memlimit.Set(memlimit.WithRatio(memoryShare))
	switch {
	case err != nil:
		log.Debug("the memory limit of this process is not known", "error", err)
	case limit == math.MaxInt64:
		log.Info("memory is not limited: set a limit by MemoryMax, of the container, or by GOMEMLIMIT")
	default:
		log.Info("memory is limited", "gomemlimit_mib", limit>>20)
	}
}

// Bounds of --max-calls where it is not given. Some sixty calls keep two processors busy;
// with more at a time each of them only takes longer.
const (
	callsPerCPU = 64
	leastCalls  = 128
)

// maxCalls is how many calls a server works on at a time.
func maxCalls(given, cpus int) int {
	if given > 0 {
		return given
	}
	return max(leastCalls, callsPerCPU*cpus)
}
