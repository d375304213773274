package queue

import "horde/internal/bridge"

// features are what a request asks of a worker, as far as it can be told
// without looking at the request itself: requests with equal features share a
// bucket.
type features struct {
	bits            bits
	length, context sizeClass         // of texts
	caps            bridge.Capability // abilities of the bridge, besides those of the bits
	named           string            // sampler of a picture, softprompt of a text
	pixels          int               // width × height
}

type bits uint32

const (
	wantsNSFW bits = 1 << iota
	wantsTrusted
	unsafeIP
	fromUntrusted
	hasSource
	painting
	extraSources
	wantsR2
	hasLoras
	hasTIs
	hasControl
	qrCode
	hiresFix
	transparent
	postProcessing
	fastOnly
	extraSlowOK
	karras
	validated // wants a back end that is
)

func (b *bits) set(flag bits, on bool) {
	if on {
		*b |= flag
	}
}
