package match

import (
	"math/bits"

	"horde/internal/bridge"
)

// Features are what an item asks of a worker, as far as it can be told without
// looking at the item itself: items with equal features share a bucket. A kind uses
// those fields that it needs.
type Features struct {
	Flags   Flags
	Length  SizeClass         // of the text to write, in tokens
	Context SizeClass         // that a text is written in, in tokens
	Caps    bridge.Capability // abilities of the bridge, besides those of the flags
	Named   string            // sampler of an image, softprompt of a text
	Size    int               // pixels of an image, tiles of a form's source image
}

// Flags are yes-or-no features. Each kind declares its own.
type Flags uint32

// Set adds a flag if on.
func (f *Flags) Set(flag Flags, on bool) {
	if on {
		*f |= flag
	}
}

// Has reports whether a flag is set.
func (f Flags) Has(flag Flags) bool { return f&flag != 0 }

// Lacks is the set of reasons for which a worker cannot serve some features; 0: it
// can. Each kind declares its own.
type Lacks uint32

// Add adds a reason if it applies.
func (lacks *Lacks) Add(reason Lacks, applies bool) {
	if applies {
		*lacks |= reason
	}
}

// SizeClass is a number of tokens, in classes of doubling size.
type SizeClass uint8

// ClassOf is the class of a number of tokens.
func ClassOf(tokens int) SizeClass { return SizeClass(bits.Len(uint(max(tokens, 1) - 1))) }

// Least is the fewest tokens of a class.
func (class SizeClass) Least() int {
	if class == 0 {
		return 1
	}
	return 1<<(class-1) + 1
}
