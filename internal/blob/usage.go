package blob

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Quota bounds what a folder holds. A zero field bounds nothing.
type Quota struct {
	Total   int64 // bytes of all objects
	Account int64 // bytes that one account may store within quotaTime
	MinFree int64 // bytes of the disk that stay free
}

const (
	quotaTime  = 2 * time.Hour    // as long as objects are kept
	quotaSlot  = 10 * time.Minute // by which an account's bytes are counted
	freeFresh  = time.Second      // how long a look at the disk counts
	quotaSlots = int64(quotaTime / quotaSlot)
)

// usage counts what is stored and what is on its way. Each node counts for itself: what
// others write into the same folder it learns when it measures, and whose it is when they
// share their counts (ShareUse).
type usage struct {
	quota Quota
	clock func() time.Time
	free  func() (bytes int64, known bool) // of the disk

	mu       sync.Mutex
	total    int64           // guarded by mu; bytes stored; below 0 where a write that is not settled was removed
	pending  int64           // guarded by mu; bytes that writes in progress may take
	accounts byAccount       // guarded by mu; pending bytes too
	others   byAccount       // guarded by mu; what other processes have counted, as they said last
	unshared map[useKey]bool // guarded by mu; counts of accounts that changed since they were shared
	looked   time.Time       // guarded by mu; when left was read
	left     int64           // guarded by mu; bytes that the disk had, -1 where nobody knows
	refused  map[error]int64 // guarded by mu
}

// byAccount are bytes by account and slot.
type byAccount map[int64]map[int64]int64

func (b byAccount) add(account, slot, bytes int64) {
	if b[account] == nil {
		b[account] = map[int64]int64{}
	}
	b[account][slot] += bytes
}

// useKey says of whom and of when a count is.
type useKey struct{ account, slot int64 }

func newUsage(dir string, q Quota, clock func() time.Time) *usage {
	return &usage{
		quota:    q,
		clock:    clock,
		free:     func() (int64, bool) { return freeBytes(dir) },
		accounts: byAccount{},
		others:   byAccount{},
		unshared: map[useKey]bool{},
		refused:  map[error]int64{},
	}
}

// reservation is room for a write.
type reservation struct {
	u       *usage
	account int64
	slot    int64
	bytes   int64
}

// reserve takes room for a write of so many bytes for an account, 0 for strangers. The
// reservation has to be settled.
func (u *usage) reserve(account, bytes int64) (*reservation, error) {
	now := u.clock()
	u.mu.Lock()
	defer u.mu.Unlock()

	r := &reservation{u: u, account: account, slot: slotOf(now), bytes: bytes}
	if err := u.refuseLocked(r, now); err != nil {
		u.refused[err]++
		return nil, err
	}

	u.pending += bytes
	u.accounts.add(account, r.slot, bytes)
	return r, nil
}

func slotOf(t time.Time) int64 { return t.UnixNano() / int64(quotaSlot) }

// refuseLocked says why there is no room.
func (u *usage) refuseLocked(r *reservation, now time.Time) error {
	if u.quota.Account > 0 && r.account != 0 && u.ofAccountLocked(r.account, r.slot)+r.bytes > u.quota.Account {
		return ErrQuota
	}
	if u.quota.Total > 0 && u.total+u.pending+r.bytes > u.quota.Total {
		return ErrFull
	}
	if left := u.leftLocked(now); left >= 0 && left-u.pending-r.bytes < u.quota.MinFree {
		return ErrFull
	}
	return nil
}

// ofAccountLocked is what an account has stored lately, by all processes. What is older is
// forgotten.
func (u *usage) ofAccountLocked(account, slot int64) int64 {
	return u.accounts.sum(account, slot) + u.others.sum(account, slot)
}

// sum is what an account has within quotaTime. What is older is forgotten.
func (b byAccount) sum(account, slot int64) (sum int64) {
	slots := b[account]
	for at, bytes := range slots {
		if at <= slot-quotaSlots {
			delete(slots, at)
			continue
		}
		sum += bytes
	}
	return sum
}

// StoredByAccount yields how many bytes accounts have stored lately, as their quotas count.
func (f *Folder) StoredByAccount(yield func(account, bytes int64)) {
	u := f.usage
	u.mu.Lock()
	defer u.mu.Unlock()
	slot := slotOf(u.clock())
	for account := range u.accounts {
		yield(account, u.ofAccountLocked(account, slot))
	}
	for account := range u.others {
		if u.accounts[account] == nil {
			yield(account, u.ofAccountLocked(account, slot))
		}
	}
}

// Use is how many bytes an account has stored in a span of ten minutes.
type Use struct {
	Account int64
	Slot    int64 // spans since 1970
	Bytes   int64
}

// FirstSlot is the oldest span that quotas count at a time.
func FirstSlot(now time.Time) int64 { return slotOf(now) - quotaSlots + 1 }

// ShareUse tells exchange what accounts have stored by this process and was not told yet,
// in all of each span, and takes what others have from it. Quotas count both, so that they
// hold over all nodes and outlast a process. Where exchange fails the same is told again.
func (f *Folder) ShareUse(exchange func(own []Use) (others []Use, err error)) error {
	u := f.usage
	own := u.takeUnshared()
	others, err := exchange(own)

	u.mu.Lock()
	defer u.mu.Unlock()
	if err != nil {
		for _, use := range own {
			u.unshared[useKey{use.Account, use.Slot}] = true
		}
		return err
	}
	u.others = byAccount{}
	for _, use := range others {
		u.others.add(use.Account, use.Slot, use.Bytes)
	}
	return nil
}

// takeUnshared are the counts that changed since they were shared.
func (u *usage) takeUnshared() (own []Use) {
	u.mu.Lock()
	defer u.mu.Unlock()
	for key := range u.unshared {
		own = append(own, Use{Account: key.account, Slot: key.slot, Bytes: u.accounts[key.account][key.slot]})
	}
	clear(u.unshared)
	slices.SortFunc(own, func(a, b Use) int {
		return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.Slot, b.Slot))
	})
	return own
}

// leftLocked is what the disk has left, -1 where nobody knows or asks.
func (u *usage) leftLocked(now time.Time) int64 {
	if u.quota.MinFree <= 0 {
		return -1
	}
	if since := now.Sub(u.looked); since < 0 || since >= freeFresh {
		u.left, u.looked = -1, now
		if left, known := u.free(); known {
			u.left = left
		}
	}
	return u.left
}

// settle ends a reservation: so many bytes were written, in place of so many.
func (r *reservation) settle(written, replaced int64) {
	u := r.u
	u.mu.Lock()
	defer u.mu.Unlock()
	u.pending -= r.bytes
	u.total += written - replaced
	u.accounts.add(r.account, r.slot, written-r.bytes)
	u.unshared[useKey{r.account, r.slot}] = true
	if u.left >= 0 {
		u.left -= written
	}
}

// removed notes that so many bytes are gone. They may be those of a write that is not
// settled yet, or of another node, which are not counted here.
func (u *usage) removed(bytes int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.total = max(-u.pending, u.total-bytes)
}

// measured sets what was found in the folder, and forgets accounts that have uploaded
// nothing lately.
func (u *usage) measured(total int64) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.total = total

	slot := slotOf(u.clock())
	for account := range u.accounts {
		if u.accounts.sum(account, slot); len(u.accounts[account]) == 0 {
			delete(u.accounts, account)
		}
	}
}

// enough reports, as an error, that the disk has less left than is to stay free.
func (u *usage) enough() error {
	u.mu.Lock()
	defer u.mu.Unlock()
	if left := u.leftLocked(u.clock()); left >= 0 && left < u.quota.MinFree {
		return fmt.Errorf("%w: %d bytes are free, %d are to stay so", ErrFull, left, u.quota.MinFree)
	}
	return nil
}

// Metrics are the figures of the folder.
func (f *Folder) Metrics() []prometheus.Collector {
	u := f.usage
	refused := func(reason string, why error) prometheus.Collector {
		return prometheus.NewCounterFunc(prometheus.CounterOpts{
			Name:        "horde_blob_refused_total",
			Help:        "Writes of images that were refused for want of room, by reason.",
			ConstLabels: prometheus.Labels{"reason": reason},
		}, func() float64 {
			u.mu.Lock()
			defer u.mu.Unlock()
			return float64(u.refused[why])
		})
	}

	return []prometheus.Collector{
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "horde_blob_bytes",
			Help: "Bytes of images in the folder, measured every ten minutes and counted since.",
		}, func() float64 {
			u.mu.Lock()
			defer u.mu.Unlock()
			return float64(max(0, u.total))
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "horde_blob_free_bytes",
			Help: "Bytes that the disk of the image folder has left; NaN where nobody knows.",
		}, func() float64 {
			left, known := u.free()
			if !known {
				return math.NaN()
			}
			return float64(left)
		}),
		prometheus.NewGaugeFunc(prometheus.GaugeOpts{
			Name: "horde_blob_reserve_bytes",
			Help: "Bytes of that disk that are to stay free: with less the node takes no images and is not ready.",
		}, func() float64 { return float64(u.quota.MinFree) }),
		refused("full", ErrFull),
		refused("quota", ErrQuota),
	}
}
