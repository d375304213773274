//go:build !unix

package bench

import "time"

// ownCPU is the processor time that this process has used; unknown on this system.
func ownCPU() time.Duration { return 0 }
