package settle

// How often work is tried, whatever its kind (generation §5.8, §3.3; decision 48).
// Rules.MaxFailures is the bound where no other worker could do it.
const (
	MaxWorkers   = 3  // workers that failed on it
	maxFruitless = 10 // attempts in the long run, those among them that were nobody's fault
)

// Tries is what has failed on a request or form.
type Tries struct {
	// Blamed are the pops that failed by their workers' fault, by worker.
	Blamed map[string][]string

	// Failures is how often that happened; jobs of one pop count one by one.
	Failures int

	// Fruitless bounds the tries in the long run: of a request the pops whose jobs
	// failed by nobody's fault, of a form all the times that it was given up.
	Fruitless int
}

// hopeless reports whether so many workers failed that the work is to blame.
func (t *Tries) hopeless() bool { return len(t.Blamed) >= MaxWorkers }

// Spent reports whether work with these tries behind it is given up: three workers
// have failed on it; or as many failures have come as the rules allow, of one pop too
// as recorded, and nobody is left who has not failed on it. anotherLeft answers that;
// it is asked only where it matters.
func (r *Rules) Spent(t Tries, anotherLeft func(tried map[string][]string) bool) bool {
	switch {
	case t.hopeless() || t.Fruitless >= maxFruitless:
		return true
	case t.Failures < r.MaxFailures:
		return false
	}
	return !anotherLeft(t.Blamed)
}
