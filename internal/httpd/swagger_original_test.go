package httpd

import (
	"encoding/json"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"

	"horde/internal/golden"
)

// swaggerDoc is as much of a Swagger document as the comparison needs.
type swaggerDoc struct {
	Paths map[string]map[string]struct {
		Parameters []struct {
			In, Name string
			Schema   map[string]any
		}
		Responses map[string]struct{ Schema map[string]any }
	}
	Definitions map[string]map[string]any
}

func readSwagger(t *testing.T, raw []byte) swaggerDoc {
	t.Helper()
	// Parameters of a whole path stand between its methods in the original.
	var whole map[string]any
	if err := json.Unmarshal(raw, &whole); err != nil {
		t.Fatal(err)
	}
	for _, verbs := range whole["paths"].(map[string]any) {
		delete(verbs.(map[string]any), "parameters")
	}
	again, err := json.Marshal(whole)
	if err != nil {
		t.Fatal(err)
	}
	var d swaggerDoc
	if err := json.Unmarshal(again, &d); err != nil {
		t.Fatal(err)
	}
	return d
}

// members are the properties of a definition with those of all that it includes.
func (d swaggerDoc) members(def map[string]any) map[string]map[string]any {
	out := map[string]map[string]any{}
	if ref, ok := def["$ref"].(string); ok {
		maps.Copy(out, d.members(d.Definitions[strings.TrimPrefix(ref, "#/definitions/")]))
	}
	parts, _ := def["allOf"].([]any)
	for _, part := range parts {
		maps.Copy(out, d.members(part.(map[string]any)))
	}
	props, _ := def["properties"].(map[string]any)
	for name, p := range props {
		out[name] = p.(map[string]any)
	}
	return out
}

// kind is the type of a property in one word: a JSON type, a list of it, or the
// name of a definition.
func kind(p map[string]any) string {
	if ref, ok := p["$ref"].(string); ok {
		return strings.TrimPrefix(ref, "#/definitions/")
	}
	if items, ok := p["items"].(map[string]any); ok {
		return "[]" + kind(items)
	}
	text, _ := p["type"].(string)
	return text
}

// otherwise are the places where our document says something else than the
// original's on purpose; the reason stands beside it.
var otherwise = map[string]string{
	"GET /v2/users 200":                   "the original says one user and answers a list",
	"GET /v2/filters/{filter_id} 200":     "the original says a list and answers one filter",
	"GET /v2/status/heartbeat 200":        "the original says nothing",
	"POST /v2/generate/async 200":         "the original does not tell of dry runs",
	"POST /v2/generate/text/async 200":    "the original does not tell of dry runs",
	"GenerationPayloadStable.skipped":     "reasons are an open set",
	"GenerationPayloadKobold.skipped":     "reasons are an open set",
	"InterrogationPopPayload.skipped":     "reasons are an open set",
	"GenerationKobold.gen_metadata":       "one definition for remarks about pictures and texts",
	"InterrogationFormStatus.result":      "a result may be any object",
	"InterrogationPopFormPayload.payload": "may be any object",
	"ModelPayloadStable.special":          "may be any object",
	"ModelPayloadStable.seed_variation":   "never sent (generation rulebook §1.18)",
	"StyleStable.sharedkey":               "answered as shared_key",
	"WorkerDetails.tokens_generated":      "never sent (platform rulebook §4.2)",
}

// The document of our routes has the original's names, answers and members, for
// clients that are generated from it or check themselves against it.
func TestSwaggerSpeaksTheOriginalsWords(t *testing.T) {
	raw, err := os.ReadFile(golden.Shared(t, "data", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	theirs := readSwagger(t, raw)
	ours := readSwagger(t, call(New(Options{}), http.MethodGet, "/api/swagger.json").Body.Bytes())
	unused := maps.Clone(otherwise)
	differs := func(where, was, want string) {
		if _, meant := otherwise[where]; meant {
			delete(unused, where)
			return
		}
		t.Errorf("%s: %q, the original has %q", where, was, want)
	}
	for path, verbs := range ours.Paths {
		for verb, op := range verbs {
			where := strings.ToUpper(verb) + " " + path
			original, ok := theirs.Paths[path][verb]
			if !ok {
				t.Errorf("%s is not in the original's document: extensions do not belong here", where)
				continue
			}
			for status, answer := range op.Responses {
				if got, want := kind(answer.Schema), kind(original.Responses[status].Schema); status[0] == '2' && got != want {
					differs(where+" "+status, got, want)
				}
			}
			bodies := func(d swaggerDoc) (list []string) {
				for _, p := range d.Paths[path][verb].Parameters {
					if p.In == "body" || p.In == "query" {
						list = append(list, p.In+" "+p.Name+" "+kind(p.Schema))
					}
				}
				slices.Sort(list)
				return list
			}
			if got, want := bodies(ours), bodies(theirs); !slices.Equal(got, want) {
				differs(where, strings.Join(got, ", "), strings.Join(want, ", "))
			}
		}
	}
	for name, def := range ours.Definitions {
		if theirs.Definitions[name] == nil {
			t.Errorf("definition %s is not in the original's document", name)
			continue
		}
		got, want := ours.members(def), theirs.members(theirs.Definitions[name])
		for member := range maps.Keys(want) {
			if g := kind(got[member]); g != kind(want[member]) {
				differs(name+"."+member, g, kind(want[member]))
			}
		}
		for member := range maps.Keys(got) {
			if want[member] == nil {
				differs(name+"."+member, kind(got[member]), "")
			}
		}
	}
	for where, why := range unused {
		t.Errorf("%s is no longer different (%s): remove the line", where, why)
	}
}

// The Python SDK reads the document with models that allow nothing else (clients
// rulebook §5).
func TestSwaggerHasOnlyKnownKeys(t *testing.T) {
	var d struct {
		Info, Responses map[string]any
		Tags            []map[string]any
		Paths           map[string]map[string]map[string]any
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
	const property = "type description title default example format enum $ref minimum maximum minLength maxLength multipleOf uniqueItems additionalProperties items"
	only("info", d.Info, "title version description")
	if len(d.Responses) == 0 {
		t.Error("no responses")
	}
	for _, tag := range d.Tags {
		only("tag", tag, "name description")
	}
	for path, verbs := range d.Paths {
		for verb, op := range verbs {
			where := verb + " " + path
			only(where, op, "summary description operationId parameters responses tags")
			for _, p := range op["parameters"].([]any) {
				only(where+" parameter", p, "name in description required schema default type format")
			}
			for status, answer := range op["responses"].(map[string]any) {
				only(where+" "+status, answer, "description schema")
				if status < "200" || status > "599" {
					t.Errorf("%s answers %q", where, status)
				}
			}
		}
	}
	for name, def := range d.Definitions {
		parts := []any{def}
		if all, ok := def["allOf"].([]any); ok {
			only(name, def, "allOf")
			parts = all
		}
		for _, part := range parts {
			only(name, part, "type properties required $ref allOf")
			members, _ := part.(map[string]any)["properties"].(map[string]any)
			for member, p := range members {
				only(name+"."+member, p, property)
			}
		}
	}
}
