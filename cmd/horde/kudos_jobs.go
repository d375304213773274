package main

import (
	"fmt"

	"horde/internal/kudos"
	"horde/internal/kudos/training"
	"horde/internal/store"
)

// JobsFlags say where jobs come from that prices are learnt from or compared
// with.
type JobsFlags struct {
	Data    string `env:"HORDE_KUDOS_DATA" placeholder:"FILE" help:"Jobs: CSV, plain or gzip."`
	FromDB  string `name:"from-db" env:"HORDE_KUDOS_FROM_DB" placeholder:"URL" help:"Finished pictures that a server recorded in PostgreSQL, as postgres://user:password@host/database."`
	DataDir string `name:"data-dir" env:"HORDE_KUDOS_DATA_DIR" type:"path" placeholder:"DIR" help:"The same from the data folder of a server with SQLite. It may run meanwhile."`
}

// read collects the jobs of all sources. The times that a server recorded are
// brought onto the scale of yardstick, and so are those of the file when both are
// read.
func (f *JobsFlags) read(con *console, yardstick *kudos.Net) ([]training.Job, error) {
	if f.Data == "" && f.FromDB == "" && f.DataDir == "" {
		return nil, usageError("name the jobs: --data FILE, --from-db URL or --data-dir DIR")
	}
	var jobs []training.Job
	if f.Data != "" {
		var err error
		if jobs, err = training.ReadJobs(f.Data); err != nil {
			return nil, err
		}
	}
	if f.FromDB == "" && f.DataDir == "" {
		return jobs, nil
	}
	if len(jobs) > 0 {
		if err := training.Rescale(jobs, yardstick.Basis()); err != nil {
			return nil, fmt.Errorf("%s: %w", f.Data, err)
		}
	}
	recorded, err := f.recorded(con, yardstick)
	return append(jobs, recorded...), err
}

// recorded reads what a server recorded.
func (f *JobsFlags) recorded(con *console, yardstick *kudos.Net) ([]training.Job, error) {
	if f.FromDB != "" && f.DataDir != "" {
		return nil, usageError("--from-db and --data-dir name two databases; take one")
	}
	s, err := store.OpenReader(con.ctx, store.Options{URL: f.FromDB, Folder: f.DataDir, Log: con.log})
	if err != nil {
		return nil, err
	}
	defer s.Close()
	timed, lost, err := training.ReadTimings(con.ctx, s)
	if err != nil {
		return nil, err
	}
	n, err := training.Normalize(timed, yardstick)
	if err != nil {
		return nil, fmt.Errorf("%d recorded pictures: %w", len(timed), err)
	}
	fmt.Fprintf(con.stderr, "%d recorded pictures: %d of use, at %d different paces; left out: %d unfit, %d of machines that are hardly known, %d outliers\n",
		len(timed)+lost, len(n.Jobs), n.Paces, n.Unfit+lost, n.Unknown, n.Outliers)
	return n.Jobs, nil
}
