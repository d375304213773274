package front

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"

	"horde/internal/golden"
	"horde/internal/server"
)

// otherwise are the places where our document says something else than the
// original's on purpose, by their path in it; the reason stands beside each.
var otherwise = map[string]string{}

// words are the members of a document that are for people: ours are our own.
var words = []string{"description", "summary", "title", "example"}

// structure is a JSON document by path, without what is for people: properties and
// enums in any order, and lists of parameters by name. An empty list or object is
// worth as much as none.
func structure(at string, v any, into map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		if len(v) > 0 {
			into[at] = "there"
		}
		for key, value := range v {
			// A definition may have a property of that name.
			if slices.Contains(words, key) && !strings.HasSuffix(at, ".properties") && at+key != ".infotitle" {
				continue
			}
			structure(at+"."+key, value, into)
		}

	case []any:
		if named, ok := byName(v); ok {
			structure(at, named, into)
			return
		}
		texts := make([]string, len(v))
		for i, value := range v {
			texts[i] = fmt.Sprint(value)
		}
		slices.Sort(texts)
		into[at] = strings.Join(texts, " ")

	default:
		into[at] = fmt.Sprint(v)
	}
}

// byName are the elements of a list by what tells them apart: parameters by place
// and name, parts of a definition by what they include, tags by name.
func byName(list []any) (map[string]any, bool) {
	out := map[string]any{}
	for _, v := range list {
		m, ok := v.(map[string]any)
		if !ok {
			return nil, false
		}
		name := "own"
		if ref, ok := m["$ref"].(string); ok {
			name = ref
		} else if in, ok := m["in"].(string); ok {
			name = in + ":" + m["name"].(string)
		} else if tag, ok := m["name"].(string); ok {
			name = tag
		}
		out[name] = m
	}
	return out, true
}

// The document is the original's in everything but its prose (clients §5):
// paths, operations, parameters, answers and refusals, definitions with their
// hierarchy, names, types, limits, enums and defaults.
func TestSwaggerIsTheOriginalsDocument(t *testing.T) {
	t.Parallel()
	raw, err := os.ReadFile(golden.Shared(t, "data", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	read := func(raw []byte) (map[string]any, map[string]string) {
		var d map[string]any
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		flat := map[string]string{}
		structure("", d, flat)
		return d, flat
	}
	original, theirs := read(raw)
	document, ours := read(call(New(Options{}), http.MethodGet, "/api/swagger.json").Body.Bytes())
	used := map[string]bool{}
	differs := func(at, got, want string) {
		for place := range otherwise {
			if strings.HasPrefix(at, place) {
				used[place] = true
				return
			}
		}
		t.Errorf("%s: %q, the original has %q", at, got, want)
	}

	for _, kind := range []string{"paths", "definitions"} {
		names := func(d map[string]any) []string { return slices.Sorted(maps.Keys(d[kind].(map[string]any))) }
		for _, name := range names(original) {
			if at := "." + kind + "." + name; !slices.Contains(names(document), name) {
				differs(at, "missing", "there")
			}
		}
	}

	for _, at := range slices.Sorted(maps.Keys(theirs)) {
		if ours[at] != theirs[at] {
			differs(at, ours[at], theirs[at])
		}
	}

	for _, at := range slices.Sorted(maps.Keys(ours)) {
		if _, known := theirs[at]; !known {
			differs(at, ours[at], "")
		}
	}

	for place, why := range otherwise {
		if !used[place] {
			t.Errorf("%s is no longer different (%s): remove the line", place, why)
		}
	}
}

// The Python SDK reads the document with models that allow nothing else
// (clients §5).
func TestSwaggerHasOnlyKnownKeys(t *testing.T) {
	t.Parallel()
	var d struct {
		Info, Responses map[string]any
		Tags            []any
		Paths           map[string]map[string]any
		Definitions     map[string]map[string]any
	}
	body := call(New(Options{}), http.MethodGet, "/api/swagger.json").Body.Bytes()
	if err := json.Unmarshal(body, &d); err != nil {
		t.Fatal(err)
	}
	only := func(where string, v any, allowed string) {
		for key := range v.(map[string]any) {
			if !slices.Contains(strings.Fields(allowed), key) {
				t.Errorf("%s has %q", where, key)
			}
		}
	}
	only("info", d.Info, "title version description")
	if len(d.Responses) == 0 {
		t.Error("no responses")
	}

	for _, tag := range d.Tags {
		only("tag", tag, "name description")
	}

	for path, item := range d.Paths {
		for verb, op := range item {
			where := verb + " " + path
			if verb == "parameters" {
				for _, p := range op.([]any) {
					only(where, p, "name in description required type")
				}
				continue
			}
			only(where, op, "summary description operationId parameters responses tags")
			for _, p := range op.(map[string]any)["parameters"].([]any) {
				only(where+" parameter", p, "name in description required schema default type format")
			}
			for status, answer := range op.(map[string]any)["responses"].(map[string]any) {
				only(where+" "+status, answer, "description schema")
				if status < "200" || status > "599" {
					t.Errorf("%s answers %q", where, status)
				}
			}
		}
	}

	const property = "type description title default example format enum $ref minimum maximum minLength maxLength " +
		"multipleOf uniqueItems additionalProperties items"
	for name, def := range d.Definitions {
		parts := []any{def}
		if all, ok := def["allOf"].([]any); ok {
			only(name, def, "allOf")
			parts = all
		}
		for _, part := range parts {
			only(name, part, "type properties required $ref")
			members, _ := part.(map[string]any)["properties"].(map[string]any)
			for member, p := range members {
				only(name+"."+member, p, property)
			}
		}
	}
}

// Examples can be sent as they are: each fits the schema that its route checks.
func TestExamplesAreTaken(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, rt := range allRoutes() {
		if rt.Doc == nil || rt.Doc.Body == nil {
			continue
		}
		seen++
		if rt.Doc.Body.Example == nil {
			t.Errorf("%s %s: no example", rt.Method, rt.Pattern)
			continue
		}
		if rt.Doc.Body.Name == "" {
			continue // no schema layer looks at it
		}
		raw, err := json.Marshal(rt.Doc.Body.Example)
		if err != nil {
			t.Fatal(err)
		}
		r := httptest.NewRequest(rt.Method, rt.Pattern, strings.NewReader(string(raw)))
		r.Header.Set("apikey", "0000000000")
		r.Header.Set("Content-Type", "application/json")
		if _, err := server.Decode[map[string]any](httptest.NewRecorder(), r, rt.Doc.Body); err != nil {
			t.Errorf("%s %s: %v", rt.Method, rt.Pattern, err)
		}
	}

	if seen < 30 {
		t.Errorf("only %d bodies", seen)
	}
}

// Examples of whole bodies and a key to use come only when they are asked for: the
// Python SDK knows neither.
func TestExamplesComeWhenAsked(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	for query, want := range map[string]bool{"": false, "?examples=no": false, "?examples=true": true} {
		var d struct {
			Paths       map[string]map[string]any
			Definitions map[string]struct{ Example any }
		}
		if err := json.Unmarshal(call(s, http.MethodGet, "/api/swagger.json"+query).Body.Bytes(), &d); err != nil {
			t.Fatal(err)
		}
		if got := d.Definitions["GenerationInputStable"].Example != nil; got != want {
			t.Errorf("%q: example %v", query, got)
		}
		parameters := d.Paths["/v2/generate/async"]["post"].(map[string]any)["parameters"].([]any)
		if got := parameters[0].(map[string]any)["default"] == "0000000000"; got != want {
			t.Errorf("%q: key %v", query, got)
		}
	}
}

func TestMembersAreExplained(t *testing.T) {
	t.Parallel()
	definitions := func(raw []byte) map[string]string {
		var d struct{ Definitions map[string]any }
		if err := json.Unmarshal(raw, &d); err != nil {
			t.Fatal(err)
		}
		out := map[string]string{}
		for name, def := range d.Definitions {
			parts := []any{def}
			if all, ok := def.(map[string]any)["allOf"].([]any); ok {
				parts = all
			}
			for _, part := range parts {
				props, _ := part.(map[string]any)["properties"].(map[string]any)
				for member, p := range props {
					p := p.(map[string]any)
					if p["$ref"] != nil || p["items"] != nil || member == "*" {
						continue
					}
					out[name+"."+member], _ = p["description"].(string)
				}
			}
		}
		return out
	}
	ours := definitions(call(New(Options{}), http.MethodGet, "/api/swagger.json").Body.Bytes())
	if len(ours) < 400 {
		t.Errorf("only %d members", len(ours))
	}

	for member, text := range ours {
		if text == "" {
			t.Errorf("%s is not explained", member)
		}
	}

	raw, err := os.ReadFile(golden.Shared(t, "data", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}

	for member, text := range definitions(raw) {
		if text != "" && ours[member] == text {
			t.Errorf("%s has the original's words: %s", member, text)
		}
	}
}
