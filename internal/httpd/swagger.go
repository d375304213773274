package httpd

import (
	"encoding/json"
	"maps"
	"net/http"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"horde/api"
)

// apiVersion is the version of the contract, not of the program.
const apiVersion = "2.5"

// doc is what the machine-readable document says about a route.
type doc struct {
	summary string
	body    *api.Schema  // nil: none
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

// buildSwagger makes the Swagger 2.0 document of the contract: the routes under
// /api/v2 that have a doc. Our extensions are not part of it, since clients check
// that they know everything in it; docs/integrators.md describes them.
func (s *Server) buildSwagger() []byte {
	defs := map[string]any{"RequestError": map[string]any{
		"type": "object", "required": []string{"rc"},
		"properties": map[string]any{
			"message": map[string]any{"type": "string"}, "rc": map[string]any{"type": "string"},
			"errors": map[string]any{"type": "object", "additionalProperties": map[string]any{"type": "string"}},
		}}}
	paths := map[string]map[string]any{}
	for _, rt := range s.table {
		path, under := strings.CutPrefix(rt.pattern, "/api")
		if rt.doc == nil || !under || !strings.HasPrefix(path, "/v2/") {
			continue
		}
		if paths[path] == nil {
			paths[path] = map[string]any{}
		}
		paths[path][strings.ToLower(rt.method)] = operation(rt, path, defs)
	}
	out, err := json.MarshalIndent(map[string]any{
		"swagger":  "2.0",
		"basePath": "/api",
		"info": map[string]string{
			"title": s.Title, "version": apiVersion, "description": "The API documentation for " + s.Title,
		},
		"consumes": []string{"application/json"}, "produces": []string{"application/json"},
		"tags":        []map[string]string{{"name": "v2"}},
		"paths":       paths,
		"definitions": defs,
	}, "", " ")
	if err != nil {
		panic(err) // made of constants
	}
	return out
}

func operation(rt route, path string, defs map[string]any) map[string]any {
	d := rt.doc
	refused := map[string]any{"description": "The call is refused.", "schema": map[string]any{"$ref": "#/definitions/RequestError"}}
	responses := map[string]any{strconv.Itoa(http.StatusBadRequest): refused}
	if d.key || d.body != nil && d.body.NeedsKey {
		responses[strconv.Itoa(http.StatusUnauthorized)] = refused
		responses[strconv.Itoa(http.StatusForbidden)] = refused
	}
	if strings.Contains(path, "{") {
		responses[strconv.Itoa(http.StatusNotFound)] = refused
	}
	for status, v := range d.answers {
		responses[strconv.Itoa(status)] = map[string]any{
			"description": http.StatusText(status), "schema": typeSchema(reflect.TypeOf(v), defs),
		}
	}
	return map[string]any{
		"summary":     d.summary,
		"operationId": strings.ToLower(rt.method) + wildcard.ReplaceAllString(strings.ReplaceAll(path, "/", "_"), "$1"),
		"tags":        []string{"v2"},
		"parameters":  parameters(rt, path, defs),
		"responses":   responses,
	}
}

func parameters(rt route, path string, defs map[string]any) []map[string]any {
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
		maps.Copy(defs, d.body.Definitions())
		list = append(list, map[string]any{"in": "body", "name": "payload", "required": true,
			"schema": map[string]any{"$ref": "#/definitions/" + d.body.Name}})
	}
	if !rt.plain {
		text("header", "X-Fields", false, "Mask: the fields of the answer that are wanted.")
	}
	return list
}

// typeSchema describes a Go type of package api as the wire shows it. Structs
// become definitions by their name.
func typeSchema(t reflect.Type, defs map[string]any) map[string]any {
	switch t {
	case reflect.TypeFor[api.Float]():
		return map[string]any{"type": "number"}
	case reflect.TypeFor[json.RawMessage]():
		return map[string]any{"type": "object"}
	}
	switch t.Kind() {
	case reflect.Pointer:
		return typeSchema(t.Elem(), defs)
	case reflect.Slice:
		return map[string]any{"type": "array", "items": typeSchema(t.Elem(), defs)}
	case reflect.Map:
		return map[string]any{"type": "object", "additionalProperties": typeSchema(t.Elem(), defs)}
	case reflect.Struct:
		return structSchema(t, defs)
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Interface:
		return map[string]any{}
	default:
		return map[string]any{"type": "integer"}
	}
}

func structSchema(t reflect.Type, defs map[string]any) map[string]any {
	name := "Answer" + t.Name()
	if defs[name] == nil {
		props := map[string]any{}
		defs[name] = map[string]any{"type": "object", "properties": props}
		structProperties(t, props, defs)
	}
	return map[string]any{"$ref": "#/definitions/" + name}
}

func structProperties(t reflect.Type, props, defs map[string]any) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			structProperties(f.Type, props, defs)
		case f.IsExported() && name != "" && name != "-":
			props[name] = typeSchema(f.Type, defs)
		}
	}
}

func (s *Server) getSwagger(w http.ResponseWriter, _ *http.Request) error {
	send(w, http.StatusOK, s.swagger)
	return nil
}
