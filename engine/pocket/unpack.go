package pocket

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"horde/engine/pocket/model"
)

// asidePrefix marks files being written; a crash may leave one behind.
const asidePrefix = ".unpacking-"

// modelHash names the embedded runtime files by content, so that another
// version of the model unpacks into a folder of its own.
var modelHash = sync.OnceValues(func() (string, error) {
	h := sha256.New()
	for _, name := range model.Runtime {
		data, err := model.FS.ReadFile(name)
		if err != nil {
			return "", err
		}
		fmt.Fprintf(h, "%s %d\n", name, len(data))
		h.Write(data)
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
})

// unpack makes sure that the model's runtime files lie, complete and right, in
// one folder below cache (empty: the user's cache folder) and returns that
// folder. A file is compared with the embedded bytes; a missing or wrong one is
// written aside, synced and renamed over, so two processes may do this at once
// and a reader never sees half a file. Right files are only read: a read-only
// cache that was filled before works.
func unpack(cache string) (string, error) {
	if cache == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return "", fmt.Errorf("no cache folder to unpack the pocket model into: %w; "+
				"set HOME or XDG_CACHE_HOME, or name a cache folder in the options", err)
		}
		cache = filepath.Join(user, "horde")
	}

	hash, err := modelHash()
	if err != nil {
		return "", err
	}
	dir := filepath.Join(cache, "pocket-"+hash)
	if err := unpackInto(dir); err != nil {
		return "", fmt.Errorf("unpacking the pocket model into %s: %w; it needs a writable folder with 30 MB free: "+
			"set XDG_CACHE_HOME or name another cache folder in the options", dir, err)
	}
	return dir, nil
}

func unpackInto(dir string) error {
	var wrote bool
	for _, name := range model.Runtime {
		data, err := model.FS.ReadFile(name)
		if err != nil {
			return err
		}
		path := filepath.Join(dir, name)
		if holds(path, data) {
			continue
		}

		if !wrote {
			if err := os.MkdirAll(dir, 0o755); err != nil {
				return err
			}
			sweep(dir)
			wrote = true
		}
		if err := replace(path, data); err != nil {
			return err
		}
	}

	if wrote {
		return syncFolder(dir)
	}
	return nil
}

// holds reports whether the file at path is exactly data.
func holds(path string, data []byte) bool {
	f, err := os.Open(path)
	if err != nil {
		return false
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || info.Size() != int64(len(data)) {
		return false
	}

	buf := make([]byte, 256<<10)
	for {
		n, err := f.Read(buf)
		if n > len(data) || !bytes.Equal(buf[:n], data[:n]) {
			return false
		}
		data = data[n:]
		if errors.Is(err, io.EOF) {
			return len(data) == 0
		}
		if err != nil {
			return false
		}
	}
}

// replace writes data to path through a synced file beside it.
func replace(path string, data []byte) (err error) {
	f, err := os.CreateTemp(filepath.Dir(path), asidePrefix+"*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			f.Close()
			os.Remove(f.Name())
		}
	}()

	if _, err = f.Write(data); err != nil {
		return err
	}
	if err = f.Chmod(0o644); err != nil {
		return err
	}
	if err = f.Sync(); err != nil {
		return err
	}
	if err = f.Close(); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// sweep removes files that crashed processes left half written an hour or more ago.
func sweep(dir string) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return
	}
	for _, e := range entries {
		info, err := e.Info()
		if err == nil && strings.HasPrefix(e.Name(), asidePrefix) && time.Since(info.ModTime()) > time.Hour {
			os.Remove(filepath.Join(dir, e.Name()))
		}
	}
}

// syncFolder makes the renames in dir durable. Some file systems cannot sync a
// folder; their own order has to do then.
func syncFolder(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := f.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) && !errors.Is(err, syscall.EINVAL) {
		return err
	}
	return nil
}
