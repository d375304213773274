package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"testing"

	"horde/e2e/program"
)

// craft is a kind of work for which workers deliver odd things.
type craft struct {
	ask, pop, submit, told string
	order, offer           string
	good                   map[string]json.RawMessage // members of a good delivery
	odd                    []string                   // those that are made odd
}

var crafts = map[string]craft{
	"image": {
		ask: "generate/async", pop: "generate/pop", submit: "generate/submit", told: "generate/status/",
		order: `{"prompt":"x","params":{"width":64,"height":64,"steps":1,"n":20},"r2":false}`,
		offer: `{"name":"painter","models":["stable_diffusion"]}`,
		good:  map[string]json.RawMessage{"generation": json.RawMessage(`"R2"`), "seed": json.RawMessage(`1`)},
		odd:   []string{"id", "generation", "seed", "state", "censored", "gen_metadata", "extra"},
	},
	"text": {
		ask: "generate/text/async", pop: "generate/text/pop", submit: "generate/text/submit", told: "generate/text/status/",
		order: `{"prompt":"x","params":{"n":20},"models":["any model"]}`, offer: `{"name":"scribe","models":["any model"]}`,
		good: map[string]json.RawMessage{"generation": json.RawMessage(`"a tale"`)},
		odd:  []string{"id", "generation", "seed", "state", "gen_metadata", "extra"},
	},
	"alchemy": {
		ask: "interrogate/async", pop: "interrogate/pop", submit: "interrogate/submit", told: "interrogate/status/",
		order: `{"forms":[{"name":"caption"},{"name":"nsfw"},{"name":"describe"},{"name":"palette"}],"source_image":"` +
			tinyImage() + `"}`,
		offer: `{"name":"alchemist","forms":["caption","nsfw","describe","palette"]}`,
		good:  map[string]json.RawMessage{"result": json.RawMessage(`{"caption":"x"}`)},
		odd:   []string{"id", "result", "state", "extra"},
	},
}

// TestOddResults: what a worker delivers for a real job is taken or refused, never
// a 500; what is taken can be read, and the ledger stays sound.
func TestOddResults(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db string) {
		srv := program.Start(t, program.Setup{DB: db})
		p := makeParties(t, srv, 2)
		for _, name := range slices.Sorted(maps.Keys(crafts)) {
			t.Run(name, func(t *testing.T) {
				w := workshop{T: t, craft: crafts[name], srv: srv, p: p}
				for _, odd := range oddResults(name) {
					for _, member := range w.odd {
						w.try(member, odd)
					}
				}
				if w.taken < 20 || w.refused < 20 {
					t.Errorf("%d were taken, %d refused", w.taken, w.refused)
				}
			})
		}
		ledgerIsSound(t, srv, db)
	})
}

// oddResults are oddValues and what is odd in deliveries alone.
func oddResults(kind string) []string {
	entry := `[{"type":"censorship","value":"csam"`
	more := []string{entry + `,"ref":"a\u0000b"}]`, entry + `,"ref":"` + "\xff" + `"}]`, entry + `,"x":1}]`, entry +
		`},null]`, `[{"type":"censorship"}]`,
		`"R2"`, `{"a":"R2","b":["R2"]}`, `{"caption":"a\u0000b"}`, `{"a\u0000b":"x"}`, `{"":""}`, `"UklGRgAAAABXRUJQ"`,
		`"data:image/webp;base64,"`, `"csam"`, `"censored"`}
	if kind == "alchemy" {
		more = append(more, `{"caption":1e308}`, `{"caption":18446744073709551616}`, `{"caption":{"deep":`+deep(90)+`}}`)
	}
	return append(slices.Clone(oddValues), more...)
}

func deep(n int) string {
	s := "1"
	for range n {
		s = "[" + s + "]"
	}
	return s
}

// workshop has jobs in hand and delivers them.
type workshop struct {
	*testing.T
	craft
	srv            *program.Server
	p              []party
	job, request   string
	taken, refused int
}

// take has a job in hand that was not delivered yet.
func (w *workshop) take() {
	w.Helper()
	for w.job == "" {
		status, body := call(w.T, http.MethodPost, w.srv.URL+"/api/v2/"+w.pop, w.p[1].key, w.offer)
		var got struct {
			ID    string
			Forms []struct{ ID string }
		}
		decodeAs(w.T, http.StatusOK, status, body, &got)
		if w.job = got.ID; len(got.Forms) > 0 {
			w.job = got.Forms[0].ID
		}
		if w.job == "" {
			w.request = want(w.T, http.StatusAccepted, "POST", w.srv.URL+"/api/v2/"+w.ask, w.p[0].key, w.order)
		}
	}
}

// try delivers a job with one member that is odd.
func (w *workshop) try(member, odd string) {
	w.Helper()
	w.take()
	good := maps.Clone(w.good)
	good["id"] = json.RawMessage(fmt.Sprintf("%q", w.job))
	status, body := call(w.T, http.MethodPost, w.srv.URL+"/api/v2/"+w.submit, w.p[1].key, withMember(good, member, odd))
	switch {
	case status >= 500 || !json.Valid([]byte(body)):
		w.Errorf("%s %s: %d %s", member, clipped(odd), status, clipped(body))
	case status != http.StatusOK:
		w.refused++
		return
	}
	w.taken++
	w.job = ""
	if status, body := call(w.T, http.MethodGet, w.srv.URL+"/api/v2/"+w.told+w.request, "", ""); status != http.StatusOK ||
		!json.Valid([]byte(body)) {
		w.Errorf("after %s %s: the status is %d %s", member, clipped(odd), status, clipped(body))
	}
}
