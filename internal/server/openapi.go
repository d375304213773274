package server

import (
	"encoding/json"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	"horde/api"
	"horde/internal/horde"
)

// newest is the level that shows everything.
var newest = api.Levels[len(api.Levels)-1]

// documentKey is one description of the API.
type documentKey struct {
	name     string
	level    api.Level // of swagger.json
	examples exampleMode
}

// descriptions are documents that somebody has asked for.
type descriptions struct {
	mu   sync.Mutex
	made map[documentKey][]byte // guarded by mu
}

// document writes a description, or finds it as it was written before. There are few
// keys, so all are kept.
func (s *Server) document(key documentKey) []byte {
	s.descriptions.mu.Lock()
	defer s.descriptions.mu.Unlock()
	if raw := s.descriptions.made[key]; raw != nil {
		return raw
	}

	var raw []byte
	switch key.name {
	case "swagger.json":
		raw = s.describe(contract, asTheOriginal, key.level).swagger(key.examples)
	case "contract.json":
		raw = s.describe(contract, asItIs, newest).openAPI()
	case "openapi.json":
		raw = s.describe(extensions, asItIs, newest).openAPI()
	case "extensions.json":
		raw = s.describe(extensions, asItIs, newest).swagger(withoutExamples)
	}
	if s.descriptions.made == nil {
		s.descriptions.made = map[documentKey][]byte{}
	}
	s.descriptions.made[key] = raw
	return raw
}

// Document is a description of the API by its file name: swagger.json,
// openapi.json for what is beyond the contract, contract.json for the contract in
// OpenAPI 3.1. It needs no domain; ok is false for other names.
func (s *Server) Document(name string) (raw []byte, ok bool) {
	key := documentKey{name: name}
	switch name {
	case "swagger.json":
		key.level = s.APILevel
	case "openapi.json", "contract.json":
	default:
		return nil, false
	}
	return s.document(key), true
}

// getSwagger sends the contract's document. Clients check it word by word, so what
// makes it easier to try calls out comes only when asked for, with examples=true;
// level asks for another level than the server's.
func (s *Server) getSwagger(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	key := documentKey{name: "swagger.json", level: s.APILevel}
	if level := api.Level(query.Get("level")); level.Known() {
		key.level = level
	} else if level != "" {
		return horde.Errorf(horde.BadRequest, "There is no such level: ask for one of %v.", api.Levels)
	}
	if examples, _ := strconv.ParseBool(query.Get("examples")); examples {
		key.examples = withExamples
	}
	send(w, http.StatusOK, s.document(key))
	return nil
}

// sendDocument sends a description that is the same for all.
func (s *Server) sendDocument(name string) handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		send(w, http.StatusOK, s.document(documentKey{name: name}))
		return nil
	}
}

// openAPI writes the document as OpenAPI 3.1.
func (d *document) openAPI() []byte {
	var whole map[string]any
	if err := json.Unmarshal(d.swagger(withExamples), &whole); err != nil {
		panic(err) // just written
	}
	paths := map[string]any{}
	for path, item := range whole["paths"].(map[string]any) {
		paths[path] = openPath(item.(map[string]any))
	}
	return mustMarshal(map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title": d.title + ": " + tagWords[d.part], "version": apiVersion,
			"description": "Calls of " + d.title + " under /api/" + d.part + ".",
			"license":     map[string]any{"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
		},
		"servers":    []any{map[string]any{"url": "/api"}},
		"tags":       whole["tags"],
		"paths":      paths,
		"components": map[string]any{"schemas": openSchemas(whole["definitions"])},
	})
}

func openPath(item map[string]any) map[string]any {
	out := map[string]any{}
	for verb, v := range item {
		if verb == "parameters" {
			out[verb] = openParameters(v.([]any))
			continue
		}
		op := maps.Clone(v.(map[string]any))
		given := op["parameters"].([]any)
		isBody := func(p any) bool { return p.(map[string]any)["in"] == "body" }
		if i := slices.IndexFunc(given, isBody); i >= 0 {
			op["requestBody"] = map[string]any{
				"required": true, "content": openContent(given[i].(map[string]any)["schema"]),
			}
			given = slices.DeleteFunc(slices.Clone(given), isBody)
		}
		op["parameters"] = openParameters(given)
		responses := map[string]any{}
		for status, r := range op["responses"].(map[string]any) {
			answer := map[string]any{"description": r.(map[string]any)["description"]}
			if schema := r.(map[string]any)["schema"]; schema != nil {
				answer["content"] = openContent(schema)
			}
			if events := r.(map[string]any)[eventsMark]; events != nil {
				data := map[string]any{"anyOf": openSchema(events)}
				answer["content"] = map[string]any{"text/event-stream": map[string]any{"schema": data}}
			}
			responses[status] = answer
		}
		op["responses"] = responses
		out[verb] = op
	}
	return out
}

func openContent(schema any) map[string]any {
	return map[string]any{"application/json": map[string]any{"schema": openSchema(schema)}}
}

// openParameters moves what a parameter says of its values into a schema.
func openParameters(list []any) []any {
	out := make([]any, len(list))
	for i, v := range list {
		p, schema := map[string]any{}, map[string]any{}
		for key, value := range v.(map[string]any) {
			switch key {
			case "in", "name", "required", "description":
				p[key] = value
			default:
				schema[key] = value
			}
		}
		p["schema"] = openSchema(schema)
		out[i] = p
	}
	return out
}

// openSchema is a schema of Swagger 2.0 as OpenAPI 3.1 writes it: definitions have
// another place, and an example is one of a list.
func openSchema(v any) any {
	switch v := v.(type) {
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = openSchema(v[i])
		}
		return out
	case map[string]any:
		out := map[string]any{}
		for key, value := range v {
			ref, _ := value.(string)
			switch key {
			case "$ref":
				out[key] = strings.Replace(ref, "#/definitions/", "#/components/schemas/", 1)
			case "example":
				out["examples"] = []any{value}
			case "x-nullable":
				// Below, when all else is known.
			case "default", "enum":
				out[key] = value
			case "properties":
				out[key] = openSchemas(value)
			default:
				out[key] = openSchema(value)
			}
		}
		if v["x-nullable"] == true {
			return orNull(out)
		}
		return out
	}
	return v
}

// orNull lets a schema be null as well.
func orNull(schema map[string]any) map[string]any {
	if kind, ok := schema["type"].(string); ok {
		schema["type"] = []any{kind, "null"}
		if values, ok := schema["enum"].([]any); ok {
			schema["enum"] = append(slices.Clone(values), nil)
		}
		return schema
	}
	return map[string]any{"anyOf": []any{schema, map[string]any{"type": "null"}}}
}

// openSchemas are schemas by name, whatever the names are.
func openSchemas(v any) map[string]any {
	out := map[string]any{}
	for name, schema := range v.(map[string]any) {
		out[name] = openSchema(schema)
	}
	return out
}
