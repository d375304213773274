package blob

import (
	"bytes"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// house is a folder behind a server, whose clock, gate and disk the test moves.
type house struct {
	*Folder
	ahead  atomic.Int64 // nanoseconds
	access atomic.Int64 // what the gate answers
	asked  atomic.Int64 // how often
	free   atomic.Int64 // bytes of the disk
}

func openHouse(t *testing.T, q Quota) *house {
	t.Helper()
	h := &house{}
	h.access.Store(int64(Open))
	h.free.Store(1 << 40)

	f, err := OpenFolder(t.TempDir(), FolderOptions{
		Secret:   secret,
		MaxBytes: 1 << 20,
		Quota:    q,
		Clock:    func() time.Time { return time.Now().Add(time.Duration(h.ahead.Load())) },
	})
	if err != nil {
		t.Fatal(err)
	}
	f.usage.free = func() (int64, bool) { return h.free.Load(), true }
	h.Folder = f

	mux := http.NewServeMux()
	mux.Handle(Path, f.Handler(func(context.Context, string) (Access, error) {
		h.asked.Add(1)
		return Access(h.access.Load()), nil
	}))
	srv := httptest.NewServer(mux)
	t.Cleanup(func() { srv.Close(); f.Close() })
	f.opt.LocalURL = srv.URL
	return h
}

// upload puts so many bytes, and returns the status and the header Retry-After.
func (h *house) upload(t *testing.T, link string, bytes int) (status int, retry string) {
	t.Helper()
	resp, _ := call(t, "PUT", link, make([]byte, bytes))
	return resp.StatusCode, resp.Header.Get("Retry-After")
}

// wants fails unless an upload is answered so.
func (h *house) wants(t *testing.T, status int, link string, bytes int) {
	t.Helper()
	if got, _ := h.upload(t, link, bytes); got != status {
		t.Errorf("%d bytes: %d, want %d", bytes, got, status)
	}
}

// A link takes as many bytes as it was signed for, whatever its holder makes of it.
func TestLinksTakeWhatTheirImageNeeds(t *testing.T) {
	t.Parallel()
	h := openHouse(t, Quota{})
	link := h.SignPut(t.Context(), "x.webp", Upload{TTL: time.Minute, MaxBytes: 1000, Account: 7})
	wider := strings.Replace(link, "n=1000", "n=1000000", 1)
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Del("n")
	u.RawQuery = q.Encode()

	for _, tt := range []struct {
		name   string
		link   string
		bytes  int
		status int
	}{
		{name: "all of it", link: link, bytes: 1000, status: 200},
		{name: "a byte more", link: link, bytes: 1001, status: 413},
		{name: "a limit of its own", link: wider, bytes: 1001, status: 403},
		{name: "no limit", link: u.String(), bytes: 1, status: 403},
		{name: "another's quota", link: strings.Replace(link, "a=7", "a=8", 1), bytes: 1, status: 403},
	} {
		t.Run(tt.name, func(t *testing.T) { h.wants(t, tt.status, tt.link, tt.bytes) })
	}

	t.Run("in pieces", func(t *testing.T) {
		body := io.MultiReader(bytes.NewReader(make([]byte, 1001))) // of a length that nobody knows
		req, err := http.NewRequestWithContext(t.Context(), "PUT", link, body)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != 413 {
			t.Error(resp.Status)
		}
	})
}

// A link that was signed before links had limits is good until it expires.
func TestLinksOfOlderNodesStayGood(t *testing.T) {
	t.Parallel()
	h := openHouse(t, Quota{})
	old := h.signer.link(h.opt.LocalURL, ticket{method: "PUT", name: "x.webp", expires: time.Now().Unix() + 60})
	h.wants(t, 200, old, 1<<20)
	h.wants(t, 413, old, 1<<20+1)
}

// A link ends with its work, and what was delivered is never replaced: only what is
// missing may come late.
func TestLinksEndWithTheirWork(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name        string
		access      Access
		there       bool
		status      int
		bytesBehind int64
	}{
		{name: "in hand, nothing there", access: Open, status: 200, bytesBehind: 20},
		{name: "in hand, sent before", access: Open, there: true, status: 200, bytesBehind: 20},
		{name: "delivered, nothing there", access: CreateOnly, status: 200, bytesBehind: 20},
		{name: "delivered, sent before", access: CreateOnly, there: true, status: 403, bytesBehind: 10},
		{name: "given up, nothing there", access: Closed, status: 403},
		{name: "given up, sent before", access: Closed, there: true, status: 403, bytesBehind: 10},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			h := openHouse(t, Quota{})
			link := h.SignPut(t.Context(), "x.webp", Upload{TTL: time.Minute})
			if tt.there {
				h.wants(t, 200, link, 10)
			}

			h.access.Store(int64(tt.access))
			h.wants(t, tt.status, link, 20)
			if size, err := h.sizeOf("x.webp"); err != nil || size != tt.bytesBehind {
				t.Errorf("%d bytes are there, %v", size, err)
			}
		})
	}
}

// What comes in while its work ends changes nothing any more.
func TestUploadThatOverlapsTheEnd(t *testing.T) {
	t.Parallel()
	h := openHouse(t, Quota{})
	link := h.SignPut(t.Context(), "x.webp", Upload{TTL: time.Minute})
	h.wants(t, 200, link, 10)

	// The upload is admitted, and comes up against the seal of the delivery.
	release := h.Seal(t.Context(), "x.webp", 0)
	before := h.asked.Load()
	ended := make(chan int)
	go func() {
		status, _ := h.upload(t, link, 20)
		ended <- status
	}()
	for h.asked.Load() == before {
		time.Sleep(time.Millisecond)
	}
	h.access.Store(int64(CreateOnly))
	release()

	if status := <-ended; status != 403 {
		t.Errorf("answered %d", status)
	}
	if size, err := h.sizeOf("x.webp"); err != nil || size != 10 {
		t.Errorf("%d bytes are there, %v", size, err)
	}
}

// An object that is larger than its image can be counts as missing.
func TestSealRemovesWhatIsTooLarge(t *testing.T) {
	t.Parallel()
	h := openHouse(t, Quota{})
	for name, there := range map[string]bool{"small.webp": true, "large.webp": false} {
		size := 100
		if !there {
			size = 101
		}
		if err := h.Put(t.Context(), Object{Name: name, Size: -1}, bytes.NewReader(make([]byte, size))); err != nil {
			t.Fatal(err)
		}
		h.Seal(t.Context(), name, 100)()
		if got, err := h.Exists(t.Context(), name); err != nil || got != there {
			t.Errorf("%s is there: %v, %v", name, got, err)
		}
	}
}

// An account uploads no more than its quota in two hours; what was not taken does not
// count, and others are not concerned.
func TestQuotaOfAnAccount(t *testing.T) {
	t.Parallel()
	h := openHouse(t, Quota{Account: 1000})
	sign := func(name string, account int64) string {
		return h.SignPut(t.Context(), name, Upload{TTL: 6 * time.Hour, MaxBytes: 900, Account: account})
	}
	h.wants(t, 200, sign("a.webp", 1), 600)
	h.access.Store(int64(Closed))
	h.wants(t, 403, sign("b.webp", 1), 400)
	h.access.Store(int64(Open))
	if status, retry := h.upload(t, sign("c.webp", 1), 401); status != 429 || retry != "600" {
		t.Errorf("beyond its quota: %d, Retry-After %q", status, retry)
	}
	h.wants(t, 200, sign("d.webp", 1), 400)
	h.wants(t, 200, sign("e.webp", 2), 900)

	// What was uploaded counts though it is deleted, until two hours are over.
	if err := h.Delete(t.Context(), "a.webp"); err != nil {
		t.Fatal(err)
	}
	h.ahead.Store(int64(quotaTime - 2*quotaSlot))
	h.wants(t, 429, sign("f.webp", 1), 1)
	h.ahead.Store(int64(quotaTime + quotaSlot))
	h.wants(t, 200, sign("f.webp", 1), 900)

	if err := h.Measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(h.usage.accounts); n != 1 {
		t.Errorf("%d accounts are remembered", n)
	}
}

// What counts against an account is what its workers upload and what it has stored itself,
// by all processes: of other nodes, and of this one before a restart.
func TestQuotaOfAnAccountOutlastsAProcess(t *testing.T) {
	t.Parallel()
	before, after := openHouse(t, Quota{Account: 1000}), openHouse(t, Quota{Account: 1000})
	put := func(h *house, name string, account int64, size int) error {
		o := Object{Name: name, Size: int64(size), Account: account}
		return h.Put(t.Context(), o, bytes.NewReader(make([]byte, size)))
	}
	before.wants(t, 200, before.SignPut(t.Context(), "a.webp", Upload{TTL: time.Minute, Account: 1}), 300)
	err := errors.Join(
		put(before, "b_src.webp", 1, 300),
		put(before, "c.webp", 2, 100),
		put(before, "d.webp", 0, 5000),
	)
	if err != nil {
		t.Fatal(err)
	}

	// A count is told until it has been heard, and then no more.
	var shared []Use
	failure := errors.New("no database")
	for _, answer := range []error{failure, nil} {
		err = before.ShareUse(func(own []Use) ([]Use, error) {
			shared = own
			return nil, answer
		})
		if !errors.Is(err, answer) {
			t.Fatal(err)
		}
	}
	slot := slotOf(time.Now())
	if want := []Use{{0, slot, 5000}, {1, slot, 600}, {2, slot, 100}}; !slices.Equal(shared, want) {
		t.Errorf("shared %v, want %v", shared, want)
	}
	err = before.ShareUse(func(own []Use) ([]Use, error) {
		if len(own) > 0 {
			t.Errorf("shared again: %v", own)
		}
		return nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}

	if err := after.ShareUse(func([]Use) ([]Use, error) { return shared, nil }); err != nil {
		t.Fatal(err)
	}
	if err := put(after, "e_src.webp", 1, 401); !errors.Is(err, ErrQuota) {
		t.Errorf("beyond the quota: %v", err)
	}
	err = errors.Join(
		put(after, "e_src.webp", 1, 400),
		put(after, "f.webp", 2, 900),
		put(after, "g.webp", 0, 5000),
	)
	if err != nil {
		t.Error(err)
	}
	stored := map[int64]int64{}
	after.StoredByAccount(func(account, bytes int64) { stored[account] += bytes })
	if want := (map[int64]int64{0: 10_000, 1: 1000, 2: 1000}); !maps.Equal(stored, want) {
		t.Errorf("stored %v, want %v", stored, want)
	}

	// It is forgotten when it is two hours old, whoever counted it.
	after.ahead.Store(int64(quotaTime + quotaSlot))
	if err := put(after, "h.webp", 1, 1000); err != nil {
		t.Error(err)
	}
}

// All objects together take no more than the quota; what is deleted or replaced makes
// room again.
func TestQuotaOfAll(t *testing.T) {
	t.Parallel()
	h := openHouse(t, Quota{Total: 1000})
	sign := func(name string) string { return h.SignPut(t.Context(), name, Upload{TTL: time.Minute}) }
	h.wants(t, 200, sign("a.webp"), 600)
	if status, retry := h.upload(t, sign("b.webp"), 401); status != 503 || retry != "60" {
		t.Errorf("beyond the quota: %d, Retry-After %q", status, retry)
	}
	err := h.Put(t.Context(), Object{Name: "source.webp", Size: 401}, bytes.NewReader(make([]byte, 401)))
	if !errors.Is(err, ErrFull) {
		t.Errorf("a source image beyond it: %v", err)
	}

	h.wants(t, 200, sign("b.webp"), 400)
	h.wants(t, 503, sign("c.webp"), 1)
	if err := h.Delete(t.Context(), "a.webp"); err != nil {
		t.Fatal(err)
	}
	h.wants(t, 200, sign("b.webp"), 600) // in place of 400
	h.wants(t, 200, sign("c.webp"), 400)

	if _, err := h.Prune(t.Context(), time.Now().Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	h.wants(t, 200, sign("d.webp"), 1000)
	if err := h.Measure(t.Context()); err != nil {
		t.Fatal(err)
	}
	if h.usage.total != 1000 || h.usage.pending != 0 {
		t.Errorf("%d bytes, %d on their way", h.usage.total, h.usage.pending)
	}
}

// A disk that is nearly full takes nothing, and the store says that it is not ready.
func TestReserveOfTheDisk(t *testing.T) {
	t.Parallel()
	h := openHouse(t, Quota{MinFree: 1000})
	link := h.SignPut(t.Context(), "x.webp", Upload{TTL: time.Minute})
	h.free.Store(1500)
	h.wants(t, 200, link, 500)
	h.wants(t, 503, link, 500)

	h.free.Store(999)
	h.ahead.Store(int64(time.Minute / 2))
	h.wants(t, 503, link, 1)
	if err := h.Ready(t.Context()); !errors.Is(err, ErrFull) {
		t.Errorf("ready: %v", err)
	}

	h.free.Store(1 << 20)
	h.ahead.Store(int64(time.Minute/2 + freeFresh))
	h.wants(t, 200, link, 500)
	if err := h.Ready(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestFreeBytesOfThisDisk(t *testing.T) {
	t.Parallel()
	if free, known := freeBytes(t.TempDir()); known && free <= 0 {
		t.Errorf("%d bytes", free)
	}
	if _, known := freeBytes("/no/such/folder"); known {
		t.Error("a folder that is not there has room")
	}
}
