// Package adversary plays strangers who mean harm against the program, whose memory is
// capped, while an honest client goes on asking, working and reading. Each class of
// attack is a subtest; what the honest client felt is printed as a table.
//
// `make test-adversary` plays it whole; without HORDE_ADVERSARY=whole it is short
// enough for every run of the tests.
package adversary
