package server

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"strings"
	"unsafe"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server/pyjson"
)

// Decode reads the JSON body of a route with a schema layer into a T, in the
// order of generation §0.2: body and content type, schema (all
// violations at once), then the argument parser (header apikey and the members
// that the schema marks, the first missing one). The error is ready to be
// returned by the handler.
func Decode[T any](w http.ResponseWriter, r *http.Request, schema *api.Schema) (T, error) {
	in, _, err := DecodeRaw[T](w, r, schema)
	return in, err
}

// DecodeRaw is Decode for handlers that also need the body as it came: some
// checks look at members that are in no schema (generation §1.4 row 53). Of those only
// what the schema keeps is there (api.Schema.KeepsUnnamed, Unlisted).
func DecodeRaw[T any](w http.ResponseWriter, r *http.Request, schema *api.Schema) (T, map[string]any, error) {
	var in T
	if !IsJSON(r) {
		return in, nil, notUnderstood()
	}

	v, err := readJSON(w, r, reading{limit: schema.Size(), needsKey: schema.NeedsKey, shape: shapeOf(schema)})
	if err != nil {
		return in, nil, err
	}
	return Fill[T](r, v, schema)
}

// Fill checks a body that was read and puts it into a T.
func Fill[T any](r *http.Request, v any, schema *api.Schema) (T, map[string]any, error) {
	var in T
	body, err := checkObject(r, v, schema)
	if err != nil {
		return in, nil, err
	}
	pyjson.Assign(&in, body)
	return in, body, nil
}

// ReadValue reads the whole body of a route with schema layer, before it is checked. A
// large one is read for callers with a known key alone.
func ReadValue(w http.ResponseWriter, r *http.Request, limit int64) (any, error) {
	if !IsJSON(r) {
		return nil, notUnderstood()
	}
	return readJSON(w, r, reading{limit: limit, needsKey: true})
}

// checkObject compares a body with its schema.
func checkObject(r *http.Request, v any, schema *api.Schema) (map[string]any, error) {
	if problems := schema.Validate(v); problems != nil {
		return nil, Invalid(problems)
	}
	if schema.NeedsKey {
		if err := RequireKey(r); err != nil {
			return nil, err
		}
	}

	body, _ := v.(map[string]any)
	if p := schema.FirstMissing(body); p != nil {
		return nil, InvalidField(p.Name, p.Schema.Description+" Missing required parameter in the JSON body")
	}
	return body, nil
}

// LenientObject reads the body of a route without schema layer: what is no JSON
// object counts as no members at all (platform §1.3). Only the size
// limit is an error.
func LenientObject(w http.ResponseWriter, r *http.Request) (map[string]any, error) {
	return LenientObjectOf(w, r, api.DefaultMaxBytes)
}

// LenientObjectOf is LenientObject for a body of at most limit bytes.
func LenientObjectOf(w http.ResponseWriter, r *http.Request, limit int64) (map[string]any, error) {
	if !IsJSON(r) {
		return map[string]any{}, nil
	}

	v, err := readJSON(w, r, reading{limit: limit, needsKey: true})
	if horde.CodeOf(err) != "" {
		return nil, err
	}
	if body, ok := v.(map[string]any); ok {
		return body, nil
	}
	return map[string]any{}, nil
}

// RequireKey refuses a call without the header apikey; an empty or wrong one is
// the business of the accounts.
func RequireKey(r *http.Request) error {
	if _, present := r.Header["Apikey"]; present {
		return nil
	}
	return InvalidField("apikey",
		"The API Key corresponding to a registered user. Missing required parameter in the HTTP headers")
}

// APIKey is the key that the caller sent, "" if none.
func APIKey(r *http.Request) string {
	if v := r.Header["Apikey"]; len(v) > 0 {
		return v[0]
	}
	return ""
}

// UnknownAgent is the name of clients that do not give theirs.
const UnknownAgent = "unknown:0:unknown"

// maxClientAgent is the most that is kept of a client's name.
const maxClientAgent = 1000 // bytes

// ClientAgent is the client's name:version:contact, at most 1000 bytes.
func ClientAgent(r *http.Request) string {
	v := r.Header["Client-Agent"]
	if len(v) == 0 || v[0] == "" {
		return UnknownAgent
	}
	return strings.ToValidUTF8(Clip(v[0], maxClientAgent), "")
}

// IsJSON reports whether the body of a call is said to be JSON.
func IsJSON(r *http.Request) bool {
	v := r.Header["Content-Type"]
	if len(v) == 0 {
		return false
	}
	if v[0] == "application/json" {
		return true
	}

	kind, _, err := mime.ParseMediaType(v[0])
	if err != nil {
		return false
	}
	return kind == "application/json" || strings.HasPrefix(kind, "application/") && strings.HasSuffix(kind, "+json")
}

// reading is how a body is read.
type reading struct {
	limit    int64         // bytes
	needsKey bool          // a large one only for a caller whose key is known
	shape    *pyjson.Shape // what of it is kept; nil: all
}

// readJSON reads and parses a body. One that is nested too deeply, or that holds too many
// values, is a violation at the root.
func readJSON(w http.ResponseWriter, r *http.Request, how reading) (any, error) {
	raw, err := readBody(w, r, how)
	if err != nil {
		return nil, err
	}

	// raw is never written again.
	v, err := pyjson.ParseShaped(unsafe.String(unsafe.SliceData(raw), len(raw)), how.shape)
	switch {
	case errors.Is(err, pyjson.ErrDepth):
		return nil, InvalidField("", fmt.Sprintf("the body is nested more than %d levels deep", pyjson.MaxDepth))
	case errors.Is(err, pyjson.ErrMembers):
		return nil, InvalidField("", fmt.Sprintf("an object of the body has more than %d members", pyjson.MaxMembers))
	case errors.Is(err, pyjson.ErrValues):
		return nil, InvalidField("", fmt.Sprintf("the body holds more than %d values", pyjson.MaxValues))
	case err != nil:
		return nil, notUnderstood()
	}
	return v, nil
}

// RefuseNUL looks for a NUL character in the texts of a decoded body, which no
// store keeps (generation §0.3). The names are members that are cleaned instead and
// may hold one.
func RefuseNUL(in any, except ...string) error {
	if path, found := pyjson.FindNUL(in, except...); found {
		return horde.Errorf(horde.NulByteInPayload, "The payload may not contain NUL bytes: there is one in %s.", path)
	}
	return nil
}
