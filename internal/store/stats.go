package store

import (
	"cmp"
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"slices"

	"horde/internal/horde"
)

// Lengths of buckets and windows, in microseconds.
const (
	Second horde.Micros = 1e6
	Minute              = 60 * Second
	Hour                = 60 * Minute
	Day                 = 24 * Hour
	Month               = 30 * Day
)

// Tally is a number of finished jobs, and how much was asked for by them:
// pixelsteps of images, tokens of text generation.
type Tally struct {
	Jobs      int64
	WorkUnits int64
}

func (t *Tally) add(o Tally) {
	t.Jobs += o.Jobs
	t.WorkUnits += o.WorkUnits
}

func (t Tally) negative() Tally { return Tally{-t.Jobs, -t.WorkUnits} }

// Windows is what was finished within the last minute, hour, day and 30 days, and
// ever. A window begins at a whole second, minute, hour or day, so that a minute
// reaches back 60 to 61 s and a month 30 to 31 days.
type Windows struct {
	Minute Tally
	Hour   Tally
	Day    Tally
	Month  Tally
	Total  Tally
}

func (ws *Windows) add(o Windows) {
	ws.Minute.add(o.Minute)
	ws.Hour.add(o.Hour)
	ws.Day.add(o.Day)
	ws.Month.add(o.Month)
	ws.Total.add(o.Total)
}

// begins is when the windows of a moment begin, in microseconds.
type begins struct {
	minute horde.Micros
	hour   horde.Micros
	day    horde.Micros
	month  horde.Micros
}

func beginsAt(now horde.Micros) begins {
	floor := func(at, grain horde.Micros) horde.Micros { return at - at%grain }
	return begins{
		minute: floor(now-Minute, Second),
		hour:   floor(now-Hour, Minute),
		day:    floor(now-Day, Hour),
		month:  floor(now-Month, Day),
	}
}

// ModelWindows is how many jobs of a model were finished within the last day and
// 30 days, and ever.
type ModelWindows struct {
	Model string
	Day   int64
	Month int64
	Total int64
}

// counter is the key of a row of stats, but for the node's shard.
type counter struct {
	kind  horde.Kind
	model string
}

// bucket is the key of a row of stats_buckets, but for the node's shard.
type bucket struct {
	counter
	grain horde.Micros
	start horde.Micros
}

func (ct counter) compare(o counter) int {
	return cmp.Or(cmp.Compare(ct.kind, o.kind), cmp.Compare(ct.model, o.model))
}

func (b bucket) compare(o bucket) int {
	return cmp.Or(b.counter.compare(o.counter), cmp.Compare(b.grain, o.grain), cmp.Compare(b.start, o.start))
}

func bucketAt(c counter, grain, at horde.Micros) bucket {
	return bucket{c, grain, at - at%grain}
}

// count adds finished jobs of this moment to the statistics, at the commit and once
// for all units of the batch: to young buckets alone, which MergeStats adds to the
// counters.
func (tx *Tx) count(kind horde.Kind, model string, at horde.Micros, t Tally) {
	tx.addToBucket(bucketAt(counter{kind, ""}, Second, at), t)
	if model != "" {
		tx.addToBucket(bucketAt(counter{kind, model}, Minute, at), t)
	}
}

// CountPast adds finished jobs of more than a minute ago to the statistics, those of
// a model to it too ("": it is not known).
func (tx *Tx) CountPast(kind horde.Kind, model string, at horde.Micros, t Tally) {
	since := beginsAt(tx.Now)
	counters := []counter{{kind, ""}}
	if model != "" {
		counters = append(counters, counter{kind, model})
	}

	for _, c := range counters {
		switch {
		case at >= since.hour && c.model == "":
			tx.addToBucket(bucketAt(c, Minute, at), t)
			tx.addToStats(c, Windows{Hour: t, Day: t, Month: t, Total: t})
		case at >= since.day:
			tx.addToBucket(bucketAt(c, Hour, at), t)
			tx.addToStats(c, Windows{Day: t, Month: t, Total: t})
		case at >= since.month:
			tx.addToBucket(bucketAt(c, Day, at), t)
			tx.addToStats(c, Windows{Month: t, Total: t})
		default:
			tx.addToStats(c, Windows{Total: t})
		}
	}
}

func (tx *Tx) addToBucket(b bucket, t Tally) {
	if tx.buckets == nil {
		tx.buckets = map[bucket]Tally{}
	}
	before := tx.buckets[b]
	tx.undo = append(tx.undo, func() { tx.buckets[b] = before })
	sum := before
	sum.add(t)
	tx.buckets[b] = sum
}

func (tx *Tx) addToStats(c counter, w Windows) {
	if tx.stats == nil {
		tx.stats = map[counter]Windows{}
	}
	before := tx.stats[c]
	tx.undo = append(tx.undo, func() { tx.stats[c] = before })
	sum := before
	sum.add(w)
	tx.stats[c] = sum
}

const (
	statsHead = "INSERT INTO stats (kind, model, shard, hour_jobs, hour_things, day_jobs, day_things, " +
		"month_jobs, month_things, total_jobs, total_things) VALUES "
	statsTail = " ON CONFLICT (kind, model, shard) DO UPDATE SET " +
		"hour_jobs = stats.hour_jobs + excluded.hour_jobs, hour_things = stats.hour_things + excluded.hour_things, " +
		"day_jobs = stats.day_jobs + excluded.day_jobs, day_things = stats.day_things + excluded.day_things, " +
		"month_jobs = stats.month_jobs + excluded.month_jobs, month_things = stats.month_things + excluded.month_things, " +
		"total_jobs = stats.total_jobs + excluded.total_jobs, total_things = stats.total_things + excluded.total_things"
	statsWidth = 11

	bucketsHead = "INSERT INTO stats_buckets (kind, model, grain, start, shard, jobs, things) VALUES "
	bucketsTail = " ON CONFLICT (kind, model, grain, start, shard) DO UPDATE SET " +
		"jobs = stats_buckets.jobs + excluded.jobs, things = stats_buckets.things + excluded.things"
	bucketsWidth = 7

	statsShards = 16 // rows of each counter, among which nodes are spread
)

// writeStats adds what was counted, in the order of the keys, so that nodes do not
// wait for each other in a circle.
func (tx *Tx) writeStats(list []statement) []statement {
	shard := shardOf(tx.w.s.node)
	var values []any
	for _, c := range slices.SortedFunc(maps.Keys(tx.stats), counter.compare) {
		if w := tx.stats[c]; w != (Windows{}) { // else of a unit that was refused
			values = append(values, c.kind, c.model, shard,
				w.Hour.Jobs, w.Hour.WorkUnits, w.Day.Jobs, w.Day.WorkUnits,
				w.Month.Jobs, w.Month.WorkUnits, w.Total.Jobs, w.Total.WorkUnits)
		}
	}
	list = tx.upsertMany(list, statsHead, statsTail, statsWidth, values)

	values = nil
	for _, b := range slices.SortedFunc(maps.Keys(tx.buckets), bucket.compare) {
		if t := tx.buckets[b]; t != (Tally{}) {
			values = append(values, b.kind, b.model, b.grain, b.start, shard, t.Jobs, t.WorkUnits)
		}
	}
	return tx.upsertMany(list, bucketsHead, bucketsTail, bucketsWidth, values)
}

// shardOf spreads nodes over the rows of a counter, so that they do not wait for
// each other's commits.
func shardOf(node string) int64 {
	h := fnv.New32a()
	_, _ = h.Write([]byte(node))
	return int64(h.Sum32() % statsShards)
}

// statsQuery sums up the counters of a kind and the young buckets, and takes off what
// has left a window and was not yet taken out of its counter. $2 to $5 are when
// minute, hour, day and month begin.
const statsQuery = `SELECT
	CAST(COALESCE(SUM(minute_jobs), 0) AS BIGINT), CAST(COALESCE(SUM(minute_things), 0) AS BIGINT),
	CAST(COALESCE(SUM(hour_jobs), 0) AS BIGINT), CAST(COALESCE(SUM(hour_things), 0) AS BIGINT),
	CAST(COALESCE(SUM(day_jobs), 0) AS BIGINT), CAST(COALESCE(SUM(day_things), 0) AS BIGINT),
	CAST(COALESCE(SUM(month_jobs), 0) AS BIGINT), CAST(COALESCE(SUM(month_things), 0) AS BIGINT),
	CAST(COALESCE(SUM(total_jobs), 0) AS BIGINT), CAST(COALESCE(SUM(total_things), 0) AS BIGINT)
FROM (
	SELECT 0 AS minute_jobs, 0 AS minute_things, hour_jobs, hour_things, day_jobs, day_things,
		month_jobs, month_things, total_jobs, total_things
	FROM stats WHERE kind = $1 AND model = ''
	UNION ALL
	SELECT CASE WHEN start >= $2 THEN jobs ELSE 0 END, CASE WHEN start >= $2 THEN things ELSE 0 END,
		CASE WHEN start >= $3 THEN jobs ELSE 0 END, CASE WHEN start >= $3 THEN things ELSE 0 END,
		CASE WHEN start >= $4 THEN jobs ELSE 0 END, CASE WHEN start >= $4 THEN things ELSE 0 END,
		CASE WHEN start >= $5 THEN jobs ELSE 0 END, CASE WHEN start >= $5 THEN things ELSE 0 END, jobs, things
	FROM stats_buckets WHERE kind = $1 AND model = '' AND grain = 1000000
	UNION ALL
	SELECT 0, 0, -jobs, -things, 0, 0, 0, 0, 0, 0
	FROM stats_buckets WHERE kind = $1 AND model = '' AND grain = 60000000 AND start < $3
	UNION ALL
	SELECT 0, 0, 0, 0, -jobs, -things, 0, 0, 0, 0
	FROM stats_buckets WHERE kind = $1 AND model = '' AND grain IN (60000000, 3600000000) AND start < $4
	UNION ALL
	SELECT 0, 0, 0, 0, 0, 0, -jobs, -things, 0, 0
	FROM stats_buckets WHERE kind = $1 AND model = '' AND grain IN (60000000, 3600000000, 86400000000) AND start < $5
) AS parts`

// Stats sums up the finished jobs of a kind at a moment. The cost does not depend
// on how many there were.
func (s *Store) Stats(ctx context.Context, kind horde.Kind, now horde.Micros) (Windows, error) {
	since := beginsAt(now)
	return one(ctx, s, scanWindows, statsQuery, kind, since.minute, since.hour, since.day, since.month)
}

func scanWindows(r scanner) (w Windows, err error) {
	return w, r.Scan(&w.Minute.Jobs, &w.Minute.WorkUnits, &w.Hour.Jobs, &w.Hour.WorkUnits,
		&w.Day.Jobs, &w.Day.WorkUnits,
		&w.Month.Jobs, &w.Month.WorkUnits, &w.Total.Jobs, &w.Total.WorkUnits)
}

// modelStatsQuery is statsQuery by model. $2 and $3 are when day and month begin. What
// has left a window is found by its age, of which there is next to none: kind || ”
// keeps SQLite from going through the buckets of every model instead.
const modelStatsQuery = `SELECT model,
	CAST(SUM(day_jobs) AS BIGINT), CAST(SUM(month_jobs) AS BIGINT), CAST(SUM(total_jobs) AS BIGINT)
FROM (
	SELECT model, day_jobs, month_jobs, total_jobs FROM stats WHERE kind = $1 AND model > ''
	UNION ALL
	SELECT model, CASE WHEN start >= $2 THEN jobs ELSE 0 END, CASE WHEN start >= $3 THEN jobs ELSE 0 END, jobs
	FROM stats_buckets WHERE grain = 60000000 AND kind || '' = $1 AND model <> ''
	UNION ALL
	SELECT model, -jobs, 0, 0
	FROM stats_buckets WHERE grain = 3600000000 AND start < $2 AND kind || '' = $1 AND model <> ''
	UNION ALL
	SELECT model, 0, -jobs, 0
	FROM stats_buckets WHERE grain IN (3600000000, 86400000000) AND start < $3 AND kind || '' = $1 AND model <> ''
) AS parts GROUP BY model ORDER BY model`

// ModelStats sums up the finished jobs of a kind by model at a moment, the models
// in the order of their names. The cost depends on the number of models alone.
func (s *Store) ModelStats(ctx context.Context, kind horde.Kind, now horde.Micros) ([]ModelWindows, error) {
	since := beginsAt(now)
	return rows(ctx, s, scanModelWindows, modelStatsQuery, kind, since.day, since.month)
}

func scanModelWindows(r scanner) (w ModelWindows, err error) {
	return w, r.Scan(&w.Model, &w.Day, &w.Month, &w.Total)
}

const (
	maxMerge    = 2000 // buckets of each grain in one transaction of MergeStats
	vacuumAfter = 1000 // merged buckets that MergeStats leaves for the next vacuum
)

// MergeStats adds buckets that are no longer young to the counters, takes those that
// have left a window out of its counter, and merges all of them into coarser ones.
//
// Readings of PostgreSQL would go through what the merged buckets left in the index
// until it is vacuumed, so MergeStats does that itself once it is worth while.
func (s *Store) MergeStats(ctx context.Context) error {
	for ctx.Err() == nil {
		var merged int
		err := s.Write(ctx, Unit{Do: func(tx *Tx) (err error) {
			merged, err = tx.mergeStats()
			return err
		}})
		if err != nil {
			return err
		}

		s.mergedStats.Add(int64(merged))
		if merged == 0 {
			break
		}
	}

	if s.engine.vacuumStats == "" || s.mergedStats.Load() < vacuumAfter {
		return ctx.Err()
	}
	if _, err := s.read.ExecContext(ctx, s.engine.vacuumStats); err != nil {
		return fmt.Errorf("vacuum statistics: %w", err)
	}
	s.mergedStats.Store(0)
	return nil
}

// mergeStats merges maxMerge buckets of each grain at most, and returns how many there
// were; 0: none are left.
func (tx *Tx) mergeStats() (merged int, err error) {
	since := beginsAt(tx.Now)
	young := since.minute - Minute
	const all, models = "model = ''", "model <> ''"

	for _, step := range []struct {
		grain  horde.Micros
		which  string // condition
		before horde.Micros
		next   horde.Micros // the grain that they are merged into; 0: they are dropped
		change func(Tally) Windows
	}{
		{Second, all, young, Minute, func(t Tally) Windows { return Windows{Hour: t, Day: t, Month: t, Total: t} }},
		{Minute, models, young, Hour, func(t Tally) Windows { return Windows{Day: t, Month: t, Total: t} }},
		{Minute, all, since.hour, Hour, func(t Tally) Windows { return Windows{Hour: t.negative()} }},
		{Hour, "1 = 1", since.day, Day, func(t Tally) Windows { return Windows{Day: t.negative()} }},
		{Day, "1 = 1", since.month, 0, func(t Tally) Windows { return Windows{Month: t.negative()} }},
	} {
		old, err := read(tx, scanBucket, "DELETE FROM stats_buckets WHERE (kind, model, grain, start, shard) IN "+
			"(SELECT kind, model, grain, start, shard FROM stats_buckets "+
			"WHERE grain = $1 AND "+step.which+" AND start < $2 ORDER BY start LIMIT $3) "+
			"RETURNING kind, model, start, jobs, things", step.grain, step.before, maxMerge)
		if err != nil {
			return 0, err
		}

		for _, b := range old {
			tx.addToStats(b.counter, step.change(b.Tally))
			if step.next != 0 {
				tx.addToBucket(bucketAt(b.counter, step.next, b.start), b.Tally)
			}
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
	return b, r.Scan(&b.kind, &b.model, &b.start, &b.Jobs, &b.WorkUnits)
}

// Backfill is how far the jobs from before statistics were kept have been counted.
type Backfill struct {
	Until  horde.Micros // later ones have counted themselves
	Cursor string       // id of the last event that was counted
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
	found, err := rows(ctx, s, scanInt[int64], "SELECT id FROM stats_backfill")
	return len(found) > 0, err
}

// BeginBackfill says that what is finished from now on is counted when it is.
// Whoever comes first is right. It returns whether that was this call.
func (tx *Tx) BeginBackfill() (bool, error) {
	n, err := tx.change("INSERT INTO stats_backfill (id, until, cursor) VALUES (1, $1, '') "+
		"ON CONFLICT (id) DO NOTHING", tx.Now)
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
	At     horde.Micros
}

// PastEvents reads the events behind the cursor of the backfill in the order of
// their ids, limit at most.
func (tx *Tx) PastEvents(b Backfill, limit int) ([]PastEvent, error) {
	return read(tx, func(r scanner) (p PastEvent, err error) { return p, r.Scan(&p.ID, &p.Reason, &p.Detail, &p.At) },
		"SELECT id, reason, detail, created FROM ledger_events WHERE id > $1 ORDER BY id LIMIT $2", b.Cursor, limit)
}
