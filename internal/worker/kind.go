package worker

import (
	"context"
	"time"

	"horde/api"
	"horde/client"
	"horde/engine"
)

// Work is a kind of work, with the engines that do it: Images or Texts.
type Work interface {
	// open checks the settings and prepares the kind.
	open(cfg Config) (kind, error)
}

// kind is what differs between the kinds of work. The loop, the journal, the watchdogs
// and the shutdown are the same for all.
type kind interface {
	// names are what metrics call this kind.
	names() names
	engines() []engine.Engine
	// threads is how many jobs are done at once, at least 1: as many as are wanted, at
	// most what the engines can do now. With 0 wanted it is what they can do, or 1 where
	// they do not say.
	threads(wanted int) int
	// pop asks a horde for a job, offering what the engines can do now.
	pop(ctx context.Context, c *client.Client, threads int, wait time.Duration) (*popped, error)
	// submit delivers what became of a job.
	submit(ctx context.Context, c *client.Client, s *submission) (*api.Submitted, error)
}

// names are what metrics call a kind of work.
type names struct {
	worker  string // dreamer, scribe
	results string // images, texts
}

// popped is a horde's answer to a pop, of any kind.
type popped struct {
	ids      []string // none: there is no job
	model    string
	ttl      int // seconds; 0: not said
	messages []api.WorkerMessage
	skipped  map[string]int
	task     func(j *job) task // of the job
}

// task is what is to be generated in one job.
type task interface {
	// describe is what the log says of it.
	describe() []any
	// engine is that of the job's model; nil: none has it.
	engine() engine.Engine
	// check refuses what was never offered, which an engine might not be able to refuse
	// itself.
	check() error
	// prepare fetches what the engine needs.
	prepare(ctx context.Context) error
	// generate has the engine work. It hands results to job.accept as they come, and
	// calls job.noteAlive whenever the engine gets on.
	generate(ctx context.Context) error
}

// submission is what became of one id of a job, of any kind. The journal keeps it until
// the horde has it or knows that its job failed.
type submission struct {
	ID         string             `json:"id"`
	Generation string             `json:"generation"`
	State      string             `json:"state"`
	Seed       int64              `json:"seed"`
	Metadata   []api.GenMetadatum `json:"gen_metadata,omitempty"`
}

// stateFaulted is the state of what could not be generated or delivered.
const stateFaulted = "faulted"

// fault is the submission of an id that failed.
func fault(id string, remarks []api.GenMetadatum) *submission {
	return &submission{ID: id, Generation: "faulted", State: stateFaulted, Seed: -1, Metadata: remarks}
}

// modelsOf lists the models of all engines, each once.
func modelsOf[E engine.Engine](engines []E) (models []string) {
	known := map[string]bool{}
	for _, e := range engines {
		for _, m := range e.Models() {
			if !known[m] {
				known[m] = true
				models = append(models, m)
			}
		}
	}
	return models
}

// engineOf finds the first engine that has a model.
func engineOf[E engine.Engine](engines []E, model string) (found E, ok bool) {
	for _, e := range engines {
		for _, m := range e.Models() {
			if m == model {
				return e, true
			}
		}
	}
	return found, false
}

// plain are engines of a kind as engines of any.
func plain[E engine.Engine](engines []E) []engine.Engine {
	all := make([]engine.Engine, len(engines))
	for i, e := range engines {
		all[i] = e
	}
	return all
}

// idsOf are the ids of a job; older servers send a single one.
func idsOf(id *string, ids []string) []string {
	switch {
	case id == nil || *id == "":
		return nil
	case len(ids) == 0:
		return []string{*id}
	}
	return ids
}

// value is what a pointer leads to; the zero value of none.
func value[T any](p *T) (v T) {
	if p != nil {
		v = *p
	}
	return v
}
