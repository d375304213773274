package httpd

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"horde/api"
)

// apiVersion is the version of the contract, not of the program.
const apiVersion = "2.5"

// doc is what the machine-readable document says about a route.
type doc struct {
	summary string
	body    *api.Schema  // nil: none; without a name: read loosely, described only
	key     bool         // header apikey is needed (a body's NeedsKey implies it)
	mayKey  bool         // header apikey is read when it is there
	agent   bool         // header Client-Agent is read
	query   []queryParam // parameters in the URL's query
	answers map[int]any  // status → a value of the answer's type; errors are added
}

type queryParam struct {
	name   string
	schema *api.Schema
}

var wildcard = regexp.MustCompile(`\{(\w+)\}`)

// What the paths of the two documents begin with.
const (
	contract   = "v2"
	extensions = "ext/v1"
)

// buildSwagger makes the Swagger 2.0 document of the routes under /api/v2 or
// under /api/ext/v1 that have a doc. Clients check that they know everything in
// the former, so it has the original's names and no words of its own (clients
// rulebook §5), and our extensions have a document of their own.
func (s *Server) buildSwagger(part string) []byte {
	described := map[string][]route{} // by path
	defs := errorDefinitions()
	for _, rt := range s.table {
		path, under := strings.CutPrefix(rt.pattern, "/api")
		if rt.doc == nil || !under || !strings.HasPrefix(path, "/"+part+"/") {
			continue
		}
		described[path] = append(described[path], rt)
		if rt.doc.body != nil && rt.doc.body.Name != "" {
			maps.Copy(defs, rt.doc.body.Definitions())
		}
	}
	answers := newAnswerTypes(defs)
	paths := map[string]map[string]any{}
	for _, path := range slices.Sorted(maps.Keys(described)) {
		paths[path] = map[string]any{}
		for _, rt := range described[path] {
			paths[path][strings.ToLower(rt.method)] = operation(rt, part, path, answers)
		}
	}
	out, err := json.MarshalIndent(map[string]any{
		"swagger":  "2.0",
		"basePath": "/api",
		"info": map[string]string{
			"title": s.Title, "version": apiVersion, "description": "The API documentation for " + s.Title,
		},
		"consumes": []string{"application/json"}, "produces": []string{"application/json"},
		"tags": []map[string]string{{"name": part, "description": map[string]string{contract: "API Version 2", extensions: "Beyond the contract"}[part]}},
		"responses": map[string]any{
			"ParseError": map[string]string{"description": "The mask in X-Fields cannot be read."},
			"MaskError":  map[string]string{"description": "The mask in X-Fields cannot be applied."},
		},
		"paths":       paths,
		"definitions": defs,
	}, "", " ")
	if err != nil {
		panic(err) // made of constants
	}
	return out
}

// errorDefinitions are the two bodies of refusals.
func errorDefinitions() map[string]any {
	text := map[string]any{"type": "string"}
	return map[string]any{
		"RequestError": map[string]any{
			"type": "object", "required": []string{"rc"}, "properties": map[string]any{"message": text, "rc": text},
		},
		"RequestValidationError": map[string]any{"allOf": []map[string]any{
			{"$ref": "#/definitions/RequestError"},
			{"type": "object", "properties": map[string]any{
				"errors": map[string]any{"type": "object", "additionalProperties": text},
			}},
		}},
	}
}

func operation(rt route, part, path string, answers *answerTypes) map[string]any {
	d := rt.doc
	refused := func(definition string) map[string]any {
		return map[string]any{"description": "The call is refused.", "schema": map[string]any{"$ref": "#/definitions/" + definition}}
	}
	responses := map[string]any{strconv.Itoa(http.StatusBadRequest): refused("RequestError")}
	if d.body != nil && d.body.Name != "" {
		responses[strconv.Itoa(http.StatusBadRequest)] = refused("RequestValidationError")
	}
	if d.key || d.body != nil && d.body.NeedsKey {
		responses[strconv.Itoa(http.StatusUnauthorized)] = refused("RequestError")
		responses[strconv.Itoa(http.StatusForbidden)] = refused("RequestError")
	}
	if strings.Contains(path, "{") {
		responses[strconv.Itoa(http.StatusNotFound)] = refused("RequestError")
	}
	for status, v := range d.answers {
		responses[strconv.Itoa(status)] = map[string]any{
			"description": http.StatusText(status), "schema": answers.schema(reflect.TypeOf(v)),
		}
	}
	return map[string]any{
		"summary":     d.summary,
		"operationId": strings.ToLower(rt.method) + wildcard.ReplaceAllString(strings.ReplaceAll(path, "/", "_"), "$1"),
		"tags":        []string{part},
		"parameters":  parameters(rt, path),
		"responses":   responses,
	}
}

func parameters(rt route, path string) []map[string]any {
	d := rt.doc
	list := []map[string]any{}
	text := func(in, name string, required bool, about string) {
		list = append(list, map[string]any{"in": in, "name": name, "type": "string", "required": required, "description": about})
	}
	for _, m := range wildcard.FindAllStringSubmatch(path, -1) {
		text("path", m[1], true, "")
	}
	if d.key || d.body != nil && d.body.NeedsKey {
		text("header", "apikey", true, "The API Key corresponding to a registered user.")
	}
	if d.mayKey {
		text("header", "apikey", false, "The API Key corresponding to a registered user.")
	}
	if d.agent {
		text("header", "Client-Agent", false, "The client's name, version and contact.")
	}
	for _, q := range d.query {
		p := q.schema.Swagger()
		p["in"], p["name"] = "query", q.name
		list = append(list, p)
	}
	if d.body != nil {
		list = append(list, map[string]any{"in": "body", "name": "payload", "required": true, "schema": bodySchema(d.body)})
	}
	if !rt.plain {
		text("header", "X-Fields", false, "Mask: the fields of the answer that are wanted.")
	}
	return list
}

// bodySchema is a reference to the definition of a body; a body without a name,
// which no schema layer looks at, is described in place by the types of its
// members.
func bodySchema(body *api.Schema) map[string]any {
	if body.Name != "" {
		return map[string]any{"$ref": "#/definitions/" + body.Name}
	}
	props := map[string]any{}
	for _, p := range body.Properties {
		props[p.Name] = map[string]any{"type": string(p.Schema.Type)}
	}
	return map[string]any{"type": string(api.Object), "properties": props}
}

func (s *Server) getSwagger(w http.ResponseWriter, _ *http.Request) error {
	send(w, http.StatusOK, s.swagger)
	return nil
}

func (s *Server) getExtSwagger(w http.ResponseWriter, _ *http.Request) error {
	send(w, http.StatusOK, s.extSwagger)
	return nil
}
