//go:build !unix

package server

// maxDescriptors returns how many files and sockets the process may have open.
func maxDescriptors() int { return 1 << 20 }
