package swagger

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
	"horde/internal/server"
)

// Version is the version of the contract, not of the program.
const Version = "2.5"

// eventsMark is the member of an answer that holds the schemas of a stream's events.
// Swagger 2.0 has no words for them; OpenAPI does.
const eventsMark = "x-events"

var wildcard = regexp.MustCompile(`\{(\w+)\}`)

// What the paths of the two documents begin with.
const (
	contract   = "v2"
	extensions = "ext/v1"
)

// document is a description of routes: Swagger 2.0 as it is, OpenAPI 3.1 by
// openAPI.
type document struct {
	title, part string
	paths       map[string]map[string]any
	definitions map[string]any
	examples    map[string]any // bodies that can be sent as they are, by definition
	inPlace     map[string]any // those of bodies without a definition, by "post /path"
}

// wording is whose words a document has where the original's says something else
// than is answered.
type wording int

const (
	asTheOriginal wording = iota
	asItIs
)

// toldOtherwise are the answers that the original's document tells wrongly, as it
// tells them: clients that are generated from it or check it expect just that.
var toldOtherwise = map[string]map[int]any{
	"GET /v2/users":                {http.StatusOK: api.UserDetails{}},    // is a list
	"GET /v2/filters/{filter_id}":  {http.StatusOK: []api.ShownFilter{}},  // is one
	"GET /v2/status/heartbeat":     {http.StatusOK: nil},                  // has a body
	"POST /v2/generate/async":      {http.StatusAccepted: api.Accepted{}}, // 200 for dry runs
	"POST /v2/generate/text/async": {http.StatusAccepted: api.Accepted{}}, // 200 for dry runs
}

// ownIDs stand in for operationIds that the original's document has twice.
var ownIDs = map[string]string{
	"GET /v2/styles/text_by_name/{style_name}": "get_single_text_style_by_name",
}

// describe collects what is known of the routes under /api/v2 or under /api/ext/v1
// that have a Doc. Clients check that they know everything in the former, so it has
// the original's names and no words of its own (clients §5), and our extensions have a
// document of their own.
func (d *Documents) describe(part string, in wording, level api.Level) *document {
	out := &document{
		title:       d.title,
		part:        part,
		paths:       map[string]map[string]any{},
		definitions: errorDefinitions(),
		examples:    map[string]any{},
		inPlace:     map[string]any{},
	}

	// The definitions of bodies come first: answers of the same names do not replace
	// them.
	described := map[string][]server.Route{} // by path
	for _, rt := range d.routes {
		path, under := strings.CutPrefix(rt.Pattern, "/api")
		if rt.Doc == nil || !level.Shows(rt.Doc.Since) || !under || !strings.HasPrefix(path, "/"+part+"/") {
			continue
		}
		described[path] = append(described[path], rt)
		out.addBody(rt, path)
	}

	answers := newAnswerTypes(out.definitions, in)
	for _, path := range slices.Sorted(maps.Keys(described)) {
		item := map[string]any{}
		if names := server.Wildcards(path); len(names) > 0 {
			item["parameters"] = pathParameters(names)
		}
		for _, rt := range described[path] {
			item[strings.ToLower(rt.Method)] = operation(rt, part, path, in, answers)
		}
		out.paths[path] = item
	}

	answers.complete()
	showLevel(out, level)
	deriveBases(out.definitions)
	return out
}

// addBody adds the definitions of a route's body, and its example.
func (doc *document) addBody(rt server.Route, path string) {
	switch body := rt.Doc.Body; {
	case body == nil:
	case body.Name == "" && body.Example != nil:
		doc.inPlace[strings.ToLower(rt.Method)+" "+path] = body.Example
	case body.Name != "":
		maps.Copy(doc.definitions, body.Definitions())
		if body.Example != nil {
			doc.examples[body.Name] = body.Example
		}
	}
}

// swagger writes the document as Swagger 2.0. With examples the definitions of
// bodies carry one, and the key is the anonymous one, for people who try calls out;
// clients that check the document know neither.
func (doc *document) swagger(examples Examples) []byte {
	out := map[string]any{
		"swagger":  "2.0",
		"basePath": "/api",
		"info": map[string]string{
			"title": doc.title, "version": Version, "description": "What clients and workers can ask of " + doc.title + ".",
		},
		"consumes": []string{"application/json"}, "produces": []string{"application/json"},
		"tags": []map[string]string{{"name": doc.part, "description": tagWords[doc.part]}},
		"responses": map[string]any{
			"ParseError": map[string]string{"description": "The mask in X-Fields cannot be read."},
			"MaskError":  map[string]string{"description": "The mask in X-Fields cannot be applied."},
		},
		"paths":       doc.paths,
		"definitions": doc.definitions,
	}
	if examples == WithExamples {
		out = doc.addExamples(out)
	}
	return mustMarshal(out)
}

var tagWords = map[string]string{contract: "The contract", extensions: "Beyond the contract"}

// addExamples returns a copy of a Swagger document with examples in it.
func (doc *document) addExamples(out map[string]any) map[string]any {
	var whole map[string]any
	if err := json.Unmarshal(mustMarshal(out), &whole); err != nil {
		panic(err) // just written
	}

	for name, example := range doc.examples {
		whole["definitions"].(map[string]any)[name].(map[string]any)["example"] = example
	}

	for path, item := range whole["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			fields, ok := op.(map[string]any)
			if !ok {
				continue // parameters of the whole path
			}
			for _, p := range fields["parameters"].([]any) {
				addExample(p.(map[string]any), doc.inPlace[method+" "+path])
			}
		}
	}
	return whole
}

// addExample adds an example to a parameter that has one: the body, and a key that is
// needed. A key that may be left out is for moderators.
func addExample(p map[string]any, body any) {
	switch {
	case p["name"] == "apikey" && p["required"] == true:
		p["default"] = api.AnonymousKey
	case p["name"] == "payload" && body != nil:
		p["schema"].(map[string]any)["example"] = body
	}
}

// mustMarshal writes what is made of constants.
func mustMarshal(v any) []byte {
	out, err := json.MarshalIndent(v, "", " ")
	if err != nil {
		panic(err)
	}
	return out
}

// errorDefinitions are the two bodies of refusals.
func errorDefinitions() map[string]any {
	message := map[string]any{"type": "string", "description": "What is wrong, and what to do about it."}
	code := map[string]any{
		"type":        "string",
		"description": "Code of the refusal, for programs.",
		"enum":        api.ReturnCodes,
		"example":     "KudosUpfront",
	}
	problems := map[string]any{
		"type":                 "object",
		"description":          "What is wrong with each member, by its path.",
		"additionalProperties": map[string]any{"type": "string"},
	}

	return map[string]any{
		"RequestError": map[string]any{
			"type":       "object",
			"required":   []string{"rc"},
			"properties": map[string]any{"message": message, "rc": code},
		},
		"RequestValidationError": map[string]any{"allOf": []map[string]any{
			{"$ref": "#/definitions/RequestError"},
			{"type": "object", "properties": map[string]any{"errors": problems}},
		}},
	}
}

// operation describes one route.
func operation(rt server.Route, part, path string, in wording, types *answerTypes) map[string]any {
	id, refusals := rt.Doc.Operation, rt.Doc.Refusals
	if id == "" {
		id, refusals = ownID(rt, path), ownRefusals(rt, path)
	}
	if own, ok := ownIDs[rt.Method+" "+path]; ok && in == asItIs {
		id = own
	}

	responses := map[string]any{}
	for refusal := range strings.FieldsSeq(refusals) {
		status, definition := refusal, "RequestError"
		if code, invalid := strings.CutSuffix(refusal, "+"); invalid {
			status, definition = code, "RequestValidationError"
		}
		responses[status] = map[string]any{
			"description": refusalWords[status],
			"schema":      map[string]any{"$ref": "#/definitions/" + definition},
		}
	}

	answers := rt.Doc.Answers
	if told := toldOtherwise[rt.Method+" "+path]; told != nil && in == asTheOriginal {
		answers = told
	}
	for status, v := range answers {
		answer := map[string]any{"description": http.StatusText(status)}
		if events, ok := v.(server.Events); ok {
			answer[eventsMark] = types.schemas(events)
		} else if v != nil {
			answer["schema"] = types.schema(reflect.TypeOf(v))
		}
		responses[strconv.Itoa(status)] = answer
	}

	return map[string]any{
		"summary":     rt.Doc.Summary,
		"operationId": id,
		"tags":        []string{part},
		"parameters":  parameters(rt),
		"responses":   responses,
	}
}

// refusalWords say what a status means, whatever the operation.
var refusalWords = map[string]string{
	"400": "The call is not valid.",
	"401": "There is no such API key.",
	"403": "The caller may not do this.",
	"404": "There is nothing of that id.",
	"410": "The job is no longer wanted.",
	"429": "Too many calls, or too many jobs that wait.",
	"503": "The horde is in maintenance.",
}

// ownID is the operationId of a route beyond the contract.
func ownID(rt server.Route, path string) string {
	name := strings.NewReplacer("/"+extensions+"/", "", "-", "_").Replace(path)
	name = wildcard.ReplaceAllString(strings.ReplaceAll(name, "/", "_"), "by_$1")
	return strings.ToLower(rt.Method) + "_" + name
}

// ownRefusals are the statuses that a route beyond the contract can refuse with.
func ownRefusals(rt server.Route, path string) string {
	refusals := []string{"400"}
	if rt.Doc.Body != nil && rt.Doc.Body.Name != "" {
		refusals = []string{"400+"}
	}
	if rt.Doc.NeedsKey() {
		refusals = append(refusals, "401", "403")
	}
	if strings.Contains(path, "{") {
		refusals = append(refusals, "404")
	}
	return strings.Join(refusals, " ")
}

// pathParameters describes the parameters of a path.
func pathParameters(names []string) []map[string]any {
	list := make([]map[string]any, len(names))
	for i, name := range names {
		list[i] = map[string]any{"in": "path", "name": name, "type": "string", "required": true}
	}
	return list
}

// parameters are those of the headers, the query and the body. What may be left
// out has no member required, as in the original's document.
func parameters(rt server.Route) []map[string]any {
	d := rt.Doc
	list := []map[string]any{}
	header := func(name, about string) map[string]any {
		p := map[string]any{"in": "header", "name": name, "type": "string", "description": about}
		list = append(list, p)
		return p
	}

	switch {
	case d.NeedsKey():
		header("apikey", "Key of an account; 0000000000 is the anonymous one.")["required"] = true
	case d.Reads(server.OptionalKey):
		header("apikey", "Key of an account.")
	}
	if d.Reads(server.Agent) {
		header("Client-Agent", "The client: name:version:contact.")["default"] = "unknown:0:unknown"
	}
	if d.Reads(server.IdempotencyKey) {
		header("Idempotency-Key", "A word of the caller's: a call that repeats it moves nothing again.")
	}

	for _, q := range d.Query {
		p := q.Schema.Swagger()
		p["in"], p["name"] = "query", q.Name
		list = append(list, p)
	}
	if d.Body != nil {
		list = append(list, map[string]any{
			"in":       "body",
			"name":     "payload",
			"required": true,
			"schema":   bodySchema(d.Body),
		})
	}

	if !rt.Plain && (d.Operation != "" || len(d.Answers) > 0) {
		header("X-Fields", "Mask: the fields of the answer that are wanted.")["format"] = "mask"
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
