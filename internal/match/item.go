package match

import "horde/internal/horde"

// Item is a piece of waiting work: the jobs of a request, or one form.
type Item struct {
	ID       string
	Request  string       // the item's own id, or that of the request it is part of
	Position int          // within the request
	User     horde.UserID // who asked
	Trusted  bool         // the user was, when the request was taken
	Rank     int64        // higher is served first
	Created  horde.Micros
	Features Features
	Models   []string // those that will do; none: any. Of a form, its name.
	Workers  []string // the list of the request: see Barred
	Barred   bool     // the list is of workers that must not serve; else of those that alone may
	Prompt   string
	Price    horde.Kudos // of one job
	Units    int64       // work of one job
	Steps    int         // of an image, as its sampler counts them
	Length   int         // of the text to write, in tokens
	Context  int         // that the text is written in, in tokens

	// State, Reserved and DecoyWorkers move. They, and queued, are guarded by whoever
	// guards the index.
	State
	Reserved     int             // jobs whose claims by this node are not committed yet
	DecoyWorkers map[string]bool // workers that were given a decoy of the request
	queued       bool            // it stands where pops look
}

// State is what moves of an item in the database.
type State struct {
	Waiting int // jobs
	Expires horde.Micros
	Ended   bool // given up or cancelled: nothing more is handed out
}

// Queued reports whether the item stands where pops look.
func (it *Item) Queued() bool { return it.queued }

// Available is how many jobs a pop of this node may still take.
func (it *Item) Available(now horde.Micros) int {
	if it.Ended || it.Expires <= now {
		return 0
	}
	return it.Waiting - it.Reserved
}

// Targeted reports whether the item is for named workers alone.
func (it *Item) Targeted() bool { return len(it.Workers) > 0 && !it.Barred }

// targets reports whether the item's list of workers lets this one serve it.
func (it *Item) targets(worker string) bool {
	if len(it.Workers) == 0 {
		return true
	}
	for _, id := range it.Workers {
		if id == worker {
			return !it.Barred
		}
	}
	return it.Barred
}

// How often every queued request gains priority, and by how much (generation §5.1).
const (
	GrowthTick = 10_000_000 // microseconds
	GrowthGain = 50
)

// GrowingRank is the priority that a request would have had at time 0: comparing it
// compares the priorities of two requests at any later time.
func GrowingRank(priority int64, created horde.Micros) int64 {
	return priority - GrowthGain*int64(created/GrowthTick)
}

// Before is the order of the queue: priority, then age (generation §1.15), then the order within
// a request.
func Before(a, b *Item) bool {
	switch {
	case a.Rank != b.Rank:
		return a.Rank > b.Rank
	case a.Created != b.Created:
		return a.Created < b.Created
	case a.Request != b.Request:
		return a.Request < b.Request
	}
	return a.Position < b.Position
}
