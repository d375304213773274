package moderation

import (
	"context"
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// hands is a clock that is set by hand.
type hands struct{ at time.Time }

func (h *hands) now() time.Time { return h.at }

func (h *hands) pass(d time.Duration) { h.at = h.at.Add(d) }

func newHands() *hands { return &hands{time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)} }

func openAddresses(t *testing.T, db *storetest.DB, clock *hands, services ...string) *Addresses {
	t.Helper()
	known := map[netip.Addr]bool{}
	for _, s := range services {
		known[netip.MustParseAddr(s)] = true
	}
	s := db.Open(func(o *store.Options) { o.Clock = clock.now })
	a, err := OpenAddresses(t.Context(),
		AddressConfig{Store: s, Clock: clock.now, Service: func(a netip.Addr) bool { return known[a] }})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func punish(t *testing.T, a *Addresses, addr string) int {
	t.Helper()
	if err := a.PutInTimeout(t.Context(), netip.MustParseAddr(addr)); err != nil {
		t.Fatal(err)
	}
	seconds, _ := a.Refused(netip.MustParseAddr(addr))
	return seconds
}

// 3, 9, 15, 21 minutes; the offences of more than 24 hours ago do not count
// (generation §7.4).
func TestTimeoutsGrowWithOffences(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		clock := newHands()
		a := openAddresses(t, db, clock)

		const bad = "203.0.113.7"
		for i, minutes := range []int{3, 9, 15, 21} {
			if got := punish(t, a, bad); got != minutes*60 {
				t.Errorf("offence %d: %d s, want %d min", i, got, minutes)
			}
			clock.pass(time.Duration(minutes) * time.Minute)
			if _, refused := a.Refused(netip.MustParseAddr(bad)); refused {
				t.Errorf("offence %d: still refused after %d min", i, minutes)
			}
		}

		clock.pass(24*time.Hour - 40*time.Minute) // the first two are forgotten
		if got := punish(t, a, bad); got != 5*3*60 {
			t.Errorf("with two earlier offences within 24 hours: %d s", got)
		}

		clock.pass(25 * time.Hour)
		if got := punish(t, a, bad); got != 3*60 {
			t.Errorf("a day later: %d s", got)
		}

		if _, refused := a.Refused(netip.MustParseAddr("203.0.113.8")); refused {
			t.Error("the neighbour is refused")
		}
	})
}

func TestTimeoutsOfServicesAreShort(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		clock := newHands()
		a := openAddresses(t, db, clock, "203.0.113.7")
		for i, minutes := range []int{3, 5, 5} {
			if got := punish(t, a, "203.0.113.7"); got != minutes*60 {
				t.Errorf("offence %d: %d s, want %d min", i, got, minutes)
			}
		}
		clock.pass(61 * time.Minute)
		if got := punish(t, a, "203.0.113.7"); got != 3*60 {
			t.Errorf("an hour later: %d s", got)
		}
	})
}

// One caller has all addresses of an IPv6 network of 64 bits.
func TestACallerHasItsIPv6Network(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := openAddresses(t, db, newHands())
		punish(t, a, "2001:db8:1:2::7")
		if got := punish(t, a, "2001:db8:1:2:ffff::1"); got != 9*60 {
			t.Errorf("second offence from the network: %d s", got)
		}
		for addr, want := range map[string]bool{"2001:db8:1:2::9": true, "2001:db8:1:3::7": false,
			"::ffff:203.0.113.7": false} {
			if _, refused := a.Refused(netip.MustParseAddr(addr)); refused != want {
				t.Errorf("%s refused: %v", addr, refused)
			}
		}
		bans, err := a.BansOf("2001:db8:1:2::9")
		if err != nil || len(bans) != 1 || bans[0] != (Ban{"2001:db8:1:2::/64", 540}) {
			t.Errorf("bans %+v, %v", bans, err)
		}
		lift(t, a, "2001:db8:1:2::77")
		if got := punish(t, a, "2001:db8:1:2::7"); got != 3*60 {
			t.Errorf("after it was lifted: %d s", got)
		}
	})
}

func TestATimeoutBehindAServiceIsTheUsers(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := openAddresses(t, db, newHands())
		proxy := netip.MustParseAddr("198.51.100.1")
		for range 12 {
			if err := a.PutProxiedInTimeout(t.Context(), netip.MustParseAddr("203.0.113.7"), proxy); err != nil {
				t.Fatal(err)
			}
		}
		if _, refused := a.Refused(proxy); refused {
			t.Error("the service is refused for its callers")
		}
		if seconds, _ := a.Refused(netip.MustParseAddr("203.0.113.7")); seconds != 23*3*60 {
			t.Errorf("the caller: %d s", seconds)
		}
		if got := punish(t, a, "198.51.100.1"); got != 3*60 {
			t.Errorf("the service's own first offence: %d s", got)
		}
	})
}

func banFor(a *Addresses, text string, length time.Duration) error {
	target, err := ParseTarget(text)
	if err != nil {
		return err
	}
	return a.Ban(context.Background(), target, length)
}

func lift(t *testing.T, a *Addresses, text string) {
	t.Helper()
	target, err := ParseTarget(text)
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Unban(t.Context(), target); err != nil {
		t.Fatal(err)
	}
}

func TestABanEndsWhenItSays(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		clock := newHands()
		a := openAddresses(t, db, clock)
		for text, length := range map[string]time.Duration{"203.0.113.7": time.Hour, "198.51.100.0/24": 2 * time.Hour,
			"198.51.0.0/16": time.Minute, "2001:db8::/64": 5 * 24 * time.Hour, "2001:db9::1": time.Hour,
			"198.51.100.9": time.Hour} {
			if err := banFor(a, text, length); err != nil {
				t.Fatal(err)
			}
		}

		for _, c := range []struct {
			addr    string
			seconds int
		}{
			{"203.0.113.7", 3600}, {"203.0.113.8", 0}, {"::ffff:203.0.113.7", 3600}, {"198.51.100.77", 7200},
			{"198.51.101.1", 60},
			{"2001:db8::1234", 5 * 86400}, {"2001:db8:0:1::", 0}, {"2001:db9::1", 3600}, {"2001:db9::2", 0}, {"127.0.0.1", 0},
		} {
			t.Run(c.addr, func(t *testing.T) {
				seconds, refused := a.Refused(netip.MustParseAddr(c.addr))
				if seconds != c.seconds || refused != (c.seconds > 0) {
					t.Errorf("%s: %d s, %v; want %d", c.addr, seconds, refused, c.seconds)
				}
			})
		}

		if seconds, refused := a.Refused(netip.Addr{}); refused {
			t.Errorf("no address: %d s", seconds)
		}

		if err := a.Check(netip.MustParseAddr("203.0.113.7")); horde.CodeOf(err) != horde.TimeoutIP ||
			!strings.Contains(err.Error(), "for 3600 more seconds") {
			t.Errorf("refused with %v", err)
		}

		if err := a.Check(netip.MustParseAddr("2001:db8::1")); horde.CodeOf(err) != horde.TimeoutIP ||
			strings.Contains(err.Error(), "432") {
			t.Errorf("more than 4 days: %v", err)
		}

		want := []Ban{{"198.51.0.0/16", 60}, {"198.51.100.0/24", 7200}, {"2001:db8::/64", 5 * 86400}}
		if got := a.Blocks(); !same(got, want) {
			t.Errorf("blocks %+v", got)
		}

		want = append(want[:2:2], Ban{"198.51.100.9", 3600})
		if got, err := a.BansOf("198.51.100.9"); err != nil || !same(got, want) {
			t.Errorf("bans of one address: %+v, %v", got, err)
		}

		again, err := OpenAddresses(t.Context(), AddressConfig{Store: a.Store, Clock: clock.now})
		if err != nil || !same(again.Blocks(), a.Blocks()) {
			t.Errorf("read again: %+v, %v", again.Blocks(), err)
		}

		if punish(t, a, "203.0.113.7") != 3600 {
			t.Error("a short timeout ends a long one")
		}

		clock.pass(time.Minute)
		if got := a.Blocks(); len(got) != 2 {
			t.Errorf("blocks a minute later: %+v", got)
		}

		for _, text := range []string{"198.51.100.0/24", "203.0.113.7", "192.0.2.1"} {
			lift(t, a, text)
		}

		for addr, want := range map[string]bool{"203.0.113.7": false, "198.51.100.77": false, "198.51.100.9": true} {
			if _, refused := a.Refused(netip.MustParseAddr(addr)); refused != want {
				t.Errorf("after lifting, %s: %v", addr, refused)
			}
		}

		if err := a.Store.Write(t.Context(),
			store.Unit{Do: func(tx *store.Tx) error { return tx.PruneAddresses() }}); err != nil {
			t.Fatal(err)
		}

		left, err := a.Store.AddressBansOf(t.Context(), []string{"198.51.0.0/16", "2001:db8::/64"})
		if err != nil || len(left) != 1 {
			t.Errorf("after pruning: %+v, %v", left, err)
		}
	})
}

func same(a, b []Ban) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}

func TestATargetIsAnAddressOrANetwork(t *testing.T) {
	for text, want := range map[string]string{
		"203.0.113.7": "203.0.113.7", "203.0.113.7/32": "203.0.113.7/32", "2001:DB8::1": "2001:db8::1",
		"2001:db8::/64":      "2001:db8::/64",
		"::ffff:203.0.113.7": "203.0.113.7", "::ffff:203.0.113.0/120": "203.0.113.0/24", "0.0.0.0/0": "0.0.0.0/0",
		"not an address": "", "203.0.113": "", "203.0.113.256": "", "203.0.113.7/24": "", "203.0.113.0/33": "",
		"203.0.113.0/-1": "", "203.0.113.0/": "",
		"2001:db8::1/64": "", "fe80::1%eth0": "", "fe80::%eth0/64": "", " 203.0.113.7": "", "203.0.113.07": "",
		"::ffff:0.0.0.0/80": "", "/24": "",
		strings.Repeat("1", 300): "",
	} {
		t.Run(fmt.Sprintf("%.60s", text), func(t *testing.T) {
			got, err := ParseTarget(text)
			if want == "" {
				if horde.CodeOf(err) != horde.BadRequest {
					t.Errorf("%q: %v, %v", text, got, err)
				}
			} else if err != nil || got.String() != want {
				t.Errorf("%q: %v, %v; want %s", text, got, err, want)
			}
		})
	}

	for text, want := range map[string]string{"192.0.2.50": "192.0.2.50", "2001:db8::50": "2001:db8::/64", "": ""} {
		if got, ok := TargetOfWorker(text); ok != (want != "") || ok && got.String() != want {
			t.Errorf("worker at %q: %v, %v", text, got, ok)
		}
	}
}

// What Refused finds by prefix lengths is what a look through all bans would.
func TestRefusedFindsEveryBan(t *testing.T) {
	db := storetest.On(t, storetest.SQLite)
	a := openAddresses(t, db, newHands())
	rapid.Check(t, func(t *rapid.T) {
		a.bans, a.lengths, a.sweepAt = map[netip.Prefix]ban{}, [2][]int{}, 4
		var all []store.AddressBan

		small := func(bits int) netip.Addr { // few addresses, so that they meet
			b := [16]byte{0: 0x20, 1: 1, 7: byte(rapid.IntRange(0, 3).Draw(t, "b7")),
				15: byte(rapid.IntRange(0, 3).Draw(t, "b15"))}
			if bits == 32 {
				return netip.AddrFrom4([4]byte{10, b[7], 0, b[15]})
			}
			return netip.AddrFrom16(b)
		}

		for range rapid.IntRange(0, 12).Draw(t, "bans") {
			bits := rapid.SampledFrom([]int{32, 128}).Draw(t, "family")
			p, err := small(bits).Prefix(rapid.IntRange(0, bits).Draw(t, "length"))
			if err != nil {
				t.Fatal(err)
			}

			b := store.AddressBan{Network: p.String(), Block: rapid.Bool().Draw(t, "block"),
				Until: horde.Micros(a.Clock().UnixMicro() + int64(rapid.IntRange(-2, 3).Draw(t, "until"))*1e6)}
			all = append(all, b)
			if err := a.take([]store.AddressBan{b}); err != nil {
				t.Fatal(err)
			}
		}

		addr := small(rapid.SampledFrom([]int{32, 128}).Draw(t, "of"))
		last := map[string]horde.Micros{} // the newest of each network and kind
		for _, b := range all {
			last[b.Network+map[bool]string{true: "b"}[b.Block]] = b.Until
		}

		want := horde.Micros(0)
		for key, until := range last {
			if netip.MustParsePrefix(strings.TrimSuffix(key, "b")).Contains(addr) {
				want = max(want, until-horde.MicrosOf(a.Clock()))
			}
		}

		if got, _ := a.Refused(addr); horde.Micros(got) != want/1e6 {
			t.Fatalf("%v: %d s, want %d of %+v", addr, got, want/1e6, all)
		}
	})
}

func TestRefusedAllocatesNothing(t *testing.T) {
	a := openAddresses(t, storetest.On(t, storetest.SQLite), newHands())
	for _, text := range []string{"198.51.100.0/24", "2001:db8::/32", "203.0.113.7", "2001:db9::1"} {
		if err := banFor(a, text, time.Hour); err != nil {
			t.Fatal(err)
		}
	}
	for _, text := range []string{"198.51.100.7", "192.0.2.1", "2001:db8::7", "2001:dead::1"} {
		addr := netip.MustParseAddr(text)
		if n := testing.AllocsPerRun(100, func() { a.Refused(addr) }); n != 0 {
			t.Errorf("%s: %v allocations", text, n)
		}
	}
}

// BenchmarkRefused looks up addresses beside 10,000 timeouts and a few ranges.
func BenchmarkRefused(b *testing.B) {
	a := &Addresses{AddressConfig: AddressConfig{Clock: time.Now}, bans: map[netip.Prefix]ban{}, sweepAt: minSweep}
	until := horde.MicrosOf(time.Now().Add(time.Hour))
	rows := []store.AddressBan{{Network: "198.51.100.0/24", Block: true, Until: until},
		{Network: "198.18.0.0/15", Block: true, Until: until}}
	for i := range 10_000 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{203, 0, byte(i >> 8), byte(i)}), 32)
		rows = append(rows, store.AddressBan{Network: p.String(), Until: until})
	}
	if err := a.take(rows); err != nil {
		b.Fatal(err)
	}
	addr := netip.MustParseAddr("192.0.2.1")
	b.ReportAllocs()
	for b.Loop() {
		a.Refused(addr)
	}
}

func TestBansReachEveryNode(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	clock := &hands{time.Now()}
	here, there := openAddresses(t, db, clock), openAddresses(t, db, clock)
	ctx, stop := context.WithCancel(t.Context())
	news := make(chan bool, 1)

	var watches sync.WaitGroup
	for _, a := range []*Addresses{here, there} {
		begun := make(chan bool, 1)
		a.Store.Follow(func(context.Context, *store.Changes) error {
			for _, told := range []chan bool{begun, news} {
				select {
				case told <- true:
				default:
				}
			}
			return nil
		})

		watches.Go(func() { a.Store.Watch(ctx) })
		<-begun
	}

	defer func() { stop(); watches.Wait() }()
	bad := netip.MustParseAddr("203.0.113.7")
	hear := func(want bool) {
		t.Helper()
		deadline := time.After(20 * time.Second)
		for {
			if _, refused := there.Refused(bad); refused == want {
				return
			}
			select {
			case <-news:
			case <-time.After(50 * time.Millisecond):
			case <-deadline:
				t.Fatalf("refused there: not %v", want)
			}
		}
	}

	start := time.Now()
	punish(t, here, "203.0.113.7")
	hear(true)
	if took := time.Since(start); took > 2*time.Second {
		t.Errorf("the other node heard of it after %v", took)
	}

	if got := punish(t, there, "203.0.113.7"); got != 9*60 {
		t.Errorf("a second offence on the other node: %d s", got)
	}

	lift(t, here, "203.0.113.7")
	hear(false)
}
