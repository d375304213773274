package front

import (
	"bytes"
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/golden"
	"horde/internal/server"
	"horde/internal/server/pyjson"
)

// The Python SDK's sources have an example of every body and answer that the
// original documents, as placeholders of the right types. They lie in a folder
// beside the specification; without it these tests are skipped.
const (
	sdkExamples = "data/sdk/tests/test_data/ai_horde_api"
	sdkDocs     = "data/sdk/docs/ai-horde"
)

var unwordy = regexp.MustCompile(`\W+`)

// exampleName is the name of an example's file without what comes after the
// method.
func exampleName(rt server.Route) string {
	path := strings.TrimPrefix(rt.Pattern, "/api")
	name := unwordy.ReplaceAllString(path, "_") + "_" + strings.ToLower(rt.Method)
	return regexp.MustCompile(`__+`).ReplaceAllString(name, "_")
}

// described are the routes that have a doc, by the name of their examples.
func described() map[string]server.Route {
	out := map[string]server.Route{}
	for _, rt := range allRoutes() {
		if rt.Doc != nil && strings.HasPrefix(rt.Pattern, "/api/v2/") {
			out[exampleName(rt)] = rt
		}
	}
	return out
}

// examplesOf reads the files of a folder, by their name without the end.
func examplesOf(t *testing.T, folder string) map[string][]byte {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(golden.Shared(t, sdkExamples, folder), "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s: %d files, %v", folder, len(files), err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		out[strings.TrimSuffix(filepath.Base(f), ".json")] = b
	}
	return out
}

// skippedExamples tells which examples no route answers to. A test that says it
// compared everything must say what it did not.
func skippedExamples(t *testing.T, list []string) {
	t.Helper()
	slices.Sort(list)
	if len(list) > 0 {
		t.Logf("%d examples of routes that are not here: %s", len(list), strings.Join(list, " "))
	}
}

// Every example body fits our description of it, and has no member that we do not
// know.
func TestSDKPayloadsAreAccepted(t *testing.T) {
	t.Parallel()
	routes := described()
	var skipped []string
	for name, raw := range examplesOf(t, "example_payloads") {
		rt, ok := routes[name]
		if !ok || rt.Doc.Body == nil {
			skipped = append(skipped, name)
			continue
		}
		body, err := pyjson.Parse(string(raw))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		members(t, name, body, rt.Doc.Body)
		if rt.Doc.Body.Name == "" {
			continue // read loosely: every type is taken
		}
		if got := rt.Doc.Body.Validate(body); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}

	skippedExamples(t, skipped)
}

// members goes through a value and complains about members without a description.
func members(t *testing.T, path string, v any, s *api.Schema) {
	t.Helper()
	switch v := v.(type) {
	case map[string]any:
		if len(s.Properties) == 0 {
			return // anything may be in it
		}
		for name, of := range v {
			i := slices.IndexFunc(s.Properties, func(p api.Property) bool { return p.Name == name })
			if i < 0 {
				t.Errorf("%s.%s is unknown to us", path, name)
				continue
			}
			members(t, path+"."+name, of, s.Properties[i].Schema)
		}
	case []any:
		for _, of := range v {
			if s.Items != nil {
				members(t, path+"[]", of, s.Items)
			}
		}
	}
}

// otherMembers are members of example answers where the original's document and
// its answers are not the same: by the end of their path, with what is answered.
var otherMembers = map[string]string{
	"payload.seed_variation":                         "nothing (generation §1.18)",
	"tokens_generated":                               "nothing (platform §4.2)",
	"sharedkey":                                      "shared_key, the key itself",
	"messages.expiry":                                "a date; the document shows the body that makes a message",
	"_v2_workers_messages_get_200.expiry":            "a date",
	"_v2_workers_messages_post_200.expiry":           "a date",
	"_v2_workers_messages_message_id_get_200.expiry": "a date",
	"_v2_filters_post_200.suspicion":                 "a text (platform §3.8)",
	"_v2_users_get_200.active_generations":           "an empty object",
	"_v2_users_get_200.monthly_kudos":                "an empty object",
}

// Every example answer reads into our type of it without a member left over, and
// comes out with the same members and types.
func TestSDKResponsesHaveOurMembers(t *testing.T) {
	t.Parallel()
	routes := described()
	var skipped []string
	compared := 0
	for name, raw := range examplesOf(t, "example_responses") {
		i := strings.LastIndexByte(name, '_')
		status, err := strconv.Atoi(name[i+1:])
		if err != nil {
			t.Fatal(err)
		}
		rt, ok := routes[name[:i]]
		if !ok {
			skipped = append(skipped, name)
			continue
		}
		into, ok := rt.Doc.Answers[status]
		if !ok {
			t.Errorf("%s: we do not answer with %d", name, status)
			continue
		}
		compared++
		compareExample(t, name, raw, reflect.TypeOf(into))
	}

	t.Logf("%d answers compared", compared)
	skippedExamples(t, skipped)
}

// What 113 workers of the original really answered fits as well.
func TestSDKProductionResponses(t *testing.T) {
	t.Parallel()
	for name, into := range map[string]reflect.Type{
		"example_production_responses/_v2_workers_get_200.json":  reflect.TypeFor[[]api.WorkerDetails](),
		"production_responses/_v2_interrogate_pop_post_200.json": reflect.TypeFor[api.AlchemyJob](),
	} {
		raw, err := os.ReadFile(golden.Shared(t, sdkExamples, name))
		if err != nil {
			t.Fatal(err)
		}
		compareExample(t, name, raw, into)
	}
}

func compareExample(t *testing.T, name string, raw []byte, of reflect.Type) {
	t.Helper()
	var doc any // numbers without a point that says nothing
	if err := json.Unmarshal(raw, &doc); err != nil {
		t.Fatal(err)
	}

	if _, list := doc.([]any); of.Kind() == reflect.Slice && !list {
		doc = []any{doc} // the original documents one user where it answers a list
	}

	forget(doc, name)
	text, err := json.Marshal(doc)
	if err != nil {
		t.Fatal(err)
	}

	into := reflect.New(of)
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into.Interface()); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}

	again, err := json.Marshal(into.Interface())
	if err != nil {
		t.Fatal(err)
	}

	var ours any
	if err := json.Unmarshal(again, &ours); err != nil {
		t.Fatal(err)
	}

	sameShape(t, name, doc, ours)
}

// forget removes the members of otherMembers.
func forget(v any, path string) {
	switch v := v.(type) {
	case map[string]any:
		for name, of := range v {
			at := path + "." + name
			lost := false
			for end := range otherMembers {
				lost = lost || strings.HasSuffix("."+at, "."+end)
			}
			if lost {
				delete(v, name)
			} else {
				forget(of, at)
			}
		}
	case []any:
		for _, of := range v {
			forget(of, path)
		}
	}
}

// sameShape tells where a value of ours lacks a member of the example, or has
// another type there. Empty members may be left out.
func sameShape(t *testing.T, path string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		g, ok := got.(map[string]any)
		if !ok && len(want) > 0 {
			t.Errorf("%s: %T instead of an object", path, got)
			return
		}

		for name, of := range want {
			if mine, ok := g[name]; ok {
				sameShape(t, path+"."+name, of, mine)
			} else if of != nil && !reflect.ValueOf(of).IsZero() {
				t.Errorf("%s.%s is lost", path, name)
			}
		}

	case []any:
		g, ok := got.([]any)
		if !ok || len(g) != len(want) {
			t.Errorf("%s: %v instead of a list of %d", path, got, len(want))
			return
		}
		for i := range want {
			sameShape(t, path+"[]", want[i], g[i])
		}

	case nil:
	default:
		if got != nil && reflect.TypeOf(got) != reflect.TypeOf(want) {
			t.Errorf("%s: %T instead of %T", path, got, want)
		}
	}
}

// Each route answers with the statuses for which the SDK has a type.
func TestSDKKnowsOurStatuses(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(golden.Shared(t, sdkDocs, "api_to_sdk_response_map.json"))
	if err != nil {
		t.Fatal(err)
	}
	var known map[string]map[string]string
	if err := json.Unmarshal(raw, &known); err != nil {
		t.Fatal(err)
	}
	// Its map has one method of a path, no type for modes, and one path for all
	// that is asked of addresses.
	unlisted := []string{"/v2/status/modes", "/v2/filters", "/v2/operations/ipaddr/{ipaddr}"}
	for _, rt := range described() {
		path := strings.TrimPrefix(rt.Pattern, "/api")
		if slices.Contains(unlisted, path) {
			continue
		}
		for status := range rt.Doc.Answers {
			if known[path][strconv.Itoa(status)] == "" {
				t.Errorf("%s %s answers %d, the SDK knows %v", rt.Method, path, status, slices.Sorted(maps.Keys(known[path])))
			}
		}
	}
}
