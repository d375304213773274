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

	old map[string]note // by job id: found at the start, of this horde

	mu   sync.Mutex
	jobs map[string]note // by job id; guarded by mu
}

// note is what the file says of a job, and of its result once there is one.
type note struct {
	Horde  string      `json:"horde"`
	Popped time.Time   `json:"popped"`
	Result *submission `json:"result,omitempty"`
}

// maxKept bounds a result in the file, in bytes: texts and links fit, images do not.
const maxKept = 256 << 10

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
	j := &journal{worker: worker, horde: horde, jobs: make(map[string]note), old: make(map[string]note)}
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

func (jn *journal) read() error {
	b, err := os.ReadFile(jn.path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("jobs in hand: %w", err)
	}

	// Damaged or of another version: the server's own time-out is the fallback.
	var f journalFile
	if json.Unmarshal(b, &f) != nil || f.Version != 1 || f.Worker != jn.worker {
		return nil
	}

	for id, n := range f.Jobs {
		switch {
		case time.Since(n.Popped) > forgetAfter:
		case n.Horde == jn.horde:
			jn.old[id] = n
			jn.jobs[id] = n
		default: // of another horde: wait until it is served again
			jn.jobs[id] = n
		}
	}
	return nil
}

// left returns the jobs that an earlier run left behind, by id.
func (jn *journal) left() map[string]note { return jn.old }

// add notes jobs as in hand.
func (jn *journal) add(ids []string, popped time.Time) error {
	jn.mu.Lock()
	defer jn.mu.Unlock()
	for _, id := range ids {
		jn.jobs[id] = note{Horde: jn.horde, Popped: popped.UTC()}
	}
	return jn.writeLocked()
}

// keep notes the result of a job in hand, before it is sent. What is too long is not
// kept: a crash faults its job.
func (jn *journal) keep(s *submission) error {
	if len(s.Generation) > maxKept {
		return nil
	}
	jn.mu.Lock()
	defer jn.mu.Unlock()
	n := jn.jobs[s.ID]
	n.Result = s
	jn.jobs[s.ID] = n
	return jn.writeLocked()
}

// remove forgets jobs that are over. A failure to write it down costs a fault that the
// server answers with "already submitted".
func (jn *journal) remove(ids ...string) {
	jn.mu.Lock()
	defer jn.mu.Unlock()
	for _, id := range ids {
		delete(jn.jobs, id)
	}
	jn.writeLocked()
}

// writeLocked replaces the file. The caller holds mu.
func (jn *journal) writeLocked() error {
	if jn.path == "" {
		return nil
	}
	b, err := json.Marshal(journalFile{Version: 1, Worker: jn.worker, Jobs: jn.jobs})
	if err != nil {
		return err
	}
	if err := os.WriteFile(jn.path+".new", b, 0o600); err != nil {
		return err
	}
	return os.Rename(jn.path+".new", jn.path)
}

// close releases the folder.
func (jn *journal) close() {
	if jn.lock != nil {
		jn.lock.Close()
	}
}
