// Package rooms holds no code, only the test of the borders between the packages of
// this repository: it fails when an import runs the wrong way. A new room gets its
// line there.
package rooms
