package swagger

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/server"
)

// levelled is a route table whose routes, members and definitions come with levels.
func levelled() []server.Route {
	text := &api.Schema{Type: api.String}
	nested := &api.Schema{Name: "Nested", Type: api.Object, Properties: []api.Property{{Name: "x", Schema: text}}}
	body := &api.Schema{Name: "Input", Type: api.Object, Properties: []api.Property{
		{Name: "old", Schema: text},
		{Name: "new", Schema: &api.Schema{Type: api.String}, Since: api.Level030},
		{Name: "nested", Schema: nested, Since: api.Level032},
	}}
	return []server.Route{
		server.Post("/api/v2/old", nil).About("Old").Body(body),
		server.Get("/api/v2/new", nil).About("New").Since(api.Level029),
	}
}

// shown are the paths of a document, the members of Input, and Nested if it is there.
func shown(t *testing.T, raw []byte) string {
	t.Helper()
	type definitions map[string]struct{ Properties map[string]any }
	var d struct {
		Paths       map[string]any
		Definitions definitions
		Components  struct{ Schemas definitions }
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(raw), api.SinceMark) {
		t.Error("the document shows how its levels are told apart")
	}
	if d.Definitions == nil {
		d.Definitions = d.Components.Schemas
	}

	seen := slices.Sorted(maps.Keys(d.Paths))
	seen = append(seen, slices.Sorted(maps.Keys(d.Definitions["Input"].Properties))...)
	if _, nested := d.Definitions["Nested"]; nested {
		seen = append(seen, "Nested")
	}
	return strings.Join(seen, " ")
}

// Level-gated routes, members and the definitions that only they lead to come with
// their level and never before; other levels can be asked for, and what is described
// in OpenAPI does not depend on them.
func TestContractShowsItsLevel(t *testing.T) {
	t.Parallel()
	const everything = "/v2/new /v2/old nested new old Nested"
	for level, want := range map[api.Level]string{
		"0.28": "/v2/old old",
		"0.29": "/v2/new /v2/old old",
		"0.30": "/v2/new /v2/old new old",
		"0.32": everything,
		"0.33": everything,
	} {
		t.Run(string(level), func(t *testing.T) {
			own, other := New("AI Horde", level), New("AI Horde", api.Level028)
			own.Describe(levelled())
			other.Describe(levelled())

			raw, _ := own.File(ContractFile)
			if got := shown(t, raw); got != want {
				t.Errorf("a horde of this level shows %s, want %s", got, want)
			}
			if got := shown(t, other.Contract(level, WithoutExamples)); got != want {
				t.Errorf("a horde asked for this level shows %s, want %s", got, want)
			}
			raw, _ = own.File(ContractOpen)
			if got := shown(t, raw); got != everything {
				t.Errorf("%s shows %s", ContractOpen, got)
			}
		})
	}
}

func TestSwaggerDescribesRoutes(t *testing.T) {
	t.Parallel()
	kind := server.Param{Name: "type", Schema: &api.Schema{Type: api.String, Enum: []string{"image", "text"}}}
	documents := New("AI Horde", api.Level028)
	documents.Describe([]server.Route{
		server.Post("/api/v2/generate/async", nil).
			About("Ask for images", server.Agent).Body(api.ImageRequestSchema).
			AnswerWith(http.StatusAccepted, api.Accepted{}).Answer(api.DryRun{}),
		server.Get("/api/v2/generate/status/{id}", nil).
			About("Read").Answer(api.ImageStatus{}),
		server.Get("/api/v2/status/models", nil).
			About("Models").Query(kind).Answer([]api.ActiveModel{}),
		server.Get("/api/swagger.json", nil).Unmasked(),
	})

	raw := documents.Contract("", WithoutExamples)
	var d struct {
		Swagger, BasePath string
		Info              map[string]string
		Paths             map[string]map[string]any
		Definitions       map[string]map[string]any
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}

	if d.Swagger != "2.0" || d.BasePath != "/api" || d.Info["title"] != "AI Horde" || d.Info["version"] != "2.5" ||
		len(d.Info) != 3 {
		t.Errorf("%v %v %v", d.Swagger, d.BasePath, d.Info)
	}
	if d.Paths["/v2/generate/async"]["post"] == nil || d.Paths["/v2/generate/status/{id}"]["get"] == nil ||
		len(d.Paths) != 3 {
		t.Errorf("%v", d.Paths)
	}
	status := d.Definitions["RequestStatusStable"]["properties"].(map[string]any)
	if status["generations"] == nil || status["kudos"] == nil {
		t.Errorf("embedded fields: %v", status)
	}

	for _, part := range strings.Split(string(raw), `"#/definitions/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if d.Definitions[name] == nil {
			t.Errorf("no definition %s", name)
		}
	}
}
