// Package blob keeps images as named objects, in a folder or in S3, and makes
// the expiring links by which clients and workers move them.
//
// A name is one path element ("<job id>.webp", "<request id>_src.webp"). Whoever
// holds a link may do what it is signed for until it expires, and nothing else:
// a link to read does not allow writing. A link to write takes as many bytes as its
// image can need, as long as somebody works on it. A folder's links lead back to the
// server, which mounts Folder.Handler at /blob/; S3's are presigned URLs.
//
//	f, err := blob.OpenFolder("data/blobs", blob.FolderOptions{Secret: secret, LocalURL: "http://127.0.0.1:7001"})
//	mux.Handle("/blob/", f.Handler(queue.Uploading))
//	upload := f.SignPut(ctx, "3f….webp", blob.Upload{TTL: blob.LinkTTL, MaxBytes: 1 << 20}) // for the worker that calls
//	image := f.SignGet(ctx, "3f….webp", blob.LinkTTL)   // for the requester that calls
package blob

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// LinkTTL is how long links are valid (platform §10.2).
const LinkTTL = 1800 * time.Second

// DefaultMaxBytes is the size limit of an object unless configured otherwise.
const DefaultMaxBytes = 32 << 20

// Errors of every Store; they are wrapped with the name.
var (
	// ErrNotFound: there is no such object.
	ErrNotFound = errors.New("no such object")
	// ErrTooLarge: the object is above the size limit.
	ErrTooLarge = errors.New("object too large")
	// ErrFull: the store has no room, for nobody.
	ErrFull = errors.New("no room for more objects")
	// ErrQuota: the account has stored as much as one may.
	ErrQuota = errors.New("the account has stored too much")
	// ErrName: names are 1 to 128 of A–Z a–z 0–9 . _ - and begin with none of the last three.
	ErrName = errors.New("invalid object name")
)

// Info describes an object.
type Info struct {
	Size        int64     // bytes
	ContentType string    // "image/webp" or "application/octet-stream"
	Modified    time.Time // of the last write
}

// Object is what is to be written.
type Object struct {
	Name        string
	ContentType string
	Size        int64 // bytes; -1 when unknown
	Account     int64 // whose quota it counts against; 0: that of strangers, which has no end
	ShortLived  bool  // it is removed again soon, when the work that it is for is over
}

// Upload is what a link to write lets through.
type Upload struct {
	TTL      time.Duration // until the link expires
	MaxBytes int64         // 0, or more than the store takes: as much as that
	Account  int64         // whose quota it counts against; 0: that of strangers, which has no end
}

// Store keeps objects. All methods may be called at once; a write replaces an
// object as a whole, so that readers see the old or the new one, never a part.
type Store interface {
	// Put writes an object. Another length than its Size in the reader is an error and
	// leaves the old object.
	Put(ctx context.Context, o Object, r io.Reader) error
	// Get opens an object; the caller closes it.
	Get(ctx context.Context, name string) (io.ReadCloser, Info, error)
	// Exists reports whether there is such an object.
	Exists(ctx context.Context, name string) (bool, error)
	// Delete removes an object; one that is not there is no error.
	Delete(ctx context.Context, name string) error
	// SignGet makes a link that reads the object until ttl from now, "" for an
	// invalid name. The object need not exist yet. Whoever gets the link must be
	// the caller that ctx belongs to (horde.WithBase).
	SignGet(ctx context.Context, name string, ttl time.Duration) string
	// SignPut makes a link that writes the object, as often as its holder likes while the
	// work that it is of lasts (Gate).
	SignPut(ctx context.Context, name string, u Upload) string
	// Seal keeps an object as it is until release is called, so that what is decided
	// meanwhile, such as that its work has ended, holds for all that is uploaded later.
	// An object that has more bytes than maxBytes (0: any number) is removed.
	Seal(ctx context.Context, name string, maxBytes int64) (release func())
	// Prune deletes objects last written before olderThan and returns their number.
	Prune(ctx context.Context, olderThan time.Time) (n int, err error)
	// Ready reports whether objects can be written, or could be a moment ago; for the
	// readiness check.
	Ready(ctx context.Context) error
	// ReadyNow reports whether objects can be written now, which a store may charge for.
	ReadyNow(ctx context.Context) error
}

// Access is what may be uploaded under a name.
type Access int

// What may be uploaded.
const (
	Closed     Access = iota // nothing: the work has ended, or there is none
	CreateOnly               // what is missing: the result was delivered, and stays as it is
	Open                     // anything: somebody works on it
)

// Gate decides what may be uploaded under a name. It is asked when an upload begins, and
// again before the object changes.
type Gate func(ctx context.Context, name string) (Access, error)

// ValidName reports whether s can name an object.
func ValidName(s string) bool {
	if len(s) == 0 || len(s) > 128 {
		return false
	}
	for i := range len(s) {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
		case i > 0 && (c == '.' || c == '_' || c == '-'):
		default:
			return false
		}
	}
	return true
}

func checkName(name string) error {
	if !ValidName(name) {
		return fmt.Errorf("%w: %.140q", ErrName, name)
	}
	return nil
}
