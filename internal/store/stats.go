package store

import (
	"cmp"
	"context"
	"hash/fnv"
	"slices"
	"time"
)

// Grains are the lengths of the buckets in which finished jobs are counted, in
// microseconds. Whole is the one bucket of all that is older than a month.
const (
	Second int64 = 1e6
	Minute       = 60 * Second
	Hour         = 60 * Minute
	Day          = 24 * Hour
	Whole  int64 = 0
)

// statsKept says when the buckets of a grain are old enough to be merged into
// those of the next. A window is summed up from buckets no coarser than its own
// (see Windows), so each must be kept for longer than the window is.
var statsKept = []struct {
	grain, next int64
	kept        time.Duration
}{
	{Second, Minute, 2 * time.Minute},
	{Minute, Hour, 2 * time.Hour},
	{Hour, Day, 48 * time.Hour},
	{Day, Whole, 32 * 24 * time.Hour},
}

// windows are the spans of statistics, each with the grain to which its beginning
// is rounded down: a minute reaches back 60 to 61 s, a month 30 to 31 days.
var windows = []struct{ length, grain int64 }{
	{Minute, Second}, {Hour, Minute}, {Day, Hour}, {30 * Day, Day},
}

// Tally is a number of finished jobs, and how much was asked for by them:
// pixelsteps of images, tokens of text generation.
type Tally struct{ Jobs, Things int64 }

func (t *Tally) add(o Tally) {
	t.Jobs += o.Jobs
	t.Things += o.Things
}

// Windows is what was finished within the last minute, hour, day and 30 days, and
// ever.
type Windows struct{ Minute, Hour, Day, Month, Total Tally }

// ModelWindows is how many jobs of a model were finished within the last day and
// 30 days, and ever.
type ModelWindows struct {
	Model             string
	Day, Month, Total int64
}

// bucket is the key of a counter, but for the node's shard.
type bucket struct {
	kind, model string
	grain       int64
	start       int64 // microseconds
}

func (b bucket) compare(o bucket) int {
	return cmp.Or(
		cmp.Compare(b.kind, o.kind),
		cmp.Compare(b.model, o.model),
		cmp.Compare(b.grain, o.grain),
		cmp.Compare(b.start, o.start),
	)
}

// bucketAt is the bucket of a moment.
func bucketAt(kind, model string, grain, at int64) bucket {
	if grain == Whole {
		return bucket{kind, model, Whole, 0}
	}
	return bucket{kind, model, grain, at - at%grain}
}

// count adds finished jobs of a moment to the statistics, at the commit and once
// for all units of the batch.
func (tx *Tx) count(kind, model string, at int64, t Tally) {
	tx.addTo(bucketAt(kind, "", Second, at), t)
	if model != "" {
		tx.addTo(bucketAt(kind, model, Hour, at), t)
	}
}

// CountPast adds finished jobs of long ago to the statistics.
func (tx *Tx) CountPast(kind, model string, at int64, t Tally) {
	grain := Day
	if tx.Now-at > (30 * 24 * time.Hour).Microseconds() {
		grain = Whole
	}
	tx.addTo(bucketAt(kind, "", grain, at), t)
	if model != "" {
		tx.addTo(bucketAt(kind, model, grain, at), t)
	}
}

func (tx *Tx) addTo(b bucket, t Tally) {
	before, known := tx.stats[b]
	tx.undo = append(tx.undo, func() {
		if !known {
			delete(tx.stats, b)
			return
		}
		tx.stats[b] = before
	})

	if tx.stats == nil {
		tx.stats = map[bucket]Tally{}
	}
	sum := before
	sum.add(t)
	tx.stats[b] = sum
}

const (
	statsInsert = "INSERT INTO stats (kind, model, grain, start, shard, jobs, things) VALUES "
	statsAdd    = " ON CONFLICT (kind, model, grain, start, shard) DO UPDATE SET jobs = stats.jobs + excluded.jobs, things = stats.things + excluded.things"
	statsWidth  = 7

	statsShards = 16
)

// writeStats adds what was counted, in the order of the keys.
func (tx *Tx) writeStats(list []statement) []statement {
	if len(tx.stats) == 0 {
		return list
	}
	keys := make([]bucket, 0, len(tx.stats))
	for b := range tx.stats {
		keys = append(keys, b)
	}
	slices.SortFunc(keys, bucket.compare)

	values := make([]any, 0, len(keys)*statsWidth)
	for _, b := range keys {
		t := tx.stats[b]
		values = append(values, b.kind, b.model, b.grain, b.start, shardOf(tx.w.s.node), t.Jobs, t.Things)
	}
	return tx.upsertMany(list, statsInsert, statsAdd, statsWidth, values)
}

// shardOf spreads nodes over the rows of a bucket, so that they do not wait for
// each other's commits.
func shardOf(node string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(node))
	return int64(h.Sum32() % statsShards)
}

// Stats sums up the finished jobs of a kind at a moment, all from one statement.
// The cost depends on the number of buckets, a few hundred, not on that of jobs.
func (s *Store) Stats(ctx context.Context, kind string, now int64) (Windows, error) {
	args := []any{kind}
	for _, w := range windows {
		from := now - w.length
		args = append(args, from-from%w.grain)
	}
	return one(ctx, s, scanWindows, statsQuery, args...)
}

const statsQuery = "SELECT " +
	"CAST(COALESCE(SUM(CASE WHEN start >= $2 THEN jobs ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN start >= $2 THEN things ELSE 0 END), 0) AS BIGINT), " +
	"CAST(COALESCE(SUM(CASE WHEN start >= $3 THEN jobs ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN start >= $3 THEN things ELSE 0 END), 0) AS BIGINT), " +
	"CAST(COALESCE(SUM(CASE WHEN start >= $4 THEN jobs ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN start >= $4 THEN things ELSE 0 END), 0) AS BIGINT), " +
	"CAST(COALESCE(SUM(CASE WHEN start >= $5 THEN jobs ELSE 0 END), 0) AS BIGINT), CAST(COALESCE(SUM(CASE WHEN start >= $5 THEN things ELSE 0 END), 0) AS BIGINT), " +
	"CAST(COALESCE(SUM(jobs), 0) AS BIGINT), CAST(COALESCE(SUM(things), 0) AS BIGINT) " +
	"FROM stats WHERE kind = $1 AND model = ''"

func scanWindows(r scanner) (w Windows, err error) {
	return w, r.Scan(&w.Minute.Jobs, &w.Minute.Things, &w.Hour.Jobs, &w.Hour.Things, &w.Day.Jobs, &w.Day.Things,
		&w.Month.Jobs, &w.Month.Things, &w.Total.Jobs, &w.Total.Things)
}

// ModelStats sums up the finished jobs of a kind by model at a moment, the models
// in the order of their names.
func (s *Store) ModelStats(ctx context.Context, kind string, now int64) ([]ModelWindows, error) {
	day, month := now-Day, now-30*Day
	return rows(ctx, s, scanModelWindows, "SELECT model, "+
		"CAST(SUM(CASE WHEN start >= $2 THEN jobs ELSE 0 END) AS BIGINT), CAST(SUM(CASE WHEN start >= $3 THEN jobs ELSE 0 END) AS BIGINT), CAST(SUM(jobs) AS BIGINT) "+
		"FROM stats WHERE kind = $1 AND model > '' GROUP BY model ORDER BY model", kind, day-day%Hour, month-month%Day)
}

func scanModelWindows(r scanner) (w ModelWindows, err error) {
	return w, r.Scan(&w.Model, &w.Day, &w.Month, &w.Total)
}

// maxMerge bounds how many rows one MergeStats takes.
const maxMerge = 2000

// MergeStats merges old buckets into coarser ones and returns how many; 0: there
// are none left.
func (tx *Tx) MergeStats() (merged int, err error) {
	for _, k := range statsKept {
		old, err := read(tx, scanBucket, "DELETE FROM stats WHERE (kind, model, grain, start, shard) IN "+
			"(SELECT kind, model, grain, start, shard FROM stats WHERE grain = $1 AND start < $2 ORDER BY start LIMIT $3) "+
			"RETURNING kind, model, start, jobs, things", k.grain, tx.Now-k.kept.Microseconds(), maxMerge)
		if err != nil {
			return 0, err
		}
		for _, b := range old {
			tx.addTo(bucketAt(b.kind, b.model, k.next, b.start), b.Tally)
		}
		tx.direct = tx.direct || len(old) > 0
		merged += len(old)
	}
	return merged, nil
}

type oldBucket struct {
	bucket
	Tally
}

func scanBucket(r scanner) (b oldBucket, err error) {
	return b, r.Scan(&b.kind, &b.model, &b.start, &b.Jobs, &b.Things)
}

// Backfill is how far the jobs from before statistics were kept have been counted.
type Backfill struct {
	Until  int64  // microseconds; later ones have counted themselves
	Cursor string // id of the last event that was counted
	Done   bool
}

// Backfill reads and locks the state of the backfill; ErrNotFound before
// BeginBackfill.
func (tx *Tx) Backfill() (Backfill, error) {
	return readOne(tx, func(r scanner) (b Backfill, err error) { return b, r.Scan(&b.Until, &b.Cursor, &b.Done) },
		"SELECT until, cursor, done FROM stats_backfill WHERE id = 1"+tx.w.s.engine.forUpdate)
}

// BackfillBegun reports whether BeginBackfill was ever called.
func (s *Store) BackfillBegun(ctx context.Context) (bool, error) {
	found, err := rows(ctx, s, scanInt, "SELECT id FROM stats_backfill")
	return len(found) > 0, err
}

// BeginBackfill says that what is finished from now on is counted when it is.
// Whoever comes first is right. It returns whether that was this call.
func (tx *Tx) BeginBackfill() (bool, error) {
	n, err := tx.change("INSERT INTO stats_backfill (id, until, cursor) VALUES (1, $1, '') ON CONFLICT (id) DO NOTHING", tx.Now)
	return n > 0, err
}

// SetBackfill writes how far the backfill is.
func (tx *Tx) SetBackfill(b Backfill) error {
	_, err := tx.change("UPDATE stats_backfill SET cursor = $1, done = $2 WHERE id = 1", b.Cursor, b.Done)
	return err
}

// PastEvent is what the ledger tells of an event.
type PastEvent struct {
	ID     string
	Reason string
	Detail string
	At     int64 // microseconds
}

// PastEvents reads the events behind the cursor of the backfill in the order of
// their ids, limit at most.
func (tx *Tx) PastEvents(b Backfill, limit int) ([]PastEvent, error) {
	return read(tx, func(r scanner) (p PastEvent, err error) { return p, r.Scan(&p.ID, &p.Reason, &p.Detail, &p.At) },
		"SELECT id, reason, detail, created FROM ledger_events WHERE id > $1 ORDER BY id LIMIT $2", b.Cursor, limit)
}
