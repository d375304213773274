package front

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// The OpenAPI documents hold together: references lead somewhere, operationIds are
// unique, path parameters are described, and every body of ours has an example.
func TestOpenAPIHoldsTogether(t *testing.T) {
	t.Parallel()
	s := New(Options{})
	for _, path := range []string{"/api/ext/openapi.json", "/api/ext/contract.json"} {
		w := call(s, http.MethodGet, path)
		var d struct {
			OpenAPI    string
			Paths      map[string]map[string]json.RawMessage
			Components struct{ Schemas map[string]map[string]any }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
			t.Fatal(err)
		}

		if d.OpenAPI != "3.1.0" || len(d.Paths) < 8 {
			t.Errorf("%s: version %s, %d paths", path, d.OpenAPI, len(d.Paths))
		}

		for _, part := range strings.Split(w.Body.String(), `"#/components/schemas/`)[1:] {
			name, _, _ := strings.Cut(part, `"`)
			if d.Components.Schemas[name] == nil {
				t.Errorf("%s: no schema %s", path, name)
			}
		}

		ids := map[string]string{}
		for at, item := range d.Paths {
			if strings.Contains(at, "{") && item["parameters"] == nil {
				t.Errorf("%s: parameters of %s are not described", path, at)
			}

			for verb, raw := range item {
				if verb == "parameters" {
					continue
				}

				var op struct {
					OperationID string
					Responses   map[string]any
				}
				if err := json.Unmarshal(raw, &op); err != nil {
					t.Fatal(err)
				}

				if other := ids[op.OperationID]; other != "" || op.OperationID == "" {
					t.Errorf("%s: %s %s and %s are both %q", path, verb, at, other, op.OperationID)
				}

				ids[op.OperationID] = verb + " " + at
			}
		}

		for _, word := range []string{"#/definitions/", `"x-nullable"`, `"in": "body"`, `"example":`} {
			if strings.Contains(w.Body.String(), word) {
				t.Errorf("%s: %s is of Swagger 2.0", path, word)
			}
		}
	}
}

// TestOpenAPIDescribesEvents: clients are generated from the document, so the data of
// every event of a stream is in it.
func TestOpenAPIDescribesEvents(t *testing.T) {
	t.Parallel()
	var d struct {
		Paths map[string]struct {
			Get struct {
				Responses map[string]struct {
					Content map[string]struct {
						Schema struct {
							AnyOf []map[string]string
						}
					}
				}
			}
		}
	}
	if err := json.Unmarshal(call(New(Options{}), http.MethodGet, "/api/ext/openapi.json").Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}

	for path, want := range map[string]string{
		"/ext/v1/requests/{id}/events": "RequestStatusCheck JobProgress RequestStatusStable RequestStatusKobold",
		"/ext/v1/events": "RequestStatus RequestProgress ImageRequestEnd TextRequestEnd " +
			"AlchemyRequestStatus RequestGone",
	} {
		var names []string
		for _, ref := range d.Paths[path].Get.Responses["200"].Content["text/event-stream"].Schema.AnyOf {
			names = append(names, strings.TrimPrefix(ref["$ref"], "#/components/schemas/"))
		}
		if got := strings.Join(names, " "); got != want {
			t.Errorf("%s: events carry %q, want %q", path, got, want)
		}
	}
}

// What the original's document tells wrongly is told as it is where the contract is
// described for others.
func TestContractIsToldAsItIs(t *testing.T) {
	t.Parallel()
	var d struct {
		Paths map[string]map[string]struct {
			Responses map[string]struct {
				Content map[string]struct{ Schema map[string]any }
			}
		}
		Components struct {
			Schemas map[string]struct{ Required []string }
		}
	}
	// Parameters of a path stand between its operations.
	var loose map[string]any
	contract := call(New(Options{}), http.MethodGet, "/api/ext/contract.json").Body.Bytes()
	if err := json.Unmarshal(contract, &loose); err != nil {
		t.Fatal(err)
	}

	for _, item := range loose["paths"].(map[string]any) {
		delete(item.(map[string]any), "parameters")
	}

	again, err := json.Marshal(loose)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(again, &d); err != nil {
		t.Fatal(err)
	}
	answer := func(path, status string) map[string]any {
		for verb, op := range d.Paths[path] {
			if verb == "get" || len(d.Paths[path]) == 1 {
				return op.Responses[status].Content["application/json"].Schema
			}
		}
		return nil
	}
	if answer("/v2/users", "200")["type"] != "array" {
		t.Errorf("users: %v", answer("/v2/users", "200"))
	}
	if answer("/v2/generate/async", "200")["properties"] == nil {
		t.Errorf("a dry run: %v", answer("/v2/generate/async", "200"))
	}
	if answer("/v2/filters/{filter_id}", "200")["$ref"] == nil {
		t.Errorf("one filter: %v", answer("/v2/filters/{filter_id}", "200"))
	}
	if !slices.Contains(d.Components.Schemas["RequestStatusCheck"].Required, "queue_position") {
		t.Errorf("what is always there: %v", d.Components.Schemas["RequestStatusCheck"].Required)
	}
}
