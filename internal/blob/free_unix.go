//go:build linux || darwin || freebsd

package blob

import "syscall"

// freeBytes is what the disk of a folder has left for us.
func freeBytes(dir string) (bytes int64, known bool) {
	var st syscall.Statfs_t
	if err := syscall.Statfs(dir, &st); err != nil {
		return 0, false
	}
	return int64(st.Bavail) * int64(st.Bsize), true // whose types differ by system
}
