package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"
	"sync"
	"testing"
	"time"
)

// smallStore is a SmallObjectStore in memory, which can fail. The one in a database is tested where it is
// made.
type smallStore struct {
	mu     sync.Mutex
	data   map[string][]byte
	broken bool
	onPut  func() // called when an object was written; nil: nothing
}

var errBroken = errors.New("the store of small objects is broken")

func (b *smallStore) Put(_ context.Context, name string, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return errBroken
	}
	b.data[name] = bytes.Clone(data)
	if b.onPut != nil {
		b.onPut()
	}
	return nil
}

func (b *smallStore) Get(_ context.Context, name string) ([]byte, time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, known := b.data[name]
	if !known {
		return nil, time.Time{}, ErrNotFound
	}
	return data, time.Now(), nil
}

func (b *smallStore) Remove(_ context.Context, names []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return errBroken
	}
	for _, name := range names {
		delete(b.data, name)
	}
	return nil
}

func (b *smallStore) List(context.Context) (list []SmallObject, err error) {
	for name, data := range b.data {
		list = append(list, SmallObject{Name: name, Size: int64(len(data)), Written: time.Now()})
	}
	return list, nil
}

// shortLived is a folder all of whose objects are short-lived.
type shortLived struct{ *Folder }

func (s shortLived) Put(ctx context.Context, o Object, r io.Reader) error {
	o.ShortLived = true
	return s.Folder.Put(ctx, o, r)
}

// withSmallObjects has a folder use a store of small objects.
func withSmallObjects(t *testing.T, f *Folder) *smallStore {
	t.Helper()
	b := &smallStore{data: map[string][]byte{}}
	if err := f.UseSmallObjects(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAFolderWithSmallObjectsIsAStore(t *testing.T) {
	conforms(t, func(t *testing.T) Store {
		f, _, _ := serve(t)
		withSmallObjects(t, f)
		return shortLived{f}
	})
}

// TestSmallShortLivedObjectsAreKeptApart: others become files, and what is deleted is gone at
// once, from the store of small objects when it is flushed.
func TestSmallShortLivedObjectsAreKeptApart(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name       string
		size       int
		shortLived bool
		small      bool
	}{
		{"small", 1, true, true},
		{"as large as can be", maxSmallObject, true, true},
		{"large", maxSmallObject + 1, true, false},
		{"to stay", 1, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, _, _ := serve(t)
			b := withSmallObjects(t, f)
			o := webpObject("x.webp", c.size)
			o.ShortLived = c.shortLived
			if err := f.Put(t.Context(), o, bytes.NewReader(make([]byte, c.size))); err != nil {
				t.Fatal(err)
			}
			_, err := f.root.Lstat(f.path("x.webp"))
			if _, small := b.data["x.webp"]; small != c.small || errors.Is(err, fs.ErrNotExist) != c.small {
				t.Errorf("in the store of small objects: %v, as a file: %v", small, err)
			}

			if err := f.Measure(t.Context()); err != nil || f.usage.total != int64(c.size) {
				t.Errorf("%d bytes are counted, %v", f.usage.total, err)
			}
			if err := f.Delete(t.Context(), "x.webp"); err != nil {
				t.Fatal(err)
			}
			if there, err := f.Exists(t.Context(), "x.webp"); there || err != nil || f.usage.total != 0 {
				t.Errorf("deleted: there %v, %v, %d bytes", there, err, f.usage.total)
			}
			if err := f.Flush(t.Context()); err != nil || len(b.data) > 0 {
				t.Errorf("flushed: %d objects, %v", len(b.data), err)
			}
		})
	}
}

// TestASmallObjectStoreThatFails: nothing is counted of what it does not take, and what it does not
// remove is removed the next time.
func TestASmallObjectStoreThatFails(t *testing.T) {
	t.Parallel()
	h := openHouse(t, Quota{Total: 10})
	b := withSmallObjects(t, h.Folder)
	put := func(size int) error {
		o := Object{Name: "x.webp", Size: int64(size), Account: 7, ShortLived: true}
		return h.Put(t.Context(), o, bytes.NewReader(make([]byte, size)))
	}

	b.broken = true
	if err := put(8); !errors.Is(err, errBroken) {
		t.Errorf("put: %v", err)
	}
	b.broken = false
	if err := put(10); err != nil {
		t.Errorf("the room of what was not taken: %v", err)
	}
	if err := put(11); !errors.Is(err, ErrFull) {
		t.Errorf("beyond the quota: %v", err)
	}

	if err := h.Delete(t.Context(), "x.webp"); err != nil {
		t.Fatal(err)
	}
	b.broken = true
	if err := h.Flush(t.Context()); !errors.Is(err, errBroken) {
		t.Errorf("flush: %v", err)
	}
	b.broken = false
	if err := h.Flush(t.Context()); err != nil || len(b.data) > 0 {
		t.Errorf("flushed again: %d objects, %v", len(b.data), err)
	}
}

// TestPruningSparesWhatIsWrittenAnew: the old object of a name goes, the new one stays,
// whenever the two meet.
func TestPruningSparesWhatIsWrittenAnew(t *testing.T) {
	t.Parallel()
	f, _, _ := serve(t)
	b := withSmallObjects(t, f)
	put := func(data string) {
		t.Helper()
		o := webpObject("x.webp", len(data))
		o.ShortLived = true
		if err := f.Put(t.Context(), o, strings.NewReader(data)); err != nil {
			t.Fatal(err)
		}
	}

	put("old")
	b.onPut = func() {
		if _, err := f.Prune(t.Context(), time.Now().Add(time.Hour)); err != nil {
			t.Error(err)
		}
	}
	put("newer")
	b.onPut = nil

	if err := f.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := read(t, f, "x.webp"); string(got) != "newer" {
		t.Errorf("%q is left", got)
	}
	if f.usage.total != int64(len("newer")) {
		t.Errorf("%d bytes are counted", f.usage.total)
	}
}

// The store holds so much: the rest are files, until there is room again.
func TestSmallObjectsHaveABoundInAll(t *testing.T) {
	t.Parallel()
	f, _, _ := serve(t)
	b := withSmallObjects(t, f)
	put := func(i int) {
		o := webpObject(fmt.Sprintf("%d.webp", i), maxSmallObject)
		o.ShortLived = true
		if err := f.Put(t.Context(), o, bytes.NewReader(make([]byte, maxSmallObject))); err != nil {
			t.Fatal(err)
		}
	}
	const most = maxSmallObjects / maxSmallObject
	for i := range most + 3 {
		put(i)
	}
	if len(b.data) != most {
		t.Errorf("%d objects are in the store, want %d", len(b.data), most)
	}

	// What is deleted takes room until it is removed.
	if err := f.Delete(t.Context(), "0.webp"); err != nil {
		t.Fatal(err)
	}
	put(most + 3)
	if len(b.data) != most {
		t.Errorf("%d objects are in the store beside one that leaves it", len(b.data))
	}
	if err := f.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(most + 4)
	if _, small := b.data[fmt.Sprintf("%d.webp", most+4)]; !small || len(b.data) != most {
		t.Errorf("%d objects are in the store, the new one among them: %v", len(b.data), small)
	}
}

// TestAnObjectMovesBetweenStoreAndFile: the newest is what is found, also after a start
// anew, and deleting removes both.
func TestAnObjectMovesBetweenStoreAndFile(t *testing.T) {
	t.Parallel()
	f, _, _ := serve(t)
	b := withSmallObjects(t, f)
	for i, size := range []int{10, maxSmallObject + 1, 20, 30, maxSmallObject + 2, 5} {
		data := bytes.Repeat([]byte{byte(i)}, size)
		o := webpObject("x.webp", size)
		o.ShortLived = true
		if err := f.Put(t.Context(), o, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"now", "after a start"} {
			if got, _ := read(t, f, "x.webp"); !bytes.Equal(got, data) {
				t.Errorf("%d bytes %s, want %d", len(got), what, size)
			}
			if err := f.UseSmallObjects(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if f.usage.total != int64(size) {
			t.Errorf("%d bytes are counted, want %d", f.usage.total, size)
		}
		if i == 2 { // deleted and put again before the store of small objects was flushed
			if err := f.Delete(t.Context(), "x.webp"); err != nil {
				t.Fatal(err)
			}
		}
	}

	if err := f.Delete(t.Context(), "x.webp"); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(f.root.Name() + "/" + f.path("x.webp")); !errors.Is(err, fs.ErrNotExist) {
		t.Error("a file is left: ", err)
	}
	if there, err := f.Exists(t.Context(), "x.webp"); there || err != nil {
		t.Error("it is still there: ", err)
	}
}

// TestManyObjectsAtOnceInTheStore: they are written and deleted while it is flushed.
func TestManyObjectsAtOnceInTheStore(t *testing.T) {
	t.Parallel()
	f, _, _ := serve(t)
	b := withSmallObjects(t, f)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := fmt.Sprintf("%d.webp", i%4)
			for range 50 {
				o := webpObject(name, 10)
				o.ShortLived = true
				if err := f.Put(t.Context(), o, bytes.NewReader(make([]byte, 10))); err != nil {
					t.Error(err)
				}
				if err := f.Delete(t.Context(), name); err != nil {
					t.Error(err)
				}
				if err := f.Flush(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := f.Flush(t.Context()); err != nil || len(b.data) > 0 || f.usage.total != 0 || f.small.bytes != 0 {
		t.Errorf("%d objects, %d and %d bytes are left, %v", len(b.data), f.usage.total, f.small.bytes, err)
	}
}
