package api

import "slices"

// Level is a stage of the contract's document, named after the version of the
// Python SDK that first checks for it. Every SDK refuses paths and fields that it
// does not know, so a horde documents one stage; what it serves is all of them.
type Level string

// The levels, the oldest first.
const (
	Level028 Level = "0.28"
	Level029 Level = "0.29"
	Level030 Level = "0.30"
	Level032 Level = "0.32"
	Level033 Level = "0.33"
)

// Levels are all levels, the oldest first.
var Levels = []Level{Level028, Level029, Level030, Level032, Level033}

// Known reports whether l is a level.
func (l Level) Known() bool { return slices.Contains(Levels, l) }

// Shows reports whether a document of level l has what came with since; "" is what
// was always there.
func (l Level) Shows(since Level) bool {
	return since == "" || slices.Index(Levels, since) <= slices.Index(Levels, l)
}
