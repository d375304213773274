//go:build !unix

package bench

import "time"

// ownCPU is the processor time that this process has used; not told here.
func ownCPU() time.Duration { return 0 }
