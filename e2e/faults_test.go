package e2e

import (
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"horde/api"
	"horde/e2e/program"
)

const (
	// blockedAtMost is how long a node may keep others from writing, whatever happens
	// to it.
	blockedAtMost = 15 * time.Second

	// backWithin is how soon writes come through after the database has come back.
	backWithin = time.Second

	faultParties = 8
	underLoad    = 700 * time.Millisecond // before a fault
)

// sharedSecrets are those of nodes on one database.
var sharedSecrets = []string{"HORDE_SECRET_KEY=a-secret-that-nodes-share",
	"HORDE_BLOB_SECRET=one-more-that-nodes-share"}

// faultRounds is how often a fault is repeated: HORDE_FAULTS, or once.
func faultRounds() int {
	if n, err := strconv.Atoi(os.Getenv("HORDE_FAULTS")); err == nil {
		return n
	}
	return 1
}

// besideOthers lets a test of faults run beside others, and not in the inner loop.
func besideOthers(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("-short: faults take half a minute; `make test` plays each once, `make test-faults` several times")
	}
	t.Parallel()
}

// ordeal is a load that goes on through faults, and what was acknowledged meanwhile.
type ordeal struct {
	*testing.T
	db    string
	nodes []*program.Server
	acked *acknowledged
	party []party
	payee string // of the writes that a test makes besides the load
	stop  func()
}

// newOrdeal starts nodes and has every party ask, take and deliver at each of them.
func newOrdeal(t *testing.T, db string, setups ...program.Setup) *ordeal {
	t.Helper()
	o := &ordeal{T: t, db: db, acked: newAcknowledged()}
	for _, s := range setups {
		o.nodes = append(o.nodes, program.Start(t, s))
	}
	o.party = makeParties(t, o.nodes[0], faultParties)
	var payee api.UserDetails
	status, body := call(t, http.MethodGet, o.nodes[0].URL+"/api/v2/find_user", o.party[1].key, "")
	decodeAs(t, http.StatusOK, status, body, &payee)
	o.payee = payee.Username

	ctx, cancel := context.WithCancel(t.Context())
	var load sync.WaitGroup
	for i, p := range o.party {
		url := o.nodes[i%len(o.nodes)].URL
		load.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			for ctx.Err() == nil {
				if !p.cycle(client, url, o.acked) {
					pause(ctx, 50*time.Millisecond)
				}
			}
		})
	}
	o.stop = func() {
		cancel()
		load.Wait()
	}
	t.Cleanup(o.stop)
	return o
}

func newAcknowledged() *acknowledged {
	return &acknowledged{accepted: map[string]bool{}, popped: map[string]string{}, delivered: map[string]string{}}
}

func pause(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// writes sends kudos at a node again and again until they are taken, and returns how
// long that took.
func (o *ordeal) writes(node int, limit time.Duration) time.Duration {
	o.Helper()
	client := &http.Client{Timeout: limit}
	for began := time.Now(); ; {
		if o.transfers(client, node) {
			return time.Since(began)
		}
		if time.Since(began) > limit {
			o.Fatalf("node %d takes nothing for %v", node, limit)
		}
		pause(o.Context(), 10*time.Millisecond)
	}
}

// transfers sends one kudos, and reports whether it was taken.
func (o *ordeal) transfers(client *http.Client, node int) bool {
	body := fmt.Sprintf(`{"username":%q,"amount":1}`, o.payee)
	return o.party[0].post(client, o.nodes[node].URL+"/api/v2/kudos/transfer", body, new(any))
}

// holds ends the load and proves that all that was acknowledged is there, once, and
// that the ledger is sound.
func (o *ordeal) holds() {
	o.Helper()
	o.stop()
	for _, n := range o.nodes {
		o.acked.verify(o.T, n)
	}
	for _, n := range o.nodes {
		n.Stop(o.T)
	}
	o.acked.audit(o.T, o.nodes[0].Data, o.db)

	o.Logf("%d requests accepted, %d jobs taken, %d delivered",
		len(o.acked.accepted), len(o.acked.popped), len(o.acked.delivered))
	if len(o.acked.delivered) == 0 {
		o.Error("nothing was delivered: the test tested nothing")
	}
}

// TestFrozenNodeBlocksNobody: whichever of two nodes is frozen, in the middle of
// whatever it does, the other goes on within 15 seconds.
func TestFrozenNodeBlocksNobody(t *testing.T) {
	besideOthers(t)
	db := program.Postgres(t)
	node := program.Setup{DB: db, Env: sharedSecrets}
	o := newOrdeal(t, db, node, node)

	var worst time.Duration
	for range faultRounds() {
		for frozen := range o.nodes {
			pause(t.Context(), underLoad)
			o.nodes[frozen].Freeze()
			for range 20 { // one of them meets the rows that the frozen node has
				worst = max(worst, o.writes(1-frozen, 2*blockedAtMost))
			}
			o.nodes[frozen].Thaw()
			back := o.writes(frozen, 4*blockedAtMost)
			t.Logf("node %d frozen: the other waited for %v at most; back after %v", frozen, worst, back)
		}
	}
	if worst > blockedAtMost {
		t.Errorf("a write waited for %v", worst)
	}
	t.Logf("the longest wait of a write beside a frozen node: %v", worst)
	o.holds()
}

// TestDatabaseComesBack: the way to the database is cut or clogged, the database is
// stopped or killed; afterwards all that was acknowledged is there, and writes come
// through at once.
func TestDatabaseComesBack(t *testing.T) {
	besideOthers(t)
	cluster := program.NewCluster(t)
	way := program.NewProxy(t, cluster.Addr)
	db := cluster.URL("horde")
	o := newOrdeal(t, db, program.Setup{DB: cluster.URL("horde", way.Addr)})

	const away = 2 * time.Second
	for _, fault := range []struct {
		name        string
		begin, over func()
	}{
		{"cut", way.Cut, way.Heal},
		{"clogged", way.Hang, way.Heal},
		{"stopped", func() { cluster.Stop(t) }, func() { cluster.Start(t) }},
		{"killed", func() { cluster.Kill(t) }, func() { cluster.Start(t) }},
	} {
		for range faultRounds() {
			pause(t.Context(), underLoad)
			fault.begin()
			pause(t.Context(), away)
			fault.over()
			took := o.writes(0, time.Minute)
			t.Logf("%s: the first write after %v", fault.name, took)
			if took > backWithin && os.Getenv("HORDE_FAULTS") != "" {
				t.Errorf("%s: the first write took %v", fault.name, took)
			}
		}
	}
	o.holds()
}

// TestFailover: of a primary and its synchronous standby the primary is killed under
// load and the standby promoted; nodes follow, and nothing acknowledged is lost.
func TestFailover(t *testing.T) {
	besideOthers(t)
	primary := program.NewCluster(t)
	standby := primary.NewStandby(t)
	node := program.Setup{DB: primary.URL("horde", primary.Addr, standby.Addr), Env: sharedSecrets}
	o := newOrdeal(t, standby.URL("horde"), node, node)

	pause(t.Context(), 3*underLoad)
	primary.Kill(t)
	standby.Promote(t)
	for n := range o.nodes {
		t.Logf("node %d: the first write %v after the promotion", n, o.writes(n, time.Minute))
	}
	pause(t.Context(), underLoad)
	o.holds()
}

// TestDiskFullAndFreed: while the disk is full nothing is acknowledged that is not
// kept; once there is room the server goes on by itself.
func TestDiskFullAndFreed(t *testing.T) {
	besideOthers(t)
	disk := t.TempDir()
	if err := syscall.Mount("tmpfs", disk, "tmpfs", 0, "size=256m"); err != nil {
		t.Skipf("needs a small file system of its own, which only root may mount: %v", err)
	}
	t.Cleanup(func() { _ = syscall.Unmount(disk, syscall.MNT_DETACH) })
	// The usual reserve of free space is more than all of this disk.
	o := newOrdeal(t, "", program.Setup{Data: filepath.Join(disk, "data"), Env: []string{"HORDE_MIN_FREE_DISK=1048576"}})

	for range faultRounds() {
		pause(t.Context(), underLoad)
		ballast := filepath.Join(disk, "ballast")
		fill(t, ballast)
		client := &http.Client{Timeout: 10 * time.Second}
		within(t, time.Minute, "a write is refused", func() bool { return !o.transfers(client, 0) })
		if status, _ := call(t, http.MethodGet, o.nodes[0].URL+"/api/v2/status/heartbeat", "", ""); status != http.StatusOK {
			t.Errorf("heartbeat: %d while the disk is full", status)
		}
		within(t, 30*time.Second, "/readyz says that the disk is full", func() bool {
			status, _ := call(t, http.MethodGet, o.nodes[0].URL+"/readyz", "", "")
			return status != http.StatusOK
		})

		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		t.Logf("the first write %v after there was room", o.writes(0, time.Minute))
		o.nodes[0].AwaitReady(t)
	}
	o.holds()
}

// fill writes a file until there is no room left.
func fill(t *testing.T, name string) {
	t.Helper()
	f, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, size := range []int{1 << 20, 1 << 12} {
		for err = nil; err == nil; {
			_, err = f.Write(make([]byte, size))
		}
	}
}
