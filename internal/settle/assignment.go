package settle

import (
	"strings"

	"horde/internal/horde"
	"horde/internal/store"
)

// Assignment is a piece of work in a worker's hands and the rows that say so: a [*Job] or
// a [*Form]. Once a unit of work is committed, it knows what became of them.
type Assignment interface {
	id() string
	request() string // that it is part of
	decoy() bool     // it was handed out to a paused worker, and is nobody's work

	// finish makes the changes of rows that a delivery begins with.
	finish(d *Delivery) []store.Asked

	// finished takes the answers to them, and returns what the request had consumed
	// before. ErrLost: the assignment had ended.
	finished(tx *store.Tx, d *Delivery) (consumed horde.Kudos, err error)

	// giveUp ends the assignment without a result: its work goes back to the queue, or is
	// given up for good where the rules say so. ErrLost: the assignment had ended.
	giveUp(tx *store.Tx, b *Abort) (aborted, error)

	// over reports whether nothing more will be charged to the funds of the work.
	over(tx *store.Tx) (bool, error)
}

// aborted is what an abort brought to light of the work.
type aborted struct {
	tries     Tries // where there were enough of them to be judged
	cancelled bool  // by its requester: nobody is to blame for what becomes of it
}

// Job is a job in a worker's hands.
type Job struct {
	Row    *store.Job
	Result store.JobResult // how it ends

	// State is that of the request after the commit. Of a decoy it says nothing.
	State store.RequestState

	end    *store.Ask[string]
	charge *store.Ask[store.RequestState]
}

func (j *Job) id() string      { return j.Row.ID }
func (j *Job) request() string { return j.Row.RequestID }
func (j *Job) decoy() bool     { return j.Row.Decoy }

func (j *Job) finish(d *Delivery) []store.Asked {
	j.end = store.EndOf(j.Row.ID, j.Result, d.At)
	j.charge = store.ChargeOf(j.Row.RequestID, d.Charge, d.Expires)
	return []store.Asked{j.end, j.charge}
}

func (j *Job) finished(tx *store.Tx, d *Delivery) (consumed horde.Kudos, err error) {
	if _, err := j.end.Answer(tx); err != nil {
		return 0, err
	}
	if j.State, err = j.charge.Answer(tx); err != nil {
		return 0, err
	}
	return j.State.Consumed - d.Charge, nil
}

func (j *Job) giveUp(tx *store.Tx, b *Abort) (aborted, error) {
	j.State = store.RequestState{} // of a run that was rolled back
	if err := tx.EndJob(j.Row.ID, j.Result); err != nil || j.Row.Decoy {
		return aborted{}, err
	}

	// From here on the request is locked: all nodes see the same failures.
	var err error
	if j.State, err = tx.Requeue(j.Row.RequestID); err != nil {
		return aborted{}, err
	}

	// Of too few failures nothing is concluded.
	found := aborted{cancelled: j.State.Cancelled}
	if j.State.Faults < b.Rules.MaxFailures && b.Excuse != SourceGone {
		return found, nil
	}
	failures, err := tx.Failures(j.Row.RequestID)
	if err != nil {
		return found, err
	}
	found.tries = triesOfJobs(failures)

	if !j.State.Faulted && b.spent(found.tries) {
		j.State, err = tx.GiveUp(j.Row.RequestID)
	}
	return found, err
}

func (j *Job) over(tx *store.Tx) (bool, error) { return requestOver(tx, j.Row.RequestID, j.State) }

// requestOver reports whether nothing more will be charged for a request in this
// state, as this transaction has read it. It asks the database for jobs in progress:
// other nodes may have some that this one has not heard of.
func requestOver(tx *store.Tx, id string, s store.RequestState) (bool, error) {
	if s.Waiting > 0 && !s.Faulted {
		return false, nil
	}
	running, err := tx.Running(id)
	return running == 0, err
}

// triesOfJobs counts the failures of a request.
func triesOfJobs(failures []store.Failure) Tries {
	t := Tries{Blamed: map[string][]string{}}
	excused := map[string]bool{}
	for _, f := range failures {
		if f.Excused {
			excused[f.Pop] = true
			continue
		}
		t.Blamed[f.WorkerID] = append(t.Blamed[f.WorkerID], f.Pop)
		t.Failures++
	}

	t.Fruitless = len(excused)
	return t
}

// Form is an alchemy form in a worker's hands.
type Form struct {
	Row    store.Form // as the caller knows it; every change asks whether it still is so
	Result store.FormResult

	// Known is the result to be given again to others; nil: it is not.
	Known *store.KnownResult

	// Progress is that of the form after the commit.
	Progress store.FormProgress

	end   *store.Ask[store.FormProgress]
	renew *store.Ask[string]
}

func (f *Form) id() string      { return f.Row.ID }
func (f *Form) request() string { return f.Row.RequestID }
func (f *Form) decoy() bool     { return false }

func (f *Form) finish(d *Delivery) []store.Asked {
	f.end = store.FinishFormOf(&f.Row, f.Result)
	f.renew = store.RenewAlchemyOf(f.Row.RequestID, d.Expires, d.At)
	return []store.Asked{f.end, f.renew}
}

func (f *Form) finished(tx *store.Tx, _ *Delivery) (consumed horde.Kudos, err error) {
	if f.Progress, err = f.end.Answer(tx); err != nil {
		return 0, err
	}
	if _, err := f.renew.Answer(tx); err != nil || f.Known == nil {
		return 0, err
	}
	return 0, tx.KeepResult(*f.Known)
}

func (f *Form) giveUp(tx *store.Tx, b *Abort) (found aborted, err error) {
	failedBy := f.Row.FailedBy
	if b.Excuse == NoExcuse && f.Row.WorkerID != "" {
		failedBy = withFailure(failedBy, f.Row.WorkerID, b.Pop)
	}
	found.tries = triesOfForm(failedBy, f.Row.Aborts+1)

	to := store.FormWaiting
	if b.spent(found.tries) {
		to = store.FormFaulted
	}
	f.Progress, err = tx.RequeueForm(&f.Row, to, failedBy)
	return found, err
}

func (f *Form) over(*store.Tx) (bool, error) {
	return f.Progress.State != store.FormWaiting && f.Progress.State != store.FormRunning, nil
}

// FailuresOf reads the pops that have failed on a form, by worker; nil when none has.
func FailuresOf(p *store.FormProgress) map[string][]string {
	return triesOfForm(p.FailedBy, p.Aborts).Blamed
}

// triesOfForm counts the failures that a form's row names, given up so often in all.
func triesOfForm(failedBy string, aborts int) Tries {
	t := Tries{Fruitless: aborts}
	if failedBy == "" {
		return t
	}

	t.Blamed = map[string][]string{}
	for failure := range strings.SplitSeq(failedBy, ",") {
		worker, pop, _ := strings.Cut(failure, "/")
		t.Blamed[worker] = append(t.Blamed[worker], pop)
		t.Failures++
	}
	return t
}

// withFailure is what a form's row names as its failures, with one more.
func withFailure(failedBy, worker, pop string) string {
	failure := worker + "/" + pop
	if failedBy == "" {
		return failure
	}
	return failedBy + "," + failure
}
