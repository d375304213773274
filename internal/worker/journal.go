package worker

import (
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io/fs"
	"os"
	"path/filepath"
	"sync"
	"time"
)

// journal is the list of jobs in hand, kept in a file so that it outlives a
// crash. Each change writes the file aside and renames it: the file is always
// whole. Without a data folder nothing is written.
type journal struct {
	path          string // "": nothing is kept
	worker, horde string
	lock          *os.File

	old []string // found at the start, of this horde

	mu   sync.Mutex
	jobs map[string]note // by job id; guarded by mu
}

// note is what the file says of a job.
type note struct {
	Horde  string    `json:"horde"`
	Popped time.Time `json:"popped"`
}

// journalFile is the file's content.
type journalFile struct {
	Version int             `json:"version"`
	Worker  string          `json:"worker"`
	Jobs    map[string]note `json:"jobs"`
}

// forgetAfter is when a job is certainly over, whatever its time to live.
const forgetAfter = 24 * time.Hour

// openJournal reads the list that an earlier run left and takes the folder for
// a worker of this name: a second one would fault the jobs of the first.
func openJournal(folder, worker, horde string) (*journal, error) {
	j := &journal{worker: worker, horde: horde, jobs: make(map[string]note)}
	if folder == "" {
		return j, nil
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("data folder: %w", err)
	}

	h := fnv.New32a()
	h.Write([]byte(worker))
	base := filepath.Join(folder, fmt.Sprintf("worker-%08x", h.Sum32()))
	lock, err := lockFile(base + ".lock")
	if err != nil {
		return nil, fmt.Errorf("another worker called %q runs on the folder %s, or it cannot be locked: %w",
			worker, folder, err)
	}

	j.path, j.lock = base+".json", lock
	if err := j.read(); err != nil {
		j.close()
		return nil, err
	}
	return j, nil
}

func (j *journal) read() error {
	b, err := os.ReadFile(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("jobs in hand: %w", err)
	}

	// Damaged or of another version: the server's own time-out is the fallback.
	var f journalFile
	if json.Unmarshal(b, &f) != nil || f.Version != 1 || f.Worker != j.worker {
		return nil
	}

	for id, n := range f.Jobs {
		switch {
		case time.Since(n.Popped) > forgetAfter:
		case n.Horde == j.horde:
			j.old = append(j.old, id)
			j.jobs[id] = n
		default: // of another horde: wait until it is served again
			j.jobs[id] = n
		}
	}
	return nil
}

// left returns the jobs that an earlier run left behind.
func (j *journal) left() []string { return j.old }

// add notes jobs as in hand.
func (j *journal) add(ids []string, popped time.Time) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range ids {
		j.jobs[id] = note{Horde: j.horde, Popped: popped.UTC()}
	}
	return j.writeLocked()
}

// remove forgets jobs that are over. A failure to write it down costs a fault that the
// server answers with "already submitted".
func (j *journal) remove(ids ...string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for _, id := range ids {
		delete(j.jobs, id)
	}
	j.writeLocked()
}

// writeLocked replaces the file. The caller holds mu.
func (j *journal) writeLocked() error {
	if j.path == "" {
		return nil
	}
	b, err := json.Marshal(journalFile{Version: 1, Worker: j.worker, Jobs: j.jobs})
	if err != nil {
		return err
	}
	if err := os.WriteFile(j.path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(j.path+".new", j.path)
}

// close releases the folder.
func (j *journal) close() {
	if j.lock != nil {
		j.lock.Close()
	}
}
