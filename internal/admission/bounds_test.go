package admission

import (
	"errors"
	"testing"

	"horde/internal/horde"
)

// TestBoundsRefuseWhatPassesThem: what is just within a bound is taken, one more is
// refused with the code of who is in the way, and when to try again.
func TestBoundsRefuseWhatPassesThem(t *testing.T) {
	bounds := Bounds{Jobs: 100, AnonymousJobs: 20, Bytes: 1000, AccountBytes: 300}
	for _, tt := range []struct {
		name   string
		bounds Bounds
		crowd  Crowd
		more   Backlog
		want   horde.Code // "": taken
	}{
		{"nothing waits", bounds, Crowd{}, Backlog{Jobs: 20, Bytes: 300}, ""},
		{"the last job of all", bounds, Crowd{All: Backlog{Jobs: 99}}, Backlog{Jobs: 1}, ""},
		{"one job too many", bounds, Crowd{All: Backlog{Jobs: 99}}, Backlog{Jobs: 2}, horde.ServerBusy},
		{"the last byte of all", bounds, Crowd{All: Backlog{Bytes: 800}}, Backlog{Jobs: 1, Bytes: 200}, ""},
		{"one byte too many", bounds, Crowd{All: Backlog{Bytes: 800}}, Backlog{Jobs: 1, Bytes: 201}, horde.ServerBusy},
		{"the last byte of an account", bounds, Crowd{Own: Backlog{Bytes: 200}}, Backlog{Jobs: 1, Bytes: 100}, ""},
		{"an account's byte too many", bounds, Crowd{Own: Backlog{Bytes: 200}}, Backlog{Jobs: 1, Bytes: 101},
			horde.TooManyPrompts},
		{"the last anonymous job", bounds, Crowd{Own: Backlog{Jobs: 19}, Anonymous: true}, Backlog{Jobs: 1}, ""},
		{"an anonymous job too many", bounds, Crowd{Own: Backlog{Jobs: 19}, Anonymous: true}, Backlog{Jobs: 2},
			horde.TooManyPrompts},
		{"as many jobs of an account", bounds, Crowd{Own: Backlog{Jobs: 19}}, Backlog{Jobs: 2}, ""},
		{"no bounds", Bounds{}, Crowd{All: Backlog{1e6, 1e12}, Own: Backlog{1e6, 1e12}, Anonymous: true},
			Backlog{Jobs: 20, Bytes: 1e9}, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := tt.bounds.Check(t.Context(), tt.crowd, tt.more)
			if tt.want == "" && err != nil {
				t.Fatal(err)
			}
			if code := horde.CodeOf(err); code != tt.want {
				t.Fatalf("%v, want %s", err, tt.want)
			}

			var refused *horde.Error
			if errors.As(err, &refused) && refused.RetryAfter <= 0 {
				t.Error("nobody is told when to try again")
			}
		})
	}
}
