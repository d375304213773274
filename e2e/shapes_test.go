package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	"horde/internal/golden"
)

// shapes are the answers of success of each route
// (generation §1.8–§1.13, §1.18–§1.20, §2.5–§2.8, §3.1–§3.4). Each stands key by key
// in a step of mode "exact", which is found by what its body has: a pointer and a
// value as the scenario writes it, a pointer alone (there, and not null), or
// "!pointer" (absent).
var shapes = []struct{ route, what, has string }{
	{"POST /generate/async", "accepted", "/id /kudos !/message !/warnings"},
	{"POST /generate/async", "accepted, nobody online", "/id /kudos /message /warnings"},
	{"POST /generate/async", "dry run", "/kudos !/id"},
	{"GET /generate/check/{id}", "waiting", "/waiting=2 /processing=0 /done=false"},
	{"GET /generate/check/{id}", "in progress", "/processing=1 /is_possible=true"},
	{"GET /generate/check/{id}", "put back", "/restarted=1 /done=false"},
	{"GET /generate/check/{id}", "done", "/done=true /faulted=false /finished=2"},
	{"GET /generate/check/{id}", "given up", "/done=true /faulted=true /restarted=3 /is_possible=false"},
	{"GET /generate/status/{id}", "waiting", "/done=false /generations=[] /shared=false"},
	{"GET /generate/status/{id}", "a link", `/generations/0/img="<url>" /generations/0/censored=false`},
	{"GET /generate/status/{id}", "base64", `/generations/0/img="<webp>"`},
	{"GET /generate/status/{id}", "not uploaded yet", `/generations/0/img="N/A"`},
	{"GET /generate/status/{id}", "censored",
		`/generations/0/censored=true /generations/0/state="ok" /generations/0/gen_metadata/0/type="censorship"`},
	{"GET /generate/status/{id}", "partly finished", "/finished=1 /processing=1 /done=false /generations/0/id"},
	{"GET /generate/status/{id}", "given up", "/faulted=true /generations=[]"},
	{"DELETE /generate/status/{id}", "waiting", "/done=false /generations=[]"},
	{"DELETE /generate/status/{id}", "done", "/done=true"},
	{"DELETE /generate/status/{id}", "given up", "/faulted=true"},
	{"POST /generate/rate/{id}", "a reward", "/reward"},
	{"POST /generate/pop", "a job",
		`/id /ids/0 /ttl /model /payload/prompt /r2_upload="<url>" /r2_uploads/0="<url>" /skipped={} /messages=[]`},
	{"POST /generate/pop", "several jobs", "/ids/1 /r2_uploads/1 /payload/n_iter=2"},
	{"POST /generate/pop", "a source and a mask by link", `/source_image="<url>" /source_mask="<url>"`},
	{"POST /generate/pop", "a source and a mask in base64", `/source_image="<webp>" /source_mask="<webp>"`},
	{"POST /generate/pop", "extra sources", "/extra_source_images/0/image /extra_source_images/0/strength"},
	{"POST /generate/pop", "asked to censor", "/payload/use_nsfw_censor=true"},
	{"POST /generate/pop", "LoRAs", "/payload/loras/0/name /payload/loras/0/is_version"},
	{"POST /generate/pop", "textual inversions", "/payload/tis/0/name"},
	{"POST /generate/pop", "nothing", "/id=null /ids=[] /payload/ddim_steps=30 /skipped/models=0 /r2_upload=null"},
	{"POST /generate/submit", "a reward", "/reward"},
	{"POST /generate/submit", "no reward", "/reward=0.0"},

	{"POST /generate/text/async", "accepted", "/id /kudos=0.0 !/message"},
	{"POST /generate/text/async", "accepted, nobody online", "/id /kudos=0.0 /message"},
	{"POST /generate/text/async", "dry run", "/kudos !/id"},
	{"GET /generate/text/status/{id}", "waiting", "/waiting=2 /generations=[] !/shared"},
	{"GET /generate/text/status/{id}", "put back", "/restarted=1 /done=false"},
	{"GET /generate/text/status/{id}", "in progress", "/processing=1 /is_possible=true"},
	{"GET /generate/text/status/{id}", "done",
		`/done=true /generations/0/state="ok" /generations/0/text !/generations/0/id`},
	{"GET /generate/text/status/{id}", "censored", `/generations/0/state="censored"`},
	{"GET /generate/text/status/{id}", "csam", `/generations/0/state="csam"`},
	{"GET /generate/text/status/{id}", "cancelled, nothing left", "/done=true /waiting=0 /generations=[]"},
	{"GET /generate/text/status/{id}", "given up", "/faulted=true /done=true"},
	{"DELETE /generate/text/status/{id}", "in progress", "/processing=1 /waiting=1"},
	{"POST /generate/text/pop", "a job",
		"/id /ids/0 /payload/prompt /payload/n=1 /skipped={} /softprompt=null /extra_source_images=null"},
	{"POST /generate/text/pop", "several jobs", "/ids/1"},
	{"POST /generate/text/pop", "all settings", "/payload/sampler_order /payload/stop_sequence /payload/rep_pen"},
	{"POST /generate/text/pop", "nothing", "/id=null /ids=[] /payload/max_length=80 /skipped={}"},
	{"POST /generate/text/pop", "nothing, with a reason", "/id=null /skipped/matching_softprompt=1"},
	{"POST /generate/text/submit", "a reward", "/reward"},
	{"POST /generate/text/submit", "no reward", "/reward=0.0"},

	{"POST /interrogate/async", "accepted", "/id !/kudos"},
	{"GET /interrogate/status/{id}", "waiting", `/state="waiting" !/forms/0/result`},
	{"GET /interrogate/status/{id}", "in progress", `/state="processing" /forms/0/state="processing"`},
	{"GET /interrogate/status/{id}", "faulted", `/state="faulted" /forms/0/state="faulted"`},
	{"GET /interrogate/status/{id}", "no forms", `/state="faulted" /forms=[]`},
	{"GET /interrogate/status/{id}", "done",
		`/state="done" /forms/0/result/caption /forms/1/result/nsfw /forms/2/result/interrogation/tags/0/confidence`},
	{"GET /interrogate/status/{id}", "images",
		`/forms/7/result/GFPGAN="<url>" /forms/8/result/strip_background="<url>"`},
	{"DELETE /interrogate/status/{id}", "partial", `/state="partial" /forms/0/state="done" /forms/1/state="cancelled"`},
	{"DELETE /interrogate/status/{id}", "done", `/state="done"`},
	{"POST /interrogate/pop", "a form",
		"/forms/0/id /forms/0/form /forms/0/source_image !/forms/0/r2_upload !/forms/0/payload /skipped={}"},
	{"POST /interrogate/pop", "a form with settings", "/forms/0/payload"},
	{"POST /interrogate/pop", "a form that makes an image", `/forms/0/r2_upload="<url>"`},
	{"POST /interrogate/pop", "several forms", "/forms/1/id"},
	{"POST /interrogate/pop", "nothing", "/forms=null /skipped={}"},
	{"POST /interrogate/pop", "nothing, with a reason", "/forms=null /skipped/untrusted"},
	{"POST /interrogate/submit", "a reward", "/reward=1.0"},
	{"POST /interrogate/submit", "no reward", "/reward=0.0"},
}

// TestShapesAreCovered: each answer of success stands in a scenario, whole.
func TestShapesAreCovered(t *testing.T) {
	t.Parallel()
	var steps []golden.Step
	for _, dir := range []string{golden.Shared(t, "golden"), ownGolden} {
		all, err := golden.Load(dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range all {
			steps = append(steps, s.Steps...)
		}
	}
	for _, shape := range shapes {
		found := false
		for _, step := range steps {
			found = found || step.Want.Mode == "exact" && step.Want.Status[0] < 300 && routeOf(step) == shape.route &&
				hasAll(step.Want.Body, shape.has)
		}
		if !found {
			t.Errorf("%s, %s: no scenario has it key by key (%s)", shape.route, shape.what, shape.has)
		}
	}
}

// hasAll tells whether a wanted body has everything of a shape.
func hasAll(body any, has string) bool {
	for condition := range strings.FieldsSeq(has) {
		pointer, want, compared := strings.Cut(condition, "=")
		value, there := at(body, strings.TrimPrefix(pointer, "!"))
		switch {
		case strings.HasPrefix(pointer, "!"):
			if there {
				return false
			}
		case compared:
			if !there || asWritten(value) != want {
				return false
			}
		case !there || value == nil:
			return false
		}
	}
	return true
}

// at finds a value by JSON pointer; of {"<unordered>": […]} it looks at the list.
func at(body any, pointer string) (value any, there bool) {
	value = body
	for name := range strings.SplitSeq(strings.TrimPrefix(pointer, "/"), "/") {
		object, _ := value.(map[string]any)
		if list, ok := object["<unordered>"]; ok {
			value = list
		}
		switch v := value.(type) {
		case map[string]any:
			if value, there = v[name]; !there {
				return nil, false
			}
		case []any:
			i := strings.Index("0123456789", name)
			if i < 0 || i >= len(v) {
				return nil, false
			}
			value = v[i]
		default:
			return nil, false
		}
	}
	return value, true
}

// asWritten is a value as a scenario writes it.
func asWritten(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return ""
	}
	return strings.TrimSpace(b.String())
}
