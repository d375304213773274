package node

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/store"
)

// This file is where a node keeps images, and what it does for their folder meanwhile.

func (n *Node) openBlobs() (blob.Store, error) {
	if n.options.S3 != nil {
		return blob.NewS3(*n.options.S3)
	}
	return blob.OpenFolder(filepath.Join(n.options.Data, "blobs"), blob.FolderOptions{
		Secret:    []byte(n.options.BlobSecret),
		PublicURL: n.options.PublicURL,
		LocalURL:  n.URL(),
		MaxBytes:  n.options.MaxUpload,
		Quota:     n.options.Quota,
		Clock:     n.options.Clock,
	})
}

// openFolder has a folder go on where it was: with the quotas, and with what lies in the
// database.
func (n *Node) openFolder(ctx context.Context, folder *blob.Folder) error {
	if err := n.shareBlobUseNow(ctx, folder); err != nil {
		return fmt.Errorf("read what accounts have stored: %w", err)
	}

	// Links lead to any node, and those of older versions look for images in the folder only.
	if n.Store.Shared() {
		return nil
	}
	return folder.UseSmallObjects(ctx, smallObjects{n.Store})
}

// smallObjects keeps small images in the database.
type smallObjects struct{ store *store.Store }

func (s smallObjects) Put(ctx context.Context, name string, data []byte) error {
	return s.store.Write(ctx, store.Unit{Key: name, Do: func(tx *store.Tx) error { return tx.PutSmallImage(name, data) }})
}

func (s smallObjects) Get(ctx context.Context, name string) (data []byte, written time.Time, err error) {
	image, err := s.store.SmallImage(ctx, name)
	if errors.Is(err, store.ErrNotFound) {
		err = blob.ErrNotFound
	}
	return image.Data, image.Created.Time(), err
}

func (s smallObjects) Remove(ctx context.Context, names []string) error {
	return s.store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.DeleteSmallImages(names) }})
}

func (s smallObjects) List(ctx context.Context) (list []blob.SmallObject, err error) {
	images, err := s.store.SmallImageSizes(ctx)
	for _, i := range images {
		list = append(list, blob.SmallObject{Name: i.Name, Size: i.Bytes, Written: i.Created.Time()})
	}
	return list, err
}

// flushSmallObjects removes from the database what is deleted of the images there, a second's
// worth at a time. What a crash leaves is pruned.
func (n *Node) flushSmallObjects(ctx context.Context) {
	folder, ok := n.Blobs.(*blob.Folder)
	if !ok {
		return
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(flushEvery):
		}

		// Once more when it stops.
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
		if err := folder.Flush(bounded); err != nil {
			n.options.Log.Warn("deleted images are still in the database", "error", err)
		}
		cancel()
	}
}

// measureBlobs finds out now and then how much the image folder holds, on every node.
func (n *Node) measureBlobs(ctx context.Context) {
	folder, ok := n.Blobs.(*blob.Folder)
	if !ok {
		return
	}
	for {
		if err := folder.Measure(ctx); err != nil && ctx.Err() == nil {
			n.options.Log.Error("image folder", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pruneEvery):
		}
	}
}

// shareBlobUse tells the other nodes, and this one after a restart, what accounts have
// stored by it, and hears from them, until the node stops.
func (n *Node) shareBlobUse(ctx context.Context) {
	folder, ok := n.Blobs.(*blob.Folder)
	if !ok {
		return
	}
	for ctx.Err() == nil {
		select {
		case <-ctx.Done():
		case <-time.After(shareUseEvery):
		}

		// Once more when it stops.
		bounded, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastTime)
		if err := n.shareBlobUseNow(bounded, folder); err != nil {
			n.options.Log.Warn("what accounts have stored was not shared", "error", err)
		}
		cancel()
	}
}

// shareBlobUseNow is one exchange with the database.
func (n *Node) shareBlobUseNow(ctx context.Context, folder *blob.Folder) error {
	return folder.ShareUse(func(own []blob.Use) (others []blob.Use, err error) {
		if len(own) > 0 {
			rows := make([]store.BlobUsage, len(own))
			for i, u := range own {
				rows[i] = store.BlobUsage{UserID: horde.UserID(u.Account), Slot: u.Slot, Bytes: u.Bytes}
			}
			err := n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.SetBlobUsage(rows) }})
			if err != nil {
				return nil, err
			}
		}

		found, err := n.Store.BlobUsageOfOthers(ctx, blob.FirstSlot(n.options.Clock()))
		for _, u := range found {
			others = append(others, blob.Use{Account: int64(u.UserID), Slot: u.Slot, Bytes: u.Bytes})
		}
		return others, err
	})
}
