package store

import (
	"context"
	"slices"

	"horde/internal/horde"
)

// SmallImage is an image that is kept in the database.
type SmallImage struct {
	Name    string
	Created horde.Micros
	Data    []byte
}

// PutSmallImage writes an image that is created now, in place of one of its name.
func (tx *Tx) PutSmallImage(name string, data []byte) error {
	_, err := tx.change("INSERT INTO small_images (name, created, data) VALUES ($1, $2, $3) "+
		"ON CONFLICT (name) DO UPDATE SET created = excluded.created, data = excluded.data", name, tx.Now, data)
	return err
}

// DeleteSmallImages removes images by their names. Those that are not there are no error.
func (tx *Tx) DeleteSmallImages(names []string) error {
	for group := range slices.Chunk(names, maxGroup) {
		args := make([]any, len(group))
		for i, name := range group {
			args[i] = name
		}
		if _, err := tx.change("DELETE FROM small_images WHERE name IN "+in(1, len(args)), args...); err != nil {
			return err
		}
	}
	return nil
}

// PruneSmallImages removes what was created before a time.
func (tx *Tx) PruneSmallImages(before horde.Micros) error {
	_, err := tx.change("DELETE FROM small_images WHERE created < $1", before)
	return err
}

// SmallImage reads an image; ErrNotFound when there is none of that name.
func (s *Store) SmallImage(ctx context.Context, name string) (SmallImage, error) {
	scan := func(r scanner) (i SmallImage, err error) { return i, r.Scan(&i.Name, &i.Created, &i.Data) }
	return one(ctx, s, scan, "SELECT name, created, data FROM small_images WHERE name = $1", name)
}

// SmallImageSize is how many bytes an image has.
type SmallImageSize struct {
	Name    string
	Created horde.Micros
	Bytes   int64
}

// SmallImageSizes reads which images there are.
func (s *Store) SmallImageSizes(ctx context.Context) ([]SmallImageSize, error) {
	scan := func(r scanner) (i SmallImageSize, err error) { return i, r.Scan(&i.Name, &i.Created, &i.Bytes) }
	return rows(ctx, s, scan, "SELECT name, created, length(data) FROM small_images")
}
