package store

import (
	"context"
	"fmt"

	"horde/internal/horde"
)

// Timing is how long a finished image took, kept to train price networks on.
// Nothing in it leads to a request, a user or a worker: its time is that of a
// whole hour, and it has no id.
type Timing struct {
	Hour     int64        // of the delivery, in hours since 1970
	Machine  string       // tells the images of one worker from those of others
	Baseline string       // of the model that was used
	Batch    int          // images that were handed out together with this one, itself counted
	Micros   horde.Micros // from handing out to delivery
	Features string       // what was asked for, as JSON
}

const timingColumns = "hour, machine, baseline, batch, micros, features"

var timingTable = newTable("timings", timingColumns)

// Time buffers a timing.
func (tx *Tx) Time(t Timing) {
	tx.insert(timingTable, t.Hour, t.Machine, t.Baseline, t.Batch, t.Micros, t.Features)
}

func scanTiming(r scanner) (t Timing, err error) {
	return t, r.Scan(&t.Hour, &t.Machine, &t.Baseline, &t.Batch, &t.Micros, &t.Features)
}

// Timings calls each with every timing, in an order that is the same at each
// call, until it returns an error.
func (s *Store) Timings(ctx context.Context, each func(Timing) error) error {
	rs, err := s.query(ctx,
		"SELECT "+timingColumns+" FROM timings ORDER BY hour, machine, baseline, batch, micros, features")
	if err != nil {
		return fmt.Errorf("read timings: %w", err)
	}
	defer rs.Close()

	for rs.Next() {
		t, err := scanTiming(rs)
		if err == nil {
			err = each(t)
		}
		if err != nil {
			return err
		}
	}
	return rs.Err()
}

// PruneTimings removes timings of before an hour, and of the rest, where they are
// more than most, those of the oldest hours.
func (tx *Tx) PruneTimings(before int64, most int) error {
	beyond, err := read(tx, scanInt[int64], "SELECT hour FROM timings ORDER BY hour DESC LIMIT 1 OFFSET $1", most)
	if err != nil {
		return err
	}
	if len(beyond) > 0 {
		before = max(before, beyond[0]+1)
	}
	_, err = tx.change("DELETE FROM timings WHERE hour < $1", before)
	return err
}
