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

// board is a Shelf in memory, which can fail. The one in a database is tested where it is
// made.
type board struct {
	mu     sync.Mutex
	data   map[string][]byte
	broken bool
	onPut  func() // called when an object was written; nil: nothing
}

var errBoard = errors.New("the board fell down")

func (b *board) Put(_ context.Context, name string, data []byte) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return errBoard
	}
	b.data[name] = bytes.Clone(data)
	if b.onPut != nil {
		b.onPut()
	}
	return nil
}

func (b *board) Get(_ context.Context, name string) ([]byte, time.Time, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	data, known := b.data[name]
	if !known {
		return nil, time.Time{}, ErrNotFound
	}
	return data, time.Now(), nil
}

func (b *board) Remove(_ context.Context, names []string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.broken {
		return errBoard
	}
	for _, name := range names {
		delete(b.data, name)
	}
	return nil
}

func (b *board) List(context.Context) (list []Shelved, err error) {
	for name, data := range b.data {
		list = append(list, Shelved{Name: name, Size: int64(len(data)), Written: time.Now()})
	}
	return list, nil
}

// shelving is a folder all of whose objects are brief.
type shelving struct{ *Folder }

func (s shelving) Put(ctx context.Context, o Object, r io.Reader) error {
	o.Brief = true
	return s.Folder.Put(ctx, o, r)
}

// withBoard has a folder use a board.
func withBoard(t *testing.T, f *Folder) *board {
	t.Helper()
	b := &board{data: map[string][]byte{}}
	if err := f.UseShelf(t.Context(), b); err != nil {
		t.Fatal(err)
	}
	return b
}

func TestAFolderWithAShelfIsAStore(t *testing.T) {
	conforms(t, func(t *testing.T) Store {
		f, _, _ := serve(t)
		withBoard(t, f)
		return shelving{f}
	})
}

// TestSmallBriefObjectsLieOnTheShelf: others become files, and what is deleted is gone at
// once, from the shelf when it is tidied.
func TestSmallBriefObjectsLieOnTheShelf(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		size    int
		brief   bool
		shelved bool
	}{
		{"small", 1, true, true},
		{"as large as can be", maxShelved, true, true},
		{"large", maxShelved + 1, true, false},
		{"to stay", 1, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			f, _, _ := serve(t)
			b := withBoard(t, f)
			o := webpObject("x.webp", c.size)
			o.Brief = c.brief
			if err := f.Put(t.Context(), o, bytes.NewReader(make([]byte, c.size))); err != nil {
				t.Fatal(err)
			}
			_, err := f.root.Lstat(f.path("x.webp"))
			if _, shelved := b.data["x.webp"]; shelved != c.shelved || errors.Is(err, fs.ErrNotExist) != c.shelved {
				t.Errorf("on the shelf: %v, as a file: %v", shelved, err)
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
			if err := f.Tidy(t.Context()); err != nil || len(b.data) > 0 {
				t.Errorf("tidied: %d objects, %v", len(b.data), err)
			}
		})
	}
}

// TestAShelfThatFails: nothing is counted of what it does not take, and what it does not
// remove is removed the next time.
func TestAShelfThatFails(t *testing.T) {
	t.Parallel()
	h := openHouse(t, Quota{Total: 10})
	b := withBoard(t, h.Folder)
	put := func(size int) error {
		o := Object{Name: "x.webp", Size: int64(size), Account: 7, Brief: true}
		return h.Put(t.Context(), o, bytes.NewReader(make([]byte, size)))
	}

	b.broken = true
	if err := put(8); !errors.Is(err, errBoard) {
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
	if err := h.Tidy(t.Context()); !errors.Is(err, errBoard) {
		t.Errorf("tidy: %v", err)
	}
	b.broken = false
	if err := h.Tidy(t.Context()); err != nil || len(b.data) > 0 {
		t.Errorf("tidied again: %d objects, %v", len(b.data), err)
	}
}

// TestPruningSparesWhatIsWrittenAnew: the old object of a name goes, the new one stays,
// whenever the two meet.
func TestPruningSparesWhatIsWrittenAnew(t *testing.T) {
	t.Parallel()
	f, _, _ := serve(t)
	b := withBoard(t, f)
	put := func(data string) {
		t.Helper()
		o := webpObject("x.webp", len(data))
		o.Brief = true
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

	if err := f.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := read(t, f, "x.webp"); string(got) != "newer" {
		t.Errorf("%q is left", got)
	}
	if f.usage.total != int64(len("newer")) {
		t.Errorf("%d bytes are counted", f.usage.total)
	}
}

// A shelf holds so much: the rest are files, until there is room again.
func TestAShelfHasAnEnd(t *testing.T) {
	t.Parallel()
	f, _, _ := serve(t)
	b := withBoard(t, f)
	put := func(i int) {
		o := webpObject(fmt.Sprintf("%d.webp", i), maxShelved)
		o.Brief = true
		if err := f.Put(t.Context(), o, bytes.NewReader(make([]byte, maxShelved))); err != nil {
			t.Fatal(err)
		}
	}
	const most = maxShelf / maxShelved
	for i := range most + 3 {
		put(i)
	}
	if len(b.data) != most {
		t.Errorf("%d objects lie on the shelf, want %d", len(b.data), most)
	}

	// What is deleted takes room until it is removed.
	if err := f.Delete(t.Context(), "0.webp"); err != nil {
		t.Fatal(err)
	}
	put(most + 3)
	if len(b.data) != most {
		t.Errorf("%d objects lie on the shelf beside one that leaves it", len(b.data))
	}
	if err := f.Tidy(t.Context()); err != nil {
		t.Fatal(err)
	}
	put(most + 4)
	if _, shelved := b.data[fmt.Sprintf("%d.webp", most+4)]; !shelved || len(b.data) != most {
		t.Errorf("%d objects lie on the shelf, the new one among them: %v", len(b.data), shelved)
	}
}

// TestAnObjectMovesBetweenShelfAndFile: the newest is what is found, also after a start
// anew, and deleting removes both.
func TestAnObjectMovesBetweenShelfAndFile(t *testing.T) {
	t.Parallel()
	f, _, _ := serve(t)
	b := withBoard(t, f)
	for i, size := range []int{10, maxShelved + 1, 20, 30, maxShelved + 2, 5} {
		data := bytes.Repeat([]byte{byte(i)}, size)
		o := webpObject("x.webp", size)
		o.Brief = true
		if err := f.Put(t.Context(), o, bytes.NewReader(data)); err != nil {
			t.Fatal(err)
		}
		for _, what := range []string{"now", "after a start"} {
			if got, _ := read(t, f, "x.webp"); !bytes.Equal(got, data) {
				t.Errorf("%d bytes %s, want %d", len(got), what, size)
			}
			if err := f.UseShelf(t.Context(), b); err != nil {
				t.Fatal(err)
			}
		}
		if f.usage.total != int64(size) {
			t.Errorf("%d bytes are counted, want %d", f.usage.total, size)
		}
		if i == 2 { // deleted and put again before the shelf was tidied
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

// TestManyObjectsAtOnceOnTheShelf: they are written and deleted while it is tidied.
func TestManyObjectsAtOnceOnTheShelf(t *testing.T) {
	t.Parallel()
	f, _, _ := serve(t)
	b := withBoard(t, f)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			name := fmt.Sprintf("%d.webp", i%4)
			for range 50 {
				o := webpObject(name, 10)
				o.Brief = true
				if err := f.Put(t.Context(), o, bytes.NewReader(make([]byte, 10))); err != nil {
					t.Error(err)
				}
				if err := f.Delete(t.Context(), name); err != nil {
					t.Error(err)
				}
				if err := f.Tidy(t.Context()); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if err := f.Tidy(t.Context()); err != nil || len(b.data) > 0 || f.usage.total != 0 || f.shelf.bytes != 0 {
		t.Errorf("%d objects, %d and %d bytes are left, %v", len(b.data), f.usage.total, f.shelf.bytes, err)
	}
}
