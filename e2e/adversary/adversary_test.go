package adversary

import (
	"cmp"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"text/tabwriter"
	"time"

	"horde/e2e/program"
)

const (
	memoryCap     = 512 << 20       // bytes
	honestLatency = 2 * time.Second // of a whole cycle: ask, pop, submit, status

	shortAttack = 500 * time.Millisecond // how long most classes go on in the short form
	wholeAttack = 15 * time.Second
)

func TestMain(m *testing.M) {
	flag.Parse()
	if testing.Short() { // needs no program
		os.Exit(m.Run())
	}
	os.Exit(program.Main(m))
}

// whole reports whether all is played at full length.
func whole() bool { return os.Getenv("HORDE_ADVERSARY") == "whole" }

// class is one way to attack.
type class struct {
	name   string
	attack func(a *arena)
	env    []string // of the program
	whole  bool     // too long for the short form

	receivers bool // the program may call receivers of webhooks on this machine
}

// TestProgramWithstands: whatever strangers do within the limits that the documents
// name, an honest client's cycle takes two seconds at most, and the program stays
// within its memory.
func TestProgramWithstands(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the attacks take a minute; `make test` runs them")
	}

	var table results
	all := slices.Concat(
		bodies, images, connections, storage, waiting, longResults, streams, answers,
		accounts, texts, webhooks, inside, overloads,
	)
	for _, c := range all {
		if !whole() && (c.whole || expectedGaps[c.name] != "") {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			a := newArena(t, c)
			a.play()
			table = append(table, a.result())
		})
	}

	t.Logf("\n%s", table)
	for name := range expectedGaps {
		if !slices.ContainsFunc(all, func(c class) bool { return c.name == name }) {
			t.Errorf("%s is an expected gap and no class", name)
		}
	}
}

// result is a line of the table.
type result struct {
	class   string
	calls   int64 // of the attack
	cycles  int   // of the honest client
	worst   time.Duration
	peak    int64 // bytes
	verdict string
}

type results []result

// String is the table for people.
func (all results) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "class\tcalls\thonest cycles\tworst honest cycle\tpeak memory\t")
	for _, r := range all {
		fmt.Fprintf(w, "%s\t%d\t%d\t%d ms\t%d MiB\t%s\n",
			r.class, r.calls, r.cycles, r.worst.Milliseconds(), r.peak>>20, r.verdict)
	}
	_ = w.Flush()
	return b.String()
}

// arena is a running program under attack.
type arena struct {
	*testing.T
	class
	srv    *program.Server
	honest *honest

	attackers
	mu     sync.Mutex
	faults []string
	took   time.Duration
}

func newArena(t *testing.T, c class) *arena {
	t.Helper()
	env := append([]string{"HORDE_TEST_RATELIMIT_DISABLED=0", `ADMINS=["boss#1"]`}, c.env...)
	if c.receivers {
		env = append(env, trustReceivers(t)...)
	}
	a := &arena{T: t, class: c, srv: program.Start(t, program.Setup{Memory: memoryCap, Env: env})}
	a.attackers.url = a.srv.URL
	a.honest = newHonest(t, a.srv)
	return a
}

// fault notes what the program should not have done.
func (a *arena) fault(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.faults) < 10 {
		a.faults = append(a.faults, fmt.Sprintf(format, args...))
	}
}

// length is how long an attack goes on.
func (a *arena) length() time.Duration {
	if whole() {
		return wholeAttack
	}
	return shortAttack
}

// play attacks while the honest client works, and reports what went wrong.
func (a *arena) play() {
	a.Helper()
	a.srv.ResetPeak()
	stop := a.honest.work()
	began := time.Now()
	a.attack(a)
	a.took = time.Since(began)
	stop()

	if a.srv.Ended() {
		a.fault("the program ended")
	}
	if a.honest.worst > honestLatency {
		a.fault("the honest client's cycle took %v", a.honest.worst.Round(time.Millisecond))
	}
	for _, what := range a.honest.refused {
		a.fault("the honest client: %s", what)
	}

	for _, f := range a.faults {
		if why := expectedGaps[a.name]; why != "" {
			a.Logf("expected (%s): %s", why, f)
		} else {
			a.Error(f)
		}
	}
	if why := expectedGaps[a.name]; why != "" && len(a.faults) == 0 {
		a.Logf("is an expected gap (%s), but was withstood: take it off the list", why)
	}
}

func (a *arena) result() result {
	usage, err := a.srv.Usage()
	if err != nil { // it ended
		usage.Peak = memoryCap
	}
	r := result{
		class:   a.name,
		calls:   a.calls.Load(),
		cycles:  a.honest.cycles,
		worst:   a.honest.worst,
		peak:    usage.Peak,
		verdict: cmp.Or(strings.Join(a.faults, "; "), "withstood"),
	}
	if why := expectedGaps[a.name]; why != "" && len(a.faults) > 0 {
		r.verdict = "expected gap: " + r.verdict
	}
	return r
}
