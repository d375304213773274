package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"io/fs"
	"os"
	"path"
	"strings"
	"time"

	"horde/internal/horde"
)

// Path is where the server mounts Folder.Handler.
const Path = "/blob/"

// tmpDir is the subfolder of unfinished writes.
const tmpDir = "tmp"

// tmpKept is how long after its last byte an unfinished write may be somebody's: of this
// process, or of another node on the same folder. One that is older was left by a process
// that was killed.
const tmpKept = 2 * uploadTime

// FolderOptions configure a Folder.
type FolderOptions struct {
	Secret    []byte      // signs links; at least 16 bytes, the same on every node
	PublicURL string      // what all links begin with, such as "https://horde.example"; empty: what the caller reached (horde.BaseOf)
	LocalURL  string      // what links begin with where neither is known
	MaxBytes  int64       // size limit of an object; 0: DefaultMaxBytes
	Quota     Quota       // bounds what all objects may take
	Clock     horde.Clock // nil: time.Now
}

// Folder is a Store in a folder of the file system. Objects lie in 256
// subfolders; a write goes to a temporary file, is synced and renamed into place. Small
// ones that are removed again soon lie in the store of small objects, where there is one (UseSmallObjects).
type Folder struct {
	root   *os.Root
	signer *signer
	opt    FolderOptions
	usage  *usage
	names  names
	small  *smallObjects // nil: all objects are files
}

var _ Store = (*Folder)(nil)

// OpenFolder opens a folder, and makes it if it is not there.
func OpenFolder(dir string, opt FolderOptions) (*Folder, error) {
	if len(opt.Secret) < 16 {
		return nil, fmt.Errorf("open blob folder: the secret has %d bytes, it needs 16", len(opt.Secret))
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = DefaultMaxBytes
	}
	if opt.Clock == nil {
		opt.Clock = time.Now
	}

	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}

	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open blob folder: %w", err)
	}

	if err := root.MkdirAll(tmpDir, 0o700); err != nil {
		root.Close()
		return nil, fmt.Errorf("open blob folder: %w", err)
	}

	f := &Folder{root: root, signer: newSigner(opt.Secret), opt: opt, usage: newUsage(dir, opt.Quota, opt.Clock)}
	if _, err := f.pruneDir(tmpDir, time.Now().Add(-tmpKept)); err != nil {
		root.Close()
		return nil, fmt.Errorf("open blob folder: %w", err)
	}
	return f, nil
}

// Close ends the use of the folder.
func (f *Folder) Close() error { return f.root.Close() }

// shard spreads names over 256 subfolders. The first characters of an id would
// not do: ids of one day begin alike.
func shard(name string) string {
	h := fnv.New32a()
	io.WriteString(h, name)
	return fmt.Sprintf("%02x", byte(h.Sum32()))
}

func (f *Folder) path(name string) string { return path.Join(shard(name), name) }

// Put implements Store. The content type is not kept: the bytes of an object say
// what it is.
func (f *Folder) Put(ctx context.Context, o Object, r io.Reader) error {
	return f.put(ctx, object{
		name:       o.Name,
		size:       o.Size,
		account:    o.Account,
		shortLived: o.ShortLived,
		limit:      f.opt.MaxBytes,
	}, r)
}

// object is what is to be written, and on which terms.
type object struct {
	name       string
	size       int64 // bytes, -1 when unknown
	limit      int64 // bytes at most
	account    int64 // whose quota it counts against
	shortLived bool  // it is removed again soon
	gate       Gate  // nil: it may be written
}

// put writes an object where there is room for it.
func (f *Folder) put(ctx context.Context, o object, r io.Reader) error {
	if err := checkName(o.name); err != nil {
		return err
	}
	if o.size > o.limit {
		return fmt.Errorf("put %s: %w: %d bytes, at most %d", o.name, ErrTooLarge, o.size, o.limit)
	}

	room := o.size
	if room < 0 {
		room = o.limit
	}
	reserved, err := f.usage.reserve(o.account, room)
	if err != nil {
		return fmt.Errorf("put %s: %w", o.name, err)
	}
	var written, replaced int64
	defer func() { reserved.settle(written, replaced) }()

	if f.small.takes(o) {
		written = o.size
		replaced, err = f.putSmall(ctx, o, r)
	} else {
		written, replaced, err = f.putFile(ctx, o, r)
	}
	if err != nil {
		written, replaced = 0, 0
		return fmt.Errorf("put %s: %w", o.name, err)
	}
	return nil
}

// putFile writes an object into a file. It returns how many bytes these are, and how many
// were there before.
func (f *Folder) putFile(ctx context.Context, o object, r io.Reader) (written, replaced int64, err error) {
	tmp := tmpDir + "/" + rand.Text()
	written, err = f.write(tmp, &contextReader{ctx, r}, o.limit)
	if err == nil && o.size >= 0 && written != o.size {
		err = fmt.Errorf("%d bytes arrived in place of %d: %w", written, o.size, io.ErrUnexpectedEOF)
	}
	if err == nil {
		replaced, err = f.place(ctx, tmp, o)
	}
	if err != nil {
		_ = f.root.Remove(tmp) // fails where it was renamed or never made
	}
	return written, replaced, err
}

// write fills a new file with at most limit bytes and syncs it.
func (f *Folder) write(tmp string, r io.Reader, limit int64) (n int64, err error) {
	file, err := f.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}

	n, err = io.Copy(file, io.LimitReader(r, limit+1))
	if err == nil && n > limit {
		err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, limit)
	}
	if err == nil {
		err = file.Sync()
	}

	return n, errors.Join(err, file.Close())
}

// place renames a written file to its name and makes that durable. It returns how many
// bytes were there before.
func (f *Folder) place(ctx context.Context, tmp string, o object) (replaced int64, err error) {
	defer f.names.lock(o.name)()

	// Ask again: the work may have ended while its result came in.
	if err := f.admit(ctx, o); err != nil {
		return 0, err
	}

	if replaced, err = f.sizeOf(o.name); err != nil {
		return 0, err
	}
	if err := f.rename(tmp, o.name); err != nil {
		return 0, err
	}
	if err := f.sync(shard(o.name)); err != nil {
		return 0, err
	}

	// What lay in the store of small objects would be found first, also after a crash.
	if _, small := f.small.find(o.name); small {
		f.small.drop(o.name)
		return replaced, f.small.flush(ctx)
	}
	return replaced, nil
}

// rename gives a written file its name, and makes the subfolder for it where there is none.
func (f *Folder) rename(tmp, name string) error {
	err := f.root.Rename(tmp, f.path(name))
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}

	if err := f.root.Mkdir(shard(name), 0o700); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := f.sync("."); err != nil {
		return err
	}
	return f.root.Rename(tmp, f.path(name))
}

// errEnded: the gate is closed for an upload.
var errEnded = errors.New("the work has ended")

// admit asks the gate about an upload.
func (f *Folder) admit(ctx context.Context, o object) error {
	if o.gate == nil {
		return nil
	}
	access, err := o.gate(ctx, o.name)
	if err != nil || access == Open {
		return err
	}
	if access == CreateOnly {
		if there, err := f.Exists(ctx, o.name); err != nil || !there {
			return err
		}
	}
	return errEnded
}

// sizeOf is how many bytes an object has, 0 for one that is not there.
func (f *Folder) sizeOf(name string) (int64, error) {
	if o, small := f.small.find(name); small {
		return o.Size, nil
	}
	st, err := f.root.Lstat(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return st.Size(), nil
}

// Seal implements Store.
func (f *Folder) Seal(_ context.Context, name string, maxBytes int64) (release func()) {
	release = f.names.lock(name)
	if size, err := f.sizeOf(name); err == nil && maxBytes > 0 && size > maxBytes {
		_ = f.remove(name) // a link of an older node let it through; it counts as missing
	}
	return release
}

func (f *Folder) sync(dir string) error {
	d, err := f.root.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// contextReader ends a copy when its call is abandoned.
type contextReader struct {
	ctx context.Context
	r   io.Reader
}

func (c *contextReader) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}

// open opens an object and describes it.
func (f *Folder) open(ctx context.Context, name string) (io.ReadSeekCloser, Info, error) {
	if err := checkName(name); err != nil {
		return nil, Info{}, err
	}
	if _, small := f.small.find(name); small {
		return f.openSmall(ctx, name)
	}

	file, err := f.root.Open(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, Info{}, fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	if err != nil {
		return nil, Info{}, err
	}

	info, err := describe(file)
	if err != nil {
		file.Close()
		return nil, Info{}, fmt.Errorf("get %s: %w", name, err)
	}
	return file, info, nil
}

// describe reads size, time and, from the first bytes, the content type.
func describe(file *os.File) (Info, error) {
	st, err := file.Stat()
	if err != nil {
		return Info{}, err
	}

	var head [16]byte
	n, _ := file.ReadAt(head[:], 0)
	return Info{Size: st.Size(), Modified: st.ModTime(), ContentType: contentType(head[:n])}, nil
}

// Get implements Store.
func (f *Folder) Get(ctx context.Context, name string) (io.ReadCloser, Info, error) {
	file, info, err := f.open(ctx, name)
	if err != nil {
		return nil, Info{}, err
	}
	return file, info, nil
}

// Exists implements Store.
func (f *Folder) Exists(_ context.Context, name string) (bool, error) {
	if err := checkName(name); err != nil {
		return false, err
	}
	if _, small := f.small.find(name); small {
		return true, nil
	}
	_, err := f.root.Lstat(f.path(name))
	if errors.Is(err, fs.ErrNotExist) {
		return false, nil
	}
	return err == nil, err
}

// Delete implements Store.
func (f *Folder) Delete(_ context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	defer f.names.lock(name)()
	return f.remove(name)
}

// remove is Delete for whoever has the name locked.
func (f *Folder) remove(name string) error {
	size, err := f.sizeOf(name)
	if err == nil && !f.small.drop(name) {
		err = f.root.Remove(f.path(name))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	f.usage.removed(size)
	return nil
}

// SignGet implements Store.
func (f *Folder) SignGet(ctx context.Context, name string, ttl time.Duration) string {
	return f.link(ctx, ticket{method: "GET", name: name}, ttl)
}

// SignPut implements Store.
func (f *Folder) SignPut(ctx context.Context, name string, u Upload) string {
	limit := f.opt.MaxBytes
	if u.MaxBytes > 0 {
		limit = min(limit, u.MaxBytes)
	}
	return f.link(ctx, ticket{method: "PUT", name: name, limit: limit, account: u.Account}, u.TTL)
}

// base returns what a link for a caller begins with. It is not signed, so that a link is
// valid however its holder reaches the server.
func (f *Folder) base(ctx context.Context) string {
	if f.opt.PublicURL != "" {
		return f.opt.PublicURL
	}
	if base := horde.BaseOf(ctx); base != "" {
		return base
	}
	return f.opt.LocalURL
}

func (f *Folder) link(ctx context.Context, t ticket, ttl time.Duration) string {
	if !ValidName(t.name) {
		return ""
	}
	// Whole seconds, rounded up: a link never expires before its time.
	t.expires = f.opt.Clock().Add(ttl + time.Second - 1).Unix()
	return f.signer.link(strings.TrimRight(f.base(ctx), "/"), t)
}

// Prune implements Store. Unfinished writes of a process that ended go too, soon.
func (f *Folder) Prune(ctx context.Context, olderThan time.Time) (int, error) {
	dirs, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return 0, fmt.Errorf("prune blobs: %w", err)
	}

	n, bytes := f.small.prune(olderThan)
	f.usage.removed(bytes)
	for _, d := range dirs {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if !d.IsDir() {
			continue
		}
		if d.Name() == tmpDir {
			continue
		}
		k, err := f.pruneDir(d.Name(), olderThan)
		n += k
		if err != nil {
			return n, fmt.Errorf("prune blobs: %w", err)
		}
	}

	unfinished := time.Now().Add(-tmpKept)
	if olderThan.After(unfinished) {
		unfinished = olderThan
	}
	if _, err := f.pruneDir(tmpDir, unfinished); err != nil {
		return n, fmt.Errorf("prune blobs: %w", err)
	}
	return n, nil
}

func (f *Folder) pruneDir(dir string, olderThan time.Time) (n int, err error) {
	files, err := fs.ReadDir(f.root.FS(), dir)
	if err != nil {
		return 0, err
	}

	for _, file := range files {
		st, err := file.Info()
		if errors.Is(err, fs.ErrNotExist) {
			continue // deleted meanwhile
		}
		if err != nil {
			return n, err
		}
		if !st.Mode().IsRegular() || !st.ModTime().Before(olderThan) {
			continue
		}
		if err := f.root.Remove(dir + "/" + file.Name()); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return n, err
		}
		if dir != tmpDir {
			f.usage.removed(st.Size())
		}
		n++
	}
	return n, nil
}

// Measure finds out how many bytes all objects have, other nodes' among them. Whoever
// bounds them calls it at the start and now and then.
func (f *Folder) Measure(ctx context.Context) error {
	dirs, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("measure blobs: %w", err)
	}

	total := f.small.total()
	for _, d := range dirs {
		if err := ctx.Err(); err != nil {
			return err
		}
		if !d.IsDir() || d.Name() == tmpDir {
			continue
		}
		files, err := fs.ReadDir(f.root.FS(), d.Name())
		if err != nil {
			return fmt.Errorf("measure blobs: %w", err)
		}
		for _, file := range files {
			if st, err := file.Info(); err == nil { // else it was deleted meanwhile
				total += st.Size()
			}
		}
	}
	f.usage.measured(total)
	return nil
}

// readyBytes is what ReadyNow writes: a full disk takes empty files.
var readyBytes = bytes.Repeat([]byte("ready"), 64<<10/5)

// Ready implements Store: it costs as much as ReadyNow.
func (f *Folder) Ready(ctx context.Context) error { return f.ReadyNow(ctx) }

// ReadyNow implements Store: it writes and removes a file. A disk that has less left than is
// to stay free is not ready.
func (f *Folder) ReadyNow(ctx context.Context) error {
	if err := f.usage.enough(); err != nil {
		return fmt.Errorf("blob folder is not writable: %w", err)
	}
	tmp := tmpDir + "/" + rand.Text()
	size := min(int64(len(readyBytes)), f.opt.MaxBytes)
	_, err := f.write(tmp, &contextReader{ctx, bytes.NewReader(readyBytes[:size])}, size)
	if err != nil {
		f.root.Remove(tmp)
		return fmt.Errorf("blob folder is not writable: %w", err)
	}
	return f.root.Remove(tmp)
}
