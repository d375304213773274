package client

import (
	"testing"
	"time"

	"horde/api"
)

// moment is something that an ETA hears of, so many seconds after the start.
type moment struct {
	at    float64
	event Event
}

func checkEvent(c api.Check) Event { return Event{Check: &c} }

func stepEvent(job, worker string, step, steps int, elapsed, each float64) Event {
	return Event{Progress: &api.JobProgress{Job: job, WorkerName: worker, Elapsed: elapsed, StepSeconds: each,
		Progress: api.Progress{Step: step, Steps: steps}}}
}

func TestTheTimeLeftFollowsWhatIsHeard(t *testing.T) {
	one := checkEvent(api.Check{Processing: 1, WaitTime: 90})
	for name, tc := range map[string]struct {
		heard []moment
		at    float64
		want  float64 // seconds
		known bool
	}{
		"nothing is known before anything was heard": {at: 1},
		"the server's estimate counts down until steps come": {
			heard: []moment{
				{0, checkEvent(api.Check{Waiting: 1, WaitTime: 30, QueuePosition: 2})},
			},
			at:    12,
			want:  18,
			known: true,
		},
		"the steps decide: elapsed ÷ steps done × rest": {
			heard: []moment{{0, one}, {6, stepEvent("a", "w", 6, 24, 6, 0)}}, at: 6, want: 18, known: true},
		"a step's own time counts more than what came before the first": {
			heard: []moment{{0, one}, {40, stepEvent("a", "w", 2, 10, 40, 1)}}, at: 42, want: 6, known: true},
		"an older server's steps are measured here": {
			heard: []moment{
				{0, one},
				{10, stepEvent("a", "w", 1, 9, 0, 0)},
				{14, stepEvent("a", "w", 3, 9, 0, 0)},
			},
			at:    14,
			want:  12,
			known: true,
		},
		"one step of an older server tells nothing, so the server's estimate stays": {
			heard: []moment{{0, one}, {10, stepEvent("a", "w", 1, 9, 0, 0)}}, at: 10, want: 80, known: true},
		"longer than expected is below zero": {
			heard: []moment{{0, one}, {6, stepEvent("a", "w", 6, 8, 6, 1)}}, at: 11, want: -3, known: true},
		"a batch of one worker adds up, with the jobs that are not begun": {
			heard: []moment{
				{0, checkEvent(api.Check{Processing: 3})},
				{5, stepEvent("a", "w", 5, 10, 5, 1)},
			},
			at:    5,
			want:  25,
			known: true,
		},
		"workers work side by side": {
			heard: []moment{
				{0, checkEvent(api.Check{Processing: 2})},
				{5, stepEvent("a", "w", 5, 10, 5, 1)},
				{5, stepEvent("b", "v", 2, 10, 5, 2)},
			},
			at:    5,
			want:  16,
			known: true,
		},
		"what nobody has yet is the server's to judge": {
			heard: []moment{
				{0, checkEvent(api.Check{Processing: 1, Waiting: 3, WaitTime: 60})},
				{5, stepEvent("a", "w", 5, 10, 5, 1)},
			},
			at:    5,
			want:  55,
			known: true,
		},
		"a job that was given back is forgotten": {
			heard: []moment{
				{0, one},
				{6, stepEvent("a", "w", 6, 24, 6, 1)},
				{7, checkEvent(api.Check{Processing: 1, Restarted: 1, WaitTime: 40})},
			},
			at:    7,
			want:  40,
			known: true,
		},
		"a finished one is forgotten, the others stay": {
			heard: []moment{
				{0, checkEvent(api.Check{Processing: 2})},
				{5, stepEvent("a", "w", 10, 10, 5, 1)},
				{5, stepEvent("b", "w", 2, 10, 5, 1)},
				{6, checkEvent(api.Check{Processing: 1, Finished: 1})},
			},
			at:    6,
			want:  7,
			known: true,
		},
	} {
		t.Run(name, func(t *testing.T) {
			start := time.Unix(1_000_000, 0)
			at := func(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

			var e ETA
			for _, m := range tc.heard {
				e.Note(m.event, at(m.at))
			}

			left, known := e.Left(at(tc.at))
			if known != tc.known || (left-time.Duration(tc.want*float64(time.Second))).Abs() > time.Millisecond {
				t.Errorf("left %v, known %v; want %v s, %v", left, known, tc.want, tc.known)
			}
		})
	}
}

func TestETAIsOverWithItsRequest(t *testing.T) {
	var e ETA
	now := time.Now()
	e.Note(checkEvent(api.Check{Waiting: 1, WaitTime: 30}), now)
	e.Note(Event{End: &api.ImageStatus{}}, now)
	if left, known := e.Left(now); known {
		t.Errorf("left %v after the end", left)
	}
}
