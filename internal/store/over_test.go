package store_test

import (
	"slices"
	"testing"

	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// A request is open while something of it waits or is in a worker's hands, over afterwards,
// and neither once it has expired.
func TestOpenAndEndedRequests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		s, ctx, now := db.Open(storetest.Clock(c.Now)), t.Context(), c.Micros()
		add := func(waiting int, faulted bool, state store.JobState) string {
			r := request(now, 1)
			r.Waiting, r.Faulted = waiting, faulted
			insert(t, s, r)
			do(t, s, func(tx *store.Tx) error {
				tx.InsertJob(store.Job{ID: "job of " + r.ID, RequestID: r.ID, Started: now, TTL: 1000})
				return nil
			})
			if state != store.JobRunning {
				do(t, s, func(tx *store.Tx) error {
					return tx.EndJob("job of "+r.ID, store.JobResult{State: state})
				})
			}
			return r.ID
		}
		open := []string{
			add(1, false, store.JobDone),
			add(0, false, store.JobRunning),
			add(1, true, store.JobRunning),
		}
		over := []string{add(0, false, store.JobDone), add(1, true, store.JobFaulted)}
		expired := request(now, 1)
		expired.Expires = now
		insert(t, s, expired)

		if got := ids(must[[]store.Request](t)(s.OpenRequests(ctx, now))); !slices.Equal(got, sorted(open)) {
			t.Errorf("open: %v, want %v", got, open)
		}
		ended := must[[]store.Request](t)(s.EndedRequests(ctx, now))
		if got := ids(ended); !slices.Equal(got, sorted(over)) {
			t.Errorf("over: %v, want %v", got, over)
		}
		for _, r := range ended {
			if r.UserID == 0 || r.Kind != horde.KindImage || r.Faulted != (r.ID == over[1]) {
				t.Errorf("noted of a request that is over: %+v", r)
			}
		}
		for _, j := range must[[]store.Job](t)(s.OpenJobs(ctx, now)) {
			if !slices.Contains(open, j.RequestID) {
				t.Errorf("a job of %s, which is over", j.RequestID)
			}
		}
	})
}

// ids are those of requests, sorted.
func ids(all []store.Request) (ids []string) {
	for _, r := range all {
		ids = append(ids, r.ID)
	}
	return sorted(ids)
}

func sorted(ids []string) []string { return slices.Sorted(slices.Values(ids)) }
