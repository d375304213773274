package queue

import (
	"context"
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// fill puts requests into the queue of a node, one in a model of each of models.
func fill(b *testing.B, n *node, user horde.UserID, count, jobs int, models func(i int) string) {
	b.Helper()
	now := n.clock.Micros()
	for done := 0; done < count; {
		k := min(1000, count-done)
		err := n.Store.Write(b.Context(), store.Unit{Do: func(tx *store.Tx) error {
			for i := range k {
				body, err := json.Marshal(record{Image: &admission.Image{
					Common: admission.Common{Prompt: "a red fox", Models: []string{models(done + i)}, N: jobs, SlowWorkers: true},
					Width:  64, Height: 64, Steps: 4, AccurateSteps: 4, Sampler: "k_euler_a", Karras: true, R2: true}, Price: 1})
				if err != nil {
					return err
				}
				q := store.Request{ID: horde.NewID(), Kind: horde.KindImage, UserID: user, Created: now + horde.Micros(i),
					Priority: int64(i % 100), Body: string(body),
					RequestState: store.RequestState{Jobs: jobs, Waiting: jobs, Expires: now + horde.MicrosIn(time.Hour), Version: 1}}
				tx.InsertRequest(q)
			}

			return nil
		}})
		if err != nil {
			b.Fatal(err)
		}

		done += k
	}

	if err := n.Reload(context.Background()); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkClaim measures pops, database included, behind a backlog of requests for 200 other models:
// those that find nothing, and those that find a job, its claim included.
func BenchmarkClaim(b *testing.B) {
	for _, engine := range []string{storetest.SQLite, storetest.Postgres} {
		for _, backlog := range []int{100, 100_000} {
			b.Run(fmt.Sprintf("%s/queued=%d", engine, backlog), func(b *testing.B) {
				n := newNode(b, storetest.On(b, engine), hordetest.NewClock())
				p := n.person(b, true, 1000)
				fill(b, n, p.ID, backlog, 1, func(i int) string { return fmt.Sprint("model ", i%200) })

				o := n.offer(b, n.person(b, true, 0), pop("one"))
				b.Run("nothing", func(b *testing.B) {
					for b.Loop() {
						if job, err := n.Pop(context.Background(), o, 0); err != nil || job.ID != nil {
							b.Fatalf("%+v, %v", job, err)
						}
					}
				})

				b.Run("match", func(b *testing.B) {
					left := 0
					for b.Loop() {
						if left == 0 {
							b.StopTimer()
							fill(b, n, p.ID, 500, 1, func(int) string { return "horde_sketch" })
							left = 500
							b.StartTimer()
						}
						if job, err := n.Pop(context.Background(), o, 0); err != nil || job.ID == nil {
							b.Fatalf("%+v, %v", job, err)
						}
						left--
					}
				})
			})
		}
	}
}
