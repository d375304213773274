package bench

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"
)

// Report is the result of a run. Times are in microseconds.
type Report struct {
	Mode       Mode              `json:"mode"`
	Text       bool              `json:"text,omitempty"` // text generation instead of images
	URL        string            `json:"url"`
	Model      string            `json:"model"`
	Clients    int               `json:"clients"`
	Workers    int               `json:"workers,omitempty"`
	Users      int               `json:"users"`
	Rate       float64           `json:"rate"` // wanted; 0: as fast as possible
	Backlog    int               `json:"backlog,omitempty"`
	Models     int               `json:"models,omitempty"`
	Seconds    float64           `json:"seconds"` // measured
	Completed  uint64            `json:"completed"`
	PerSecond  float64           `json:"per_second"`        // cycles, or checks
	EmptyPops  uint64            `json:"empty_pops"`        // found nothing although a request waited
	Refused    uint64            `json:"refused,omitempty"` // calls answered with 503
	Failed     uint64            `json:"failed"`
	Errors     map[string]uint64 `json:"errors"`
	Calls      []CallReport      `json:"calls"`
	ClientCost float64           `json:"client_cpu_us_per_call"` // 0: unknown
	ServerCost float64           `json:"server_cpu_us_per_unit"` // per cycle or check; 0: unknown
	LateStart  float64           `json:"late_start_p99_us"`      // starts for which no client was free; with a rate
	OwnDelay   float64           `json:"own_delay_p99_us"`       // of the bench, in the times of all calls
	SetupTime  float64           `json:"setup_seconds"`          // accounts and backlog
	Started    time.Time         `json:"started"`
}

// CallReport is one line of the table.
type CallReport struct {
	Call      string  `json:"call"`
	Count     uint64  `json:"count"`
	PerSecond float64 `json:"per_second"`
	Mean      float64 `json:"mean_us"`
	P50       float64 `json:"p50_us"`
	P95       float64 `json:"p95_us"`
	P99       float64 `json:"p99_us"`
	Max       float64 `json:"max_us"`
}

func micros(d time.Duration) float64 { return float64(d.Nanoseconds()) / 1000 }

// rows turns the histograms that hold something into lines.
func (rec *recorder) rows(seconds float64) []CallReport {
	out := []CallReport{}
	for what, h := range rec.latency[:shown] {
		s := h.summary()
		if s.count == 0 {
			continue
		}
		out = append(out, CallReport{
			Call:      measureNames[what],
			Count:     uint64(s.count),
			PerSecond: float64(s.count) / seconds,
			Mean:      micros(s.mean),
			P50:       micros(s.p50),
			P95:       micros(s.p95),
			P99:       micros(s.p99),
			Max:       micros(s.max),
		})
	}
	return out
}

// what is requested.
func (r *Report) what() string {
	if r.Mode == Forms {
		return "form " + benchForm
	}
	return "model " + r.Model
}

// Write prints the report as a table for people.
func (r *Report) Write(w io.Writer) error {
	unit := "cycles"
	if r.Mode == Check {
		unit = "checks"
	}
	mode := string(r.Mode)
	if r.Text {
		mode += " of text"
	}

	fmt.Fprintf(w, "%s of %s: %.1f %s/s over %.1f s (%d completed, %d errors)\n",
		mode, r.URL, r.PerSecond, unit, r.Seconds, r.Completed, r.Failed)
	fmt.Fprintf(w, "%d clients, %d workers, %d users, %s", r.Clients, r.Workers, r.Users, r.what())
	if r.Rate > 0 {
		fmt.Fprintf(w, ", %g starts/s", r.Rate)
	}
	if r.Backlog > 0 {
		fmt.Fprintf(w, ", behind %d requests for %d other models", r.Backlog, r.Models)
	}
	fmt.Fprint(w, "\n\n")

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "call\tcount\tper s\tmean ms\tp50\tp95\tp99\tmax\t")
	ms := func(us float64) string { return fmt.Sprintf("%.2f", us/1000) }
	for _, c := range r.Calls {
		fmt.Fprintf(t, "%s\t%d\t%.1f\t%s\t%s\t%s\t%s\t%s\t\n", c.Call, c.Count, c.PerSecond,
			ms(c.Mean), ms(c.P50), ms(c.P95), ms(c.P99), ms(c.Max))
	}
	if err := t.Flush(); err != nil {
		return err
	}

	fmt.Fprintln(w)
	if r.ServerCost > 0 {
		fmt.Fprintf(w, "server: %.0f µs of processor time per %s\n", r.ServerCost, unit[:len(unit)-1])
	}
	if r.ClientCost > 0 {
		fmt.Fprintf(w, "bench itself: %.0f µs of processor time per call\n", r.ClientCost)
	}
	fmt.Fprintf(w, "delays of bench itself, p99: %.2f ms in the times of calls", r.OwnDelay/1000)
	if r.Rate > 0 {
		fmt.Fprintf(w, ", starts %.2f ms late", r.LateStart/1000)
	}
	fmt.Fprintln(w)
	if r.EmptyPops > 0 {
		fmt.Fprintf(w, "%d pops found nothing although an accepted request waited\n", r.EmptyPops)
	}
	for _, text := range slices.Sorted(maps.Keys(r.Errors)) {
		fmt.Fprintf(w, "error: %s (%d times)\n", text, r.Errors[text])
	}
	return nil
}
