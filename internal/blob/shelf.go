package blob

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"horde/internal/imaging"
)

// A Shelf keeps small objects where many are written at a time, as a database does.
type Shelf interface {
	// Put writes an object, in place of one of its name. It is durable when Put returns.
	Put(ctx context.Context, name string, data []byte) error
	// Get reads an object, and when it was written; ErrNotFound: there is none.
	Get(ctx context.Context, name string) (data []byte, written time.Time, err error)
	// Remove removes objects; those that are not there are no error.
	Remove(ctx context.Context, names []string) error
	// List yields all objects.
	List(ctx context.Context) ([]Shelved, error)
}

// Shelved describes an object on a Shelf.
type Shelved struct {
	Name    string
	Size    int64 // bytes
	Written time.Time
}

// maxShelved is how large an object on a shelf can be: databases keep such objects with
// less work than file systems.
const maxShelved = 64 << 10 // bytes

// maxShelf is how much a shelf holds: a database gives no room back to the disk, so that
// what lay there once would be missing for good. The rest are files.
const maxShelf = 32 << 20 // bytes

// shelf is a Shelf that nobody else changes, so that what is on it is known without a look.
// What is removed is gone at once for everybody, and from the Shelf with many others.
type shelf struct {
	Shelf

	mu      sync.Mutex
	kept    map[string]Shelved // by name; guarded by mu
	bytes   int64              // of all of them; guarded by mu
	leaving map[string]int64   // bytes of what is removed, but not from the Shelf yet; guarded by mu
	gone    int64              // bytes of all of these; guarded by mu
	writing map[string]bool    // being written, so that prune leaves them; guarded by mu
	tidying sync.Mutex         // held while they are
}

// UseShelf has the folder keep small brief objects on a shelf that nobody else changes. It
// is called before the folder is used.
func (f *Folder) UseShelf(ctx context.Context, s Shelf) error {
	list, err := s.List(ctx)
	if err != nil {
		return fmt.Errorf("read what lies on the shelf: %w", err)
	}
	f.shelf = &shelf{Shelf: s, kept: map[string]Shelved{}, leaving: map[string]int64{}, writing: map[string]bool{}}
	for _, o := range list {
		f.shelf.kept[o.Name] = o
		f.shelf.bytes += o.Size
	}
	return nil
}

// takes reports whether an object goes on the shelf.
func (s *shelf) takes(o object) bool {
	if s == nil || !o.brief || o.size < 0 || o.size > maxShelved {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes+s.gone+o.size <= maxShelf
}

// leaveLocked has an object removed soon.
func (s *shelf) leaveLocked(o Shelved) {
	delete(s.kept, o.Name)
	s.bytes -= o.Size
	s.gone += o.Size - s.leaving[o.Name]
	s.leaving[o.Name] = o.Size
}

// find describes an object on the shelf.
func (s *shelf) find(name string) (o Shelved, known bool) {
	if s == nil {
		return o, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, known = s.kept[name]
	return o, known
}

// put writes an object. Its caller holds the name.
func (s *shelf) put(ctx context.Context, o Shelved, data []byte) error {
	// What is on its way out of the Shelf may not take the new one with it: neither what
	// was dropped before, nor what is pruned meanwhile.
	s.mu.Lock()
	_, leaving := s.leaving[o.Name]
	s.writing[o.Name] = true
	s.mu.Unlock()
	defer s.written(o.Name)

	if leaving {
		if err := s.tidy(ctx); err != nil {
			return err
		}
	}

	if err := s.Shelf.Put(ctx, o.Name, data); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes += o.Size - s.kept[o.Name].Size
	s.kept[o.Name] = o
	return nil
}

// written says that nobody writes an object any more.
func (s *shelf) written(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writing, name)
}

// drop has an object removed soon, and reports whether it was on the shelf.
func (s *shelf) drop(name string) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, known := s.kept[name]
	if known {
		s.leaveLocked(o)
	}
	return known
}

// tidy removes from the Shelf what was dropped.
func (s *shelf) tidy(ctx context.Context) error {
	s.tidying.Lock()
	defer s.tidying.Unlock()

	s.mu.Lock()
	names := make([]string, 0, len(s.leaving))
	for name := range s.leaving {
		names = append(names, name)
	}
	s.mu.Unlock()
	if len(names) == 0 {
		return nil
	}
	if err := s.Remove(ctx, names); err != nil {
		return fmt.Errorf("tidy the shelf: %w", err)
	}

	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range names {
		s.gone -= s.leaving[name]
		delete(s.leaving, name)
	}
	return nil
}

// prune drops what was written before a time, and returns how much that was.
func (s *shelf) prune(olderThan time.Time) (n int, bytes int64) {
	if s == nil {
		return 0, 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for name, o := range s.kept {
		if o.Written.Before(olderThan) && !s.writing[name] {
			s.leaveLocked(o)
			n, bytes = n+1, bytes+o.Size
		}
	}
	return n, bytes
}

// total is how many bytes lie on the shelf.
func (s *shelf) total() int64 {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// Tidy removes for good what was deleted from the shelf since it was called last. Whoever
// has the folder use one calls it now and then.
func (f *Folder) Tidy(ctx context.Context) error {
	if f.shelf == nil {
		return nil
	}
	return f.shelf.tidy(ctx)
}

// putOnShelf writes an object that the shelf takes. It returns how many bytes lay there
// before.
func (f *Folder) putOnShelf(ctx context.Context, o object, r io.Reader) (replaced int64, err error) {
	data := make([]byte, o.size+1)
	n, err := io.ReadFull(&contextReader{ctx, r}, data)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if int64(n) != o.size {
		return 0, fmt.Errorf("%d bytes arrived in place of %d: %w", n, o.size, io.ErrUnexpectedEOF)
	}

	defer f.names.lock(o.name)()
	if replaced, err = f.sizeOf(o.name); err != nil {
		return 0, err
	}
	_, shelved := f.shelf.find(o.name)
	if err := f.shelf.put(ctx, Shelved{Name: o.name, Size: o.size, Written: f.opt.Clock()}, data[:n]); err != nil {
		return 0, err
	}

	if !shelved && replaced > 0 { // a file has the name
		return replaced, f.root.Remove(f.path(o.name))
	}
	return replaced, nil
}

// shelvedContent is an object that was read from the shelf.
type shelvedContent struct{ *bytes.Reader }

func (shelvedContent) Close() error { return nil }

// openShelved opens an object on the shelf and describes it.
func (f *Folder) openShelved(ctx context.Context, name string) (io.ReadSeekCloser, Info, error) {
	data, written, err := f.shelf.Get(ctx, name)
	if err != nil {
		return nil, Info{}, fmt.Errorf("get %s: %w", name, err)
	}
	return shelvedContent{bytes.NewReader(data)}, Info{
		Size:        int64(len(data)),
		Modified:    written,
		ContentType: contentType(data),
	}, nil
}

// contentType is what the first bytes of an object say that it is.
func contentType(head []byte) string {
	if imaging.IsWebP(head) {
		return "image/webp"
	}
	return "application/octet-stream"
}
