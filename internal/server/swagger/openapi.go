package swagger

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// openAPI writes the document as OpenAPI 3.1.
func (doc *document) openAPI() []byte {
	var whole map[string]any
	if err := json.Unmarshal(doc.swagger(WithExamples), &whole); err != nil {
		panic(err) // just written
	}

	paths := map[string]any{}
	for path, item := range whole["paths"].(map[string]any) {
		paths[path] = openPath(item.(map[string]any))
	}

	return mustMarshal(map[string]any{
		"openapi": "3.1.0",
		"info": map[string]any{
			"title":       doc.title + ": " + tagWords[doc.part],
			"version":     Version,
			"description": "Calls of " + doc.title + " under /api/" + doc.part + ".",
			"license":     map[string]any{"name": "AGPL-3.0-or-later", "identifier": "AGPL-3.0-or-later"},
		},
		"servers":    []any{map[string]any{"url": "/api"}},
		"tags":       whole["tags"],
		"paths":      paths,
		"components": map[string]any{"schemas": openSchemas(whole["definitions"])},
	})
}

// openPath is the operations of a path as OpenAPI 3.1 writes them.
func openPath(item map[string]any) map[string]any {
	out := map[string]any{}
	for verb, v := range item {
		if verb == "parameters" {
			out[verb] = openParameters(v.([]any))
			continue
		}
		out[verb] = openOperation(v.(map[string]any))
	}
	return out
}

// openOperation has the body of a call apart from its parameters, and the content of
// answers by type.
func openOperation(v map[string]any) map[string]any {
	op := maps.Clone(v)
	given := op["parameters"].([]any)
	isBody := func(p any) bool { return p.(map[string]any)["in"] == "body" }
	if i := slices.IndexFunc(given, isBody); i >= 0 {
		op["requestBody"] = map[string]any{
			"required": true,
			"content":  openContent(given[i].(map[string]any)["schema"]),
		}
		given = slices.DeleteFunc(slices.Clone(given), isBody)
	}
	op["parameters"] = openParameters(given)

	responses := map[string]any{}
	for status, r := range op["responses"].(map[string]any) {
		responses[status] = openAnswer(r.(map[string]any))
	}
	op["responses"] = responses
	return op
}

// openAnswer is an answer with its content.
func openAnswer(r map[string]any) map[string]any {
	answer := map[string]any{"description": r["description"]}
	if schema := r["schema"]; schema != nil {
		answer["content"] = openContent(schema)
	}
	if events := r[eventsMark]; events != nil {
		data := map[string]any{"anyOf": openSchema(events)}
		answer["content"] = map[string]any{"text/event-stream": map[string]any{"schema": data}}
	}
	return answer
}

// openContent is the content of a body or answer in JSON.
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
