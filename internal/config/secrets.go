package config

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Secrets must stay the same for the life of a database: with another
// Key no API key is known any more, with another Blob no link is valid.
type Secrets struct {
	Key  string // hashed with every API key
	Blob string // signs the links of the image folder
}

// LoadSecrets completes given, whose fields may be empty, from the files
// key-secret and blob-secret in the folder dir. Missing files are made with 32
// random bytes, readable by their owner alone; of several processes that start
// at once all get the same. Nodes that share a PostgreSQL but no data folder must
// be given the secrets (HORDE_SECRET_KEY, HORDE_BLOB_SECRET).
func LoadSecrets(dir string, given Secrets) (Secrets, error) {
	for _, s := range []struct {
		file string
		to   *string
	}{{"key-secret", &given.Key}, {"blob-secret", &given.Blob}} {
		if *s.to != "" {
			continue
		}

		secret, err := loadSecret(dir, s.file)
		if err != nil {
			return Secrets{}, err
		}
		*s.to = secret
	}
	return given, nil
}

func loadSecret(dir, file string) (string, error) {
	path := filepath.Join(dir, file)
	secret, err := readSecret(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return secret, err
	}

	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", fmt.Errorf("make the data folder: %w", err)
	}
	if err := makeSecret(dir, path); err != nil {
		return "", fmt.Errorf("make %s: %w", path, err)
	}
	return readSecret(path)
}

func readSecret(path string) (string, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("read secret: %w", err)
	}

	secret := strings.TrimSpace(string(b))
	if len(secret) < 16 {
		return "", fmt.Errorf("secret %s is damaged: it has %d characters; restore it from a backup "+
			"(a new one makes all API keys or links invalid)", path, len(secret))
	}
	return secret, nil
}

// makeSecret writes a temporary file and links it into place, which fails if
// another process was faster: then its secret counts.
func makeSecret(dir, path string) error {
	f, err := os.CreateTemp(dir, ".secret-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())

	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails
	_, err = fmt.Fprintln(f, hex.EncodeToString(b[:]))
	if err == nil {
		err = f.Sync()
	}
	if err = errors.Join(err, f.Close()); err != nil {
		return err
	}

	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir makes a new name survive a power failure.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
