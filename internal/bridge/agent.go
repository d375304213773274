package bridge

import (
	"strconv"
	"strings"
	"sync"
)

// Version is a semantic version. Only releases count: pre-release and build
// metadata are ignored, except that a pre-release comes before its release.
type Version struct {
	Major, Minor, Patch uint32
	Pre                 bool
}

// Agent is a bridge and what it can do. Agents are compared by value and never
// change; the zero value is the unknown bridge without any ability.
type Agent struct {
	Name    string
	Version Version

	caps      Capability
	karras    samplerSet // usable with karras
	plain     samplerSet // usable without
	factor    float64
	validated bool
}

const (
	unknownName = "unknown"
	maxCached   = 4096 // agent texts; a horde sees some dozens
	maxAgent    = 1000 // characters; the schema of a pop allows no more
)

var cache = struct {
	sync.RWMutex
	agents map[string]Agent // guarded by the mutex
}{agents: map[string]Agent{}}

// Parse reads an agent text. It never fails: what cannot be read is the
// unknown bridge, version 0.
func Parse(text string) Agent {
	cache.RLock()
	a, ok := cache.agents[text]
	cache.RUnlock()
	if ok {
		return a
	}

	a = parse(text)
	if len(text) > maxAgent {
		return a
	}

	cache.Lock()
	if len(cache.agents) >= maxCached {
		clear(cache.agents) // somebody invents agents; start over rather than grow
	}
	cache.agents[strings.Clone(text)] = a
	cache.Unlock()

	return a
}

// Has reports whether the bridge has all of these abilities.
func (a Agent) Has(c Capability) bool { return a.caps&c == c }

// Sampler is one that a request names, with or without the karras schedule.
type Sampler struct {
	Name   string
	Karras bool
}

// SupportsSampler reports whether the bridge can run a sampler. Unknown ones are never
// usable.
func (a Agent) SupportsSampler(s Sampler) bool {
	bit, ok := samplers[s.Name]
	if s.Karras {
		return ok && a.karras&bit != 0
	}
	return ok && a.plain&bit != 0
}

// RewardFactor is the share of an image's reward that its worker earns (generation §6.4):
// 1 for official bridges of the newest version known, 0.9 for older ones, 0.75
// for all others.
func (a Agent) RewardFactor() float64 {
	if a.factor == 0 {
		return 0.75
	}
	return a.factor
}

// Validated reports whether the bridge counts as a validated text back end.
func (a Agent) Validated() bool { return a.validated }

// parse splits at the first two colons: an agent needs all three parts.
func parse(text string) Agent {
	parts := strings.SplitN(text, ":", 3)
	if len(parts) == 3 {
		if v, ok := parseVersion(parts[1]); ok {
			return newAgent(strings.Clone(parts[0]), v)
		}
	}
	return newAgent(unknownName, Version{})
}

// parseVersion reads a semantic version whose minor and patch may be missing.
func parseVersion(s string) (Version, bool) {
	if len(s) > 64 {
		return Version{}, false
	}
	s, _, _ = strings.Cut(s, "+")

	s, pre, isPre := strings.Cut(s, "-")
	numbers := strings.Split(s, ".")
	if len(numbers) > 3 || isPre && pre == "" {
		return Version{}, false
	}

	var v [3]uint32
	for i, n := range numbers {
		u, err := strconv.ParseUint(n, 10, 32)
		if err != nil || len(n) > 1 && n[0] == '0' {
			return Version{}, false
		}
		v[i] = uint32(u)
	}
	return Version{v[0], v[1], v[2], isPre}, true
}

// reaches reports whether v is major.0.0 or later.
func (v Version) reaches(major uint32) bool {
	if v.Major != major {
		return v.Major > major
	}
	return !v.Pre || v.Minor > 0 || v.Patch > 0
}

// newAgent adds up what a bridge gained with every major version up to its own.
func newAgent(name string, v Version) Agent {
	a := Agent{Name: name, Version: v, factor: 0.75}

	f := find(name)
	if f == nil || len(f.gains) == 0 {
		stranger := newAgent(strangerSamplers.name, Version{Major: strangerSamplers.major})
		a.karras, a.plain = stranger.karras, stranger.plain
		a.validated = f != nil && f.validated
		return a
	}

	newest := false
	for _, g := range f.gains {
		newest = v.reaches(g.major)
		if newest {
			a.caps |= g.caps
			a.karras |= g.samplers
			a.plain |= g.samplers | g.plainOnly
		}
	}

	a.validated = f.validated
	switch {
	case f.official && newest:
		a.factor = 1
	case f.official:
		a.factor = 0.9
	}
	return a
}

func find(name string) *family {
	for i := range families {
		if families[i].name == name {
			return &families[i]
		}
	}
	return nil
}
