package queue

import (
	"testing"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// A request that names no model is priced by the dearest of the workers that could
// get it, and new workers count only where no other is there: a stranger who makes
// one up does not decide what a shared key must have.
func TestPriceByWorkersThatCouldGetIt(t *testing.T) {
	t.Parallel()
	const small, dear = "Sao10K/L3-8B-Stheno-v3.2", "TheDrummer/Cydonia-24B-v4.3"
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		for _, tt := range []struct {
			name         string
			offer        func(s *shop, name, model string)
			price        func(s *shop, models ...string) float64
			small, large string
		}{
			{"image", func(s *shop, name, model string) { s.node.offer(t, s.owner, pop(name, model)) },
				func(s *shop, models ...string) float64 {
					a := ask(s.asker, 1, models...)
					if models == nil {
						a.Body.Models = &[]string{}
					}
					p, err := s.Price(t.Context(), a)
					if err != nil {
						t.Fatal(err)
					}
					return float64(p.Charged)
				}, catalog.Sketch, "SDXL 1.0"},
			{"text", func(s *shop, name, model string) {
				if _, err := s.Fleet.CheckInText(t.Context(), s.owner.User, scribe(name, model), "10.0.0.1"); err != nil {
					t.Fatal(err)
				}
			}, func(s *shop, models ...string) float64 {
				p, err := s.PriceText(t.Context(), askText(s.asker, 1, models...))
				if err != nil {
					t.Fatal(err)
				}
				return float64(p.Charged)
			}, small, dear},
		} {
			t.Run(tt.name, func(t *testing.T) {
				s := &shop{T: t, node: n, asker: n.person(t, false, 1000), owner: n.person(t, true, 0)}
				cheap, expensive := tt.price(s, tt.small), tt.price(s, tt.large)
				if cheap >= expensive {
					t.Fatalf("%v is no less than %v", cheap, expensive)
				}

				proven := func(name string) {
					db.Exec("UPDATE workers SET totals = $1 WHERE id = $2", `{"fulfilments":1,"speeds":[9000000]}`,
						n.Fleet.ByName(name).ID)
					if err := n.Fleet.Reload(t.Context()); err != nil {
						t.Fatal(err)
					}
				}

				costs := func(want float64, why string) {
					t.Helper()
					if got := tt.price(s); got != want {
						t.Errorf("%s: %v, want %v", why, got, want)
					}
				}

				tt.offer(s, "regular "+tt.name, tt.small)
				tt.offer(s, "stranger "+tt.name, tt.large)
				costs(expensive, "all workers are new")
				proven("regular " + tt.name)
				costs(cheap, "the dear worker is new")
				proven("stranger " + tt.name)
				costs(expensive, "both have delivered")
				s.set("stranger "+tt.name, api.ModifyWorker{Maintenance: ptr(true)})
				costs(cheap, "the dear worker is in maintenance")
			})
		}
	})
}
