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

// A SmallObjectStore keeps small objects where many are written at a time, as a database
// does.
type SmallObjectStore interface {
	// Put writes an object, in place of one of its name. It is durable when Put returns.
	Put(ctx context.Context, name string, data []byte) error
	// Get reads an object, and when it was written; ErrNotFound: there is none.
	Get(ctx context.Context, name string) (data []byte, written time.Time, err error)
	// Remove removes objects; those that are not there are no error.
	Remove(ctx context.Context, names []string) error
	// List yields all objects.
	List(ctx context.Context) ([]SmallObject, error)
}

// SmallObject describes an object in a SmallObjectStore.
type SmallObject struct {
	Name    string
	Size    int64 // bytes
	Written time.Time
}

// maxSmallObject is the size of the largest object that is kept there: databases keep
// those with less work than file systems.
const maxSmallObject = 64 << 10 // bytes

// maxSmallObjects is how much is kept there in all: a database gives no room back to the
// disk, so that what was there once would be missing for good. The rest are files.
const maxSmallObjects = 32 << 20 // bytes

// smallObjects is a SmallObjectStore that nobody else changes, so that what is in it is known
// without reading it. What is removed is gone at once for everybody, and from the store
// together with many others.
type smallObjects struct {
	SmallObjectStore

	mu       sync.Mutex
	kept     map[string]SmallObject // by name; guarded by mu
	bytes    int64                  // of all of them; guarded by mu
	leaving  map[string]int64       // bytes of what is removed, but not from the store yet; guarded by mu
	gone     int64                  // bytes of all of these; guarded by mu
	writing  map[string]bool        // being written, so that prune leaves them; guarded by mu
	flushing sync.Mutex             // held while they are
}

// UseSmallObjects has the folder keep small short-lived objects in a store that nobody else
// changes. It is called before the folder is used.
func (f *Folder) UseSmallObjects(ctx context.Context, s SmallObjectStore) error {
	list, err := s.List(ctx)
	if err != nil {
		return fmt.Errorf("list the small objects: %w", err)
	}
	f.small = &smallObjects{
		SmallObjectStore: s,
		kept:             map[string]SmallObject{},
		leaving:          map[string]int64{},
		writing:          map[string]bool{},
	}
	for _, o := range list {
		f.small.kept[o.Name] = o
		f.small.bytes += o.Size
	}
	return nil
}

// takes reports whether an object goes into the store of small objects.
func (s *smallObjects) takes(o object) bool {
	if s == nil || !o.shortLived || o.size < 0 || o.size > maxSmallObject {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes+s.gone+o.size <= maxSmallObjects
}

// leaveLocked has an object removed soon. The caller holds mu.
func (s *smallObjects) leaveLocked(o SmallObject) {
	delete(s.kept, o.Name)
	s.bytes -= o.Size
	s.gone += o.Size - s.leaving[o.Name]
	s.leaving[o.Name] = o.Size
}

// find describes an object in the store of small objects.
func (s *smallObjects) find(name string) (o SmallObject, known bool) {
	if s == nil {
		return o, false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	o, known = s.kept[name]
	return o, known
}

// put writes an object. Its caller holds the name.
func (s *smallObjects) put(ctx context.Context, o SmallObject, data []byte) error {
	// What is on its way out of the store may not take the new one with it: neither what was
	// dropped before, nor what is pruned meanwhile.
	s.mu.Lock()
	_, leaving := s.leaving[o.Name]
	s.writing[o.Name] = true
	s.mu.Unlock()
	defer s.written(o.Name)

	if leaving {
		if err := s.flush(ctx); err != nil {
			return err
		}
	}

	if err := s.SmallObjectStore.Put(ctx, o.Name, data); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.bytes += o.Size - s.kept[o.Name].Size
	s.kept[o.Name] = o
	return nil
}

// written says that nobody writes an object any more.
func (s *smallObjects) written(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.writing, name)
}

// drop has an object removed soon, and reports whether it was in the store of small objects.
func (s *smallObjects) drop(name string) bool {
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

// flush removes from the store what was dropped.
func (s *smallObjects) flush(ctx context.Context) error {
	s.flushing.Lock()
	defer s.flushing.Unlock()

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
		return fmt.Errorf("remove small objects: %w", err)
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
func (s *smallObjects) prune(olderThan time.Time) (n int, bytes int64) {
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

// total is how many bytes lie in the store of small objects.
func (s *smallObjects) total() int64 {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.bytes
}

// Flush removes for good what was deleted from the store of small objects since it was
// called last. Whoever has the folder use one calls it periodically.
func (f *Folder) Flush(ctx context.Context) error {
	if f.small == nil {
		return nil
	}
	return f.small.flush(ctx)
}

// putSmall writes an object that the store of small objects takes. It returns how many
// bytes it replaced.
func (f *Folder) putSmall(ctx context.Context, o object, r io.Reader) (replaced int64, err error) {
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
	_, small := f.small.find(o.name)
	if err := f.small.put(ctx, SmallObject{Name: o.name, Size: o.size, Written: f.opt.Clock()}, data[:n]); err != nil {
		return 0, err
	}

	if !small && replaced > 0 { // a file has the name
		return replaced, f.root.Remove(f.path(o.name))
	}
	return replaced, nil
}

// smallContent is an object that was read from the store of small objects.
type smallContent struct{ *bytes.Reader }

func (smallContent) Close() error { return nil }

// openSmall opens an object in the store of small objects and describes it.
func (f *Folder) openSmall(ctx context.Context, name string) (io.ReadSeekCloser, Info, error) {
	data, written, err := f.small.Get(ctx, name)
	if err != nil {
		return nil, Info{}, fmt.Errorf("get %s: %w", name, err)
	}
	return smallContent{bytes.NewReader(data)}, Info{
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
