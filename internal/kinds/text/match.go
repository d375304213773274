// Package text is what text generation has of its own.
package text

import (
	"slices"
	"time"

	"horde/internal/admission"
	"horde/internal/bridge"
	"horde/internal/fleet"
	"horde/internal/kinds"
	"horde/internal/match"
)

// What a request can ask of a worker.
const (
	trustedWorkers match.Flags = 1 << iota
	unsafeIP
	fromUntrusted
	fastOnly
	validated // a back end that is
)

// Features are what a request from somewhere asks of a worker.
func Features(m *admission.Text, o kinds.Origin) match.Features {
	f := match.Features{
		Length:  match.ClassOf(m.MaxLength),
		Context: match.ClassOf(m.MaxContextLength),
		Named:   m.Softprompt,
	}
	f.Flags.Set(trustedWorkers, m.TrustedWorkers)
	f.Flags.Set(unsafeIP, o.UnsafeIP)
	f.Flags.Set(fromUntrusted, !o.Trusted)
	f.Flags.Set(fastOnly, !m.SlowWorkers)
	f.Flags.Set(validated, m.ValidatedBackends)
	return f
}

// Reasons for which a worker cannot serve a request.
const (
	lackTrust match.Lacks = 1 << iota
	lackSoftprompt
	lackSpeed
	lackBridge
	lackSilent // without a counter of its own
)

// Counters are those of generation §2.7.
var Counters = &match.Counters{Reasons: []match.Reason{
	{Lacks: lackTrust, Name: "untrusted"},
	{Lacks: lackSpeed, Name: "performance"},
	{Lacks: lackBridge, Name: "bridge_version"},
	{Lacks: lackSoftprompt, Name: "matching_softprompt"},
}}

// Fast is the speed, in tokens per second, that makes a worker one that could serve
// requests without slow_workers (generation §5.5); pops look closer.
const Fast = 2

// skills are what a worker can do with texts.
type skills struct {
	settings *fleet.Settings
	agent    bridge.Agent
	trusted  bool // the owner
	speed    float64
	fast     float64 // that a request without slow_workers wants
}

// NewWorker is what decides which requests a worker gets in a pop. The speed that
// counts as fast depends on the first model declared (generation §2.7), and any worker may serve
// requests that name none.
func NewWorker(seen kinds.Seen) *match.Worker {
	return newWorker(seen, fastFor(seen))
}

// NewPossibleWorker is NewWorker for who could serve a request at all (generation §5.5).
func NewPossibleWorker(seen kinds.Seen) *match.Worker { return newWorker(seen, Fast) }

func newWorker(seen kinds.Seen, fast float64) *match.Worker {
	// Both in one piece of memory: every pop makes them, and every look at the fleet.
	w := &struct {
		match.Worker
		skills
	}{
		Worker: seen.Facts(),
		skills: skills{
			settings: &seen.Worker.Settings,
			agent:    seen.Worker.Agent,
			trusted:  seen.OwnerTrusted,
			speed:    seen.Worker.Speed(),
			fast:     fast,
		},
	}

	w.AnyModel = true
	w.MaxLength, w.MaxContext = w.settings.MaxLength, w.settings.MaxContextLength
	w.Skills = &w.skills
	return &w.Worker
}

// fastFor is the speed, in tokens per second, that counts as fast with the first model
// that a worker offers.
func fastFor(seen kinds.Seen) float64 {
	if len(seen.Models) == 0 {
		return 3
	}
	switch billions := seen.Known.TextBillions(seen.Models[0]); {
	case billions >= 20:
		return 3
	case billions >= 13:
		return 4
	}
	return 5
}

// Lacking is the query of generation §2.7, as far as features tell, and the gates for trust and
// softprompt. The lengths themselves are counted by the census.
func (k *skills) Lacking(f match.Features) (l match.Lacks) {
	s := k.settings
	want := func(flag match.Flags) bool { return f.Flags.Has(flag) }
	l.Add(lackTrust, !k.trusted && (want(trustedWorkers) || want(unsafeIP) && want(fromUntrusted)))
	l.Add(lackSoftprompt, f.Named != "" && !slices.Contains(s.Softprompts, f.Named))
	l.Add(lackSilent, want(unsafeIP) && !s.AllowUnsafeIP)
	l.Add(lackSpeed, want(fastOnly) && k.speed < k.fast)
	l.Add(lackBridge, want(validated) && !k.agent.Validated())
	l.Add(lackSilent, f.Length.Least() > s.MaxLength || f.Context.Least() > s.MaxContextLength)
	return l
}

// Refuses names no gate: features tell all.
func (k *skills) Refuses(_ *match.Item, lacks match.Lacks) string {
	if lacks != 0 {
		return match.Silent
	}
	return ""
}

// Batch is how many texts one pop gets.
func (w Work) Batch(p kinds.Pickup) int { return max(1, min(p.Amount, p.Left)) }

// TTL is how long a worker may take over a text: two seconds for each token, and never
// less than 150 s (decision 41).
func (w Work) TTL(kinds.Pickup) time.Duration {
	return max(kinds.LeastTTL, 2*time.Duration(w.MaxLength)*time.Second)
}
