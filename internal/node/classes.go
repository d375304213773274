package node

import (
	"context"
	"maps"
	"slices"
	"time"

	"horde/internal/account"
	"horde/internal/blob"
	"horde/internal/horde"
)

// How often bytes are counted by class of account.
const (
	classesEvery = 15 * time.Second
	classesRest  = 100 // times as long as counting took, before the next time
)

// What bytes are counted of.
const (
	bytesWaiting = "waiting" // requests that are not done
	bytesImages  = "images"  // images stored lately
)

// countedBytes are all of these.
var countedBytes = []string{bytesWaiting, bytesImages}

// countedAs is what a sum is of.
type countedAs struct {
	what  string
	class account.Class
}

// classOf is the class of the account with an API key, for what calls have read and
// answered; "" where it is not known.
func (n *Node) classOf(key string) string {
	class, _ := n.Accounts.ClassOfKey(key)
	return string(class)
}

// classNames are the classes of accounts as labels.
func classNames() (names []string) {
	for _, class := range account.Classes {
		names = append(names, string(class))
	}
	return names
}

// countBytes counts again and again how many bytes the classes of accounts have, on every
// node, for the metrics.
func (n *Node) countBytes(ctx context.Context) {
	if n.options.Metrics == nil {
		return
	}
	for ctx.Err() == nil {
		began := time.Now()
		if err := n.countBytesNow(ctx); err != nil && ctx.Err() == nil {
			n.options.Log.Warn("count bytes by class of account", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(max(classesEvery, classesRest*time.Since(began))):
		}
	}
}

// countBytesNow is one count.
func (n *Node) countBytesNow(ctx context.Context) error {
	waiting, images := map[horde.UserID]int64{}, map[horde.UserID]int64{}
	n.Queue.BytesByUser(waiting)
	n.Alchemy.BytesByUser(waiting)
	if f, ok := n.Blobs.(*blob.Folder); ok {
		f.StoredByAccount(func(id, bytes int64) { images[horde.UserID(id)] += bytes })
	}

	users := slices.AppendSeq(slices.Collect(maps.Keys(waiting)), maps.Keys(images))
	slices.Sort(users)
	classes, err := n.Accounts.ClassesOf(ctx, slices.Compact(users))
	if err != nil {
		return err
	}

	sums := map[countedAs]int64{}
	for id, bytes := range waiting {
		sums[countedAs{bytesWaiting, classes[id]}] += bytes
	}
	for id, bytes := range images {
		sums[countedAs{bytesImages, classes[id]}] += bytes
	}
	n.byClass.Store(&sums)
	return nil
}
