package queue

import (
	"context"
	"testing"

	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestOwnChangesComeIn: whatever this node commits of a request is in its index when
// Write returns, whoever wrote it.
func TestOwnChangesComeIn(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner, user := n.person(t, false, 1000), n.person(t, false, 1000)
	id := n.accept(t, ask(user, 3))
	write := func(do func(*store.Tx) error) {
		t.Helper()
		if err := n.Store.Write(t.Context(), store.Unit{Do: do}); err != nil {
			t.Fatal(err)
		}
		if what := n.differs(); what != "" {
			t.Error(what)
		}
	}

	job := n.take(t, owner, pop("w"))
	write(func(tx *store.Tx) error { return tx.EndJob(*job.ID, store.JobResult{State: store.JobFaulted}) })
	write(func(tx *store.Tx) error { _, err := tx.Requeue(id); return err })

	write(func(tx *store.Tx) error { _, err := tx.Cancel(id); return err })
	write(func(tx *store.Tx) error { return tx.DeleteRequest(id, tx.Now+1e12) })
	if n.inIndexes(id) != nil {
		t.Error("the request is still there")
	}
}

func TestAFailedClaimGivesBackWhatItReserved(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner, user := n.person(t, false, 1000), n.person(t, false, 1000)
	n.accept(t, ask(user, 1))

	o := n.offer(t, owner, pop("w"))
	left, leave := context.WithCancel(t.Context())
	leave()
	if _, err := n.pop(left, n.images, o, 0); err == nil {
		t.Error("a worker that has left got a job")
	}
	if n.take(t, owner, pop("w")) == nil {
		t.Error("the job was not given back")
	}
	if what := n.differs(); what != "" {
		t.Error(what)
	}
}
