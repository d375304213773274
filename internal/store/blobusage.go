package store

import (
	"context"

	"horde/internal/horde"
)

// BlobUsage is how many bytes an account stored in a span of time.
type BlobUsage struct {
	UserID horde.UserID
	Slot   int64 // of time
	Bytes  int64
}

// SetBlobUsage writes what accounts have stored by this process, in place of what it wrote
// of the same spans before.
func (tx *Tx) SetBlobUsage(usage []BlobUsage) error {
	const width = 4
	for len(usage) > 0 {
		size := groupSize(len(usage))
		args := make([]any, 0, size*width)
		for _, u := range usage[:size] {
			args = append(args, tx.w.s.node, u.UserID, u.Slot, u.Bytes)
		}
		_, err := tx.change(manyText("INSERT INTO blob_usage (node, user_id, slot, bytes) VALUES ", width, size)+
			" ON CONFLICT (node, user_id, slot) DO UPDATE SET bytes = excluded.bytes", args...)
		if err != nil {
			return err
		}
		usage = usage[size:]
	}
	return nil
}

// BlobUsageOfOthers reads what accounts have stored since a span of time, it included, by
// other processes: those of other nodes, and of this one before it started.
func (s *Store) BlobUsageOfOthers(ctx context.Context, since int64) ([]BlobUsage, error) {
	scan := func(r scanner) (u BlobUsage, err error) { return u, r.Scan(&u.UserID, &u.Slot, &u.Bytes) }
	return rows(ctx, s, scan, "SELECT user_id, slot, CAST(SUM(bytes) AS BIGINT) FROM blob_usage "+
		"WHERE node <> $1 AND slot >= $2 GROUP BY user_id, slot", s.node, since)
}

// PruneBlobUsage removes what was stored before a span of time.
func (tx *Tx) PruneBlobUsage(before int64) error {
	_, err := tx.change("DELETE FROM blob_usage WHERE slot < $1", before)
	return err
}
