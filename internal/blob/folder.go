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
	"horde/internal/imaging"
)

// Path is where the server mounts Folder.Handler.
const Path = "/blob/"

// tmpDir is the subfolder of unfinished writes.
const tmpDir = "tmp"

// FolderOptions configure a Folder.
type FolderOptions struct {
	Secret    []byte      // signs links; at least 16 bytes, the same on every node
	PublicURL string      // what all links begin with, such as "https://horde.example"; empty: what the caller reached (horde.BaseOf)
	LocalURL  string      // what links begin with where neither is known
	MaxBytes  int64       // size limit of an object; 0: DefaultMaxBytes
	Clock     horde.Clock // nil: time.Now
}

// Folder is a Store in a folder of the file system. Objects lie in 256
// subfolders; a write goes to a temporary file, is synced and renamed into place.
type Folder struct {
	root   *os.Root
	signer *signer
	opt    FolderOptions
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

	return &Folder{root: root, signer: newSigner(opt.Secret), opt: opt}, nil
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
func (f *Folder) Put(ctx context.Context, name, _ string, r io.Reader, size int64) error {
	if err := checkName(name); err != nil {
		return err
	}
	if size > f.opt.MaxBytes {
		return fmt.Errorf("put %s: %w: %d bytes, at most %d", name, ErrTooLarge, size, f.opt.MaxBytes)
	}

	tmp := tmpDir + "/" + rand.Text()
	defer f.root.Remove(tmp) // fails once it is renamed
	n, err := f.write(tmp, &contextReader{ctx, r})
	if err == nil && size >= 0 && n != size {
		err = fmt.Errorf("%d bytes arrived in place of %d: %w", n, size, io.ErrUnexpectedEOF)
	}

	if err == nil {
		err = f.place(tmp, name)
	}
	if err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	return nil
}

// write fills a new file and syncs it.
func (f *Folder) write(tmp string, r io.Reader) (n int64, err error) {
	file, err := f.root.OpenFile(tmp, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return 0, err
	}

	n, err = io.Copy(file, io.LimitReader(r, f.opt.MaxBytes+1))
	if err == nil && n > f.opt.MaxBytes {
		err = fmt.Errorf("%w: more than %d bytes", ErrTooLarge, f.opt.MaxBytes)
	}
	if err == nil {
		err = file.Sync()
	}

	return n, errors.Join(err, file.Close())
}

// place renames a written file to its name and makes that durable.
func (f *Folder) place(tmp, name string) error {
	dir := shard(name)

	if err := f.root.Mkdir(dir, 0o700); err == nil {
		if err := f.sync("."); err != nil {
			return err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return err
	}

	if err := f.root.Rename(tmp, dir+"/"+name); err != nil {
		return err
	}
	return f.sync(dir)
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
func (f *Folder) open(name string) (*os.File, Info, error) {
	if err := checkName(name); err != nil {
		return nil, Info{}, err
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

	info := Info{Size: st.Size(), Modified: st.ModTime(), ContentType: "application/octet-stream"}
	var head [16]byte
	if n, _ := file.ReadAt(head[:], 0); imaging.IsWebP(head[:n]) {
		info.ContentType = "image/webp"
	}
	return info, nil
}

// Get implements Store.
func (f *Folder) Get(_ context.Context, name string) (io.ReadCloser, Info, error) {
	file, info, err := f.open(name)
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
	if err := f.root.Remove(f.path(name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("delete %s: %w", name, err)
	}
	return nil
}

// SignGet implements Store.
func (f *Folder) SignGet(ctx context.Context, name string, ttl time.Duration) string {
	return f.link(ctx, "GET", name, ttl)
}

// SignPut implements Store.
func (f *Folder) SignPut(ctx context.Context, name string, ttl time.Duration) string {
	return f.link(ctx, "PUT", name, ttl)
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

func (f *Folder) link(ctx context.Context, method, name string, ttl time.Duration) string {
	if !ValidName(name) {
		return ""
	}
	// Whole seconds, rounded up: a link never expires before its time.
	expires := f.opt.Clock().Add(ttl + time.Second - 1).Unix()
	return f.signer.link(strings.TrimRight(f.base(ctx), "/"), method, name, expires)
}

// Prune implements Store. Unfinished writes of a process that ended go too.
func (f *Folder) Prune(ctx context.Context, olderThan time.Time) (int, error) {
	dirs, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return 0, fmt.Errorf("prune blobs: %w", err)
	}

	n := 0
	for _, d := range dirs {
		if err := ctx.Err(); err != nil {
			return n, err
		}
		if !d.IsDir() {
			continue
		}
		k, err := f.pruneDir(d.Name(), olderThan)
		if d.Name() != tmpDir {
			n += k
		}
		if err != nil {
			return n, fmt.Errorf("prune blobs: %w", err)
		}
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
		n++
	}
	return n, nil
}

// readyBytes is what Ready writes: a full disk takes empty files.
var readyBytes = bytes.Repeat([]byte("ready"), 64<<10/5)

// Ready implements Store: it writes and removes a file.
func (f *Folder) Ready(ctx context.Context) error {
	tmp := tmpDir + "/" + rand.Text()
	size := min(int64(len(readyBytes)), f.opt.MaxBytes)
	_, err := f.write(tmp, &contextReader{ctx, bytes.NewReader(readyBytes[:size])})
	if err != nil {
		f.root.Remove(tmp)
		return fmt.Errorf("blob folder is not writable: %w", err)
	}
	return f.root.Remove(tmp)
}
