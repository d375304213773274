package server

import (
	"net/http"
	"slices"

	"horde/api"
)

// A Handler answers a call or returns why it could not.
type Handler func(w http.ResponseWriter, r *http.Request) error

// A Route is one line of the route table: what answers a method and a pattern, how
// often, and what the machine-readable documents say of it. It is declared beside
// its handler:
//
//	server.Get("/api/v2/users/{user_id}", a.getUser).Limit(userRates).
//		About("See a user", server.OptionalKey, server.Agent).Answer(api.UserDetails{}).
//		Operation("get_user_single", "401 404")
type Route struct {
	Method  string
	Pattern string // of http.ServeMux, without a method: /api/v2/generate/check/{id}
	Handle  Handler
	Limits  Rates // nil: defaultRates; Unlimited: none
	Plain   bool  // the answer is not marshalled: no X-Fields mask
	Sheds   bool  // refused first where there is too much to do
	Doc     *Doc  // nil: not in the machine-readable documents
}

// Get declares a route that reads something.
func Get(pattern string, h Handler) Route { return newRoute(http.MethodGet, pattern, h) }

// Post declares a route that makes something.
func Post(pattern string, h Handler) Route { return newRoute(http.MethodPost, pattern, h) }

// Put declares a route that sets something.
func Put(pattern string, h Handler) Route { return newRoute(http.MethodPut, pattern, h) }

// Patch declares a route that changes part of something.
func Patch(pattern string, h Handler) Route { return newRoute(http.MethodPatch, pattern, h) }

// Delete declares a route that removes something.
func Delete(pattern string, h Handler) Route { return newRoute(http.MethodDelete, pattern, h) }

func newRoute(method, pattern string, h Handler) Route {
	return Route{Method: method, Pattern: pattern, Handle: h}
}

// Limit gives a route rates of its own.
func (r Route) Limit(rates Rates) Route {
	r.Limits = rates
	return r
}

// ShedFirst is for a route by which new work comes in: where there is too much to do, its
// calls are refused before others.
func (r Route) ShedFirst() Route {
	r.Sheds = true
	return r
}

// Unmasked is for a route whose answer is not marshalled: X-Fields is not read.
func (r Route) Unmasked() Route {
	r.Plain = true
	return r
}

// About puts a route into the machine-readable documents, with the headers that it
// reads.
func (r Route) About(summary string, headers ...Header) Route {
	r.Doc = &Doc{Summary: summary, Headers: headers, Answers: map[int]any{}}
	return r
}

// Body names the schema of the body that a route reads.
func (r Route) Body(schema *api.Schema) Route {
	r.Doc.Body = schema
	return r
}

// Query names the parameters that a route reads from the URL's query.
func (r Route) Query(params ...Param) Route {
	r.Doc.Query = params
	return r
}

// Answer gives a value of the type that a route answers with status 200.
func (r Route) Answer(v any) Route { return r.AnswerWith(http.StatusOK, v) }

// AnswerWith gives a value of the type that a route answers with a status; nil for
// an answer without a body.
func (r Route) AnswerWith(status int, v any) Route {
	r.Doc.Answers[status] = v
	return r
}

// Operation names a route as the contract's document does: the operationId, by which
// generated clients name their calls, and the refusals that it lists. A status with a +
// has the body of failed validation. A route without it is not of the contract, and
// what is told of it follows from the rest.
func (r Route) Operation(id, refusals string) Route {
	r.Doc.Operation, r.Doc.Refusals = id, refusals
	return r
}

// Since names the level with which a route came into the contract's document.
func (r Route) Since(level api.Level) Route {
	r.Doc.Since = level
	return r
}

// Doc is what the machine-readable documents say of a route.
type Doc struct {
	Summary string
	Headers []Header
	Body    *api.Schema // nil: none; without a name: read leniently, described only
	Query   []Param
	Answers map[int]any // status → a value of the answer's type, or Events

	Operation string    // operationId in the contract's document; "": not of the contract
	Refusals  string    // statuses that the contract's document lists, such as "400+ 401"
	Since     api.Level // of the contract's document; "": always there
}

// Reads reports whether a route reads a header, by its description.
func (d *Doc) Reads(h Header) bool { return slices.Contains(d.Headers, h) }

// NeedsKey reports whether a call needs the header apikey.
func (d *Doc) NeedsKey() bool {
	return d.Reads(Key) || d.Body != nil && d.Body.NeedsKey && !d.Reads(OptionalKey)
}

// A Header is one that routes read.
type Header int

const (
	Key            Header = iota // apikey, which is needed (a body's NeedsKey implies it)
	OptionalKey                  // apikey, which is read when it is there
	Agent                        // Client-Agent
	IdempotencyKey               // Idempotency-Key
)

// A Param is a parameter in the URL's query.
type Param struct {
	Name   string
	Schema *api.Schema
}

// TextParam describes a parameter that is a text.
func TextParam(name, about string) Param {
	return Param{name, &api.Schema{Type: api.String, Description: about}}
}

// IntParam describes a parameter that is a whole number.
func IntParam(name, about string) Param {
	return Param{name, &api.Schema{Type: api.Integer, Description: about}}
}

// Or names what an absent parameter counts as.
func (p Param) Or(value any) Param {
	p.Schema.Default = value
	return p
}

// Events is the answer of a stream of server-sent events: a value of each type that
// the data of its events may have.
type Events []any
