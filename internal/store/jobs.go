package store

import (
	"context"
	"slices"

	"horde/internal/horde"
)

// JobState is where a job stands. It only ever moves from JobRunning to one of
// the others.
type JobState int

// States of a job.
const (
	JobRunning JobState = iota
	JobDone
	JobFaulted // reported as faulted, or given up because it took too long
)

// Job is one piece of a request that a worker has.
type Job struct {
	ID        string
	RequestID string
	WorkerID  string
	Model     string
	Seed      int64
	Decoy     bool // given to a paused worker; counts for nothing
	Started   horde.Micros
	TTL       horde.Micros
	Pop       string // that it was handed out by: the id of that pop's first job
	JobResult
}

// PopID names the pop that handed the job out; older nodes do not note it.
func (j *Job) PopID() string {
	if j.Pop == "" {
		return j.ID
	}
	return j.Pop
}

// JobResult is how a job ended.
type JobResult struct {
	State    JobState
	Finished horde.Micros
	Seed     int64 // as the worker reports it
	Censored bool
	Result   string // "R2", or what the worker sent and no decoder understood
	Metadata string // JSON list, "" for none
	Excused  bool   // it failed by no fault of its worker's
}

const jobColumns = "id, request_id, worker_id, model, seed, fake, started, ttl, " +
	"state, finished, censored, result, metadata, pop, excused"

// jobTable leaves out what comes of a job: that is of those that run.
var jobTable = newTable("jobs", "id, request_id, worker_id, model, seed, fake, started, ttl, pop")

func scanJob(r scanner) (j Job, err error) {
	err = r.Scan(&j.ID, &j.RequestID, &j.WorkerID, &j.Model, &j.Seed, &j.Decoy, &j.Started, &j.TTL,
		&j.State, &j.Finished, &j.Censored, &j.Result, &j.Metadata, &j.Pop, &j.Excused)
	j.JobResult.Seed = j.Seed
	return j, err
}

// Job reads one job; ErrNotFound when there is none.
func (s *Store) Job(ctx context.Context, id string) (Job, error) {
	return one(ctx, s, scanJob, "SELECT "+jobColumns+" FROM jobs WHERE id = $1", id)
}

// JobsOf reads the jobs of requests, in the order they were handed out.
func (s *Store) JobsOf(ctx context.Context, requests []string) ([]Job, error) {
	var all []Job
	err := inChunks(requests, func(q string, args []any) error {
		some, err := rows(ctx, s, scanJob,
			"SELECT "+jobColumns+" FROM jobs WHERE request_id IN "+q+" ORDER BY started, id", args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// OpenJobs reads the jobs of all requests that have not expired and are not over.
func (s *Store) OpenJobs(ctx context.Context, now horde.Micros) ([]Job, error) {
	return rows(ctx, s, scanJob, "SELECT "+jobColumns+" FROM jobs "+
		"WHERE request_id IN (SELECT id FROM requests WHERE expires > $1 AND "+isOpen+") ORDER BY started, id", now)
}

// Overdue reads running jobs whose time is up, but for those of expired
// requests: they are removed with them.
func (s *Store) Overdue(ctx context.Context, now horde.Micros, limit int) ([]Job, error) {
	return rows(ctx, s, scanJob, "SELECT "+jobColumns+" FROM jobs WHERE state = 0 AND started + ttl < $1 "+
		"AND request_id IN (SELECT id FROM requests WHERE expires > $1) ORDER BY started LIMIT $2", now, limit)
}

// InsertJob buffers a new job.
func (tx *Tx) InsertJob(j Job) {
	tx.insert(jobTable, j.ID, j.RequestID, j.WorkerID, j.Model, j.Seed, j.Decoy, j.Started, j.TTL, j.Pop)
	tx.changed.Committed.Jobs = append(tx.changed.Committed.Jobs, j)
}

// Running counts the jobs of a request that workers have, fake ones left out.
// Lock the request before (any change of it does), so that no other node adds one.
func (tx *Tx) Running(request string) (int, error) {
	n, err := readCount(tx, "SELECT count(*) FROM jobs WHERE request_id = $1 AND state = 0 AND NOT fake", request)
	if err != nil {
		return 0, err
	}

	// Those of this transaction are not inserted yet.
	for job := range slices.Chunk(tx.rows[jobTable.place], jobTable.width) {
		if job[1] == request && job[5] == false {
			n++
		}
	}
	return n, nil
}

// Failure is a job of a request that was given up.
type Failure struct {
	WorkerID string
	Pop      string // that the job was handed out by
	Excused  bool   // by no fault of the worker's
}

func scanFailure(r scanner) (f Failure, err error) { return f, r.Scan(&f.WorkerID, &f.Pop, &f.Excused) }

// Failures reads the jobs of a request that were given up, fake ones left out. Lock
// the request before, so that all nodes count alike.
func (tx *Tx) Failures(request string) ([]Failure, error) {
	return read(tx, scanFailure, "SELECT worker_id, CASE WHEN pop = '' THEN id ELSE pop END, excused FROM jobs "+
		"WHERE request_id = $1 AND state = 2 AND NOT fake ORDER BY finished, id", request)
}

// EndJob is EndOf within a unit.
func (tx *Tx) EndJob(id string, r JobResult) error {
	_, err := EndOf(id, r, tx.Now).Answer(tx)
	return err
}

// Delivery is one finished job, kept an hour for the figures of the recent past.
type Delivery struct {
	JobID     string
	At        horde.Micros
	Kind      horde.Kind
	Model     string
	WorkUnits int64        // pixelsteps or tokens
	Asked     int64        // the same as statistics count it: by what was asked for
	Micros    horde.Micros // from handing out to delivery
}

// Deliver buffers a delivery and counts it in the statistics.
func (tx *Tx) Deliver(d Delivery) {
	tx.count(d.Kind, d.Model, d.At, Tally{Jobs: 1, WorkUnits: d.Asked})
	tx.changed.Committed.Deliveries = append(tx.changed.Committed.Deliveries, d)
	tx.insert(deliveryTable, d.JobID, d.At, d.Kind, d.Model, d.WorkUnits, d.Micros)
}

const deliveryColumns = "job_id, at, kind, model, things, micros"

var deliveryTable = newTable("deliveries", deliveryColumns)

func scanDelivery(r scanner) (d Delivery, err error) {
	return d, r.Scan(&d.JobID, &d.At, &d.Kind, &d.Model, &d.WorkUnits, &d.Micros)
}

// Deliveries reads what was delivered after one time and until another, oldest first.
func (s *Store) Deliveries(ctx context.Context, after, until horde.Micros) ([]Delivery, error) {
	return rows(ctx, s, scanDelivery,
		"SELECT "+deliveryColumns+" FROM deliveries WHERE at > $1 AND at <= $2 ORDER BY at", after, until)
}

// PruneDeliveries removes what was delivered before.
func (tx *Tx) PruneDeliveries(before horde.Micros) error {
	_, err := tx.change("DELETE FROM deliveries WHERE at < $1", before)
	return err
}
