package kudos

import (
	"fmt"
	"io"

	"horde/internal/cli/console"
	"horde/internal/cli/database"
	"horde/internal/kudos"
	"horde/internal/kudos/training"
)

// JobsFlags say where the jobs come from that prices are learned from or compared with.
type JobsFlags struct {
	Data    string `env:"HORDE_KUDOS_DATA" placeholder:"FILE" help:"Jobs: CSV, plain or gzip."`
	FromDB  string `name:"from-db" env:"HORDE_KUDOS_FROM_DB" placeholder:"URL" help:"Finished images that a server recorded in PostgreSQL, as postgres://user:password@host/database."`
	DataDir string `name:"data-dir" env:"HORDE_KUDOS_DATA_DIR" type:"path" placeholder:"DIR" help:"The same from the data folder of a server with SQLite, which may be running."`
}

// read collects the jobs of all sources. The times that a server recorded are scaled
// to those of the net yardstick, and so are those of the file when both are read.
func (f *JobsFlags) read(con *console.Console, yardstick *kudos.Net) ([]training.Job, error) {
	if f.Data == "" && f.FromDB == "" && f.DataDir == "" {
		return nil, console.UsageError("name the jobs: --data FILE, --from-db URL or --data-dir DIR")
	}

	var jobs []training.Job
	if f.Data != "" {
		var unread training.Unread
		var err error
		if jobs, unread, err = training.ReadJobs(f.Data); err != nil {
			return nil, console.UsageError("--data: %w", err)
		}
		warnUnread(con.Stderr, f.Data, unread)
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

// warnUnread reports the lines of a file that were left out.
func warnUnread(w io.Writer, path string, u training.Unread) {
	if u.Lines == 0 {
		return
	}
	fmt.Fprintf(w, "%s: lines left out because they cannot be read: %d\n", path, u.Lines)
	for _, what := range u.First {
		fmt.Fprintf(w, "  %s\n", console.Clean(what))
	}

	if u.Lines > len(u.First) {
		fmt.Fprintln(w, "  …")
	}
}

// recorded reads what a server recorded.
func (f *JobsFlags) recorded(con *console.Console, yardstick *kudos.Net) ([]training.Job, error) {
	if f.FromDB != "" && f.DataDir != "" {
		return nil, console.UsageError("--from-db and --data-dir name two databases; give one")
	}
	s, err := database.OpenReader(con, f.FromDB, "--from-db", f.DataDir, "--data-dir")
	if err != nil {
		return nil, err
	}
	defer s.Close()

	timed, lost, err := training.ReadTimings(con.Ctx, s)
	if err != nil {
		return nil, err
	}

	n, err := training.Normalize(timed, yardstick)
	if err != nil {
		return nil, fmt.Errorf("images recorded: %d; %w", len(timed), err)
	}

	fmt.Fprintf(con.Stderr, "%d recorded images: %d usable, at %d different paces; "+
		"left out: %d unsuitable, %d of machines that are hardly known, %d outliers\n",
		len(timed)+lost, len(n.Jobs), n.Paces, n.Unfit+lost, n.Unknown, n.Outliers)
	return n.Jobs, nil
}
