// Package swagger writes the machine-readable documents of the API from the route
// table, the schemas of bodies and the Go types of answers: the contract's document in
// Swagger 2.0, which clients compare with the original's word by word, and our own in
// OpenAPI 3.1.
//
//   - documents.go: which documents there are
//   - swagger.go: from routes to a document in Swagger 2.0
//   - types.go: from the Go types of answers to definitions
//   - bases.go: definitions that the original's document has only for others to include
//   - level.go: what a level of the contract does not show yet
//   - openapi.go: the same in OpenAPI 3.1
package swagger

import (
	"cmp"
	"sync"

	"horde/api"
	"horde/internal/server"
)

// Files of documents, as they are asked for.
const (
	ContractFile   = "swagger.json"    // the contract in Swagger 2.0
	ContractOpen   = "contract.json"   // the contract in OpenAPI 3.1
	ExtensionsOpen = "openapi.json"    // what is beyond the contract, in OpenAPI 3.1
	ExtensionsFile = "extensions.json" // the same in Swagger 2.0
)

// newest is the level that shows everything.
var newest = api.Levels[len(api.Levels)-1]

// Documents describe the routes of one server. Make them with New.
type Documents struct {
	title  string
	level  api.Level
	routes []server.Route

	mu   sync.Mutex
	made map[documentKey][]byte // guarded by mu
}

// documentKey is what makes one document another one.
type documentKey struct {
	file     string
	level    api.Level // of ContractFile
	examples Examples
}

// Examples is whether a document has examples to send as they are.
type Examples int

const (
	WithoutExamples Examples = iota
	WithExamples
)

// New makes the documents of a horde. level is what its contract's document shows
// unless it is asked for another.
func New(title string, level api.Level) *Documents {
	return &Documents{title: title, level: level, made: map[documentKey][]byte{}}
}

// Describe says which routes the documents describe, before any is asked for.
func (d *Documents) Describe(routes []server.Route) { d.routes = routes }

// Routes are those that the documents describe.
func (d *Documents) Routes() []server.Route { return d.routes }

// File returns a document by its file name; ok is false for other names.
func (d *Documents) File(name string) (raw []byte, ok bool) {
	switch name {
	case ContractFile:
		return d.Contract(d.level, WithoutExamples), true
	case ContractOpen, ExtensionsOpen, ExtensionsFile:
		return d.document(documentKey{file: name}), true
	}
	return nil, false
}

// Contract returns the contract's document as a level shows it; "" is the level of
// this horde.
func (d *Documents) Contract(level api.Level, examples Examples) []byte {
	return d.document(documentKey{file: ContractFile, level: cmp.Or(level, d.level), examples: examples})
}

// document writes a document, or finds it as it was written before. There are few
// keys, so all are kept.
func (d *Documents) document(key documentKey) []byte {
	d.mu.Lock()
	defer d.mu.Unlock()
	if raw := d.made[key]; raw != nil {
		return raw
	}

	var raw []byte
	switch key.file {
	case ContractFile:
		raw = d.describe(contract, asTheOriginal, key.level).swagger(key.examples)
	case ContractOpen:
		raw = d.describe(contract, asItIs, newest).openAPI()
	case ExtensionsOpen:
		raw = d.describe(extensions, asItIs, newest).openAPI()
	case ExtensionsFile:
		raw = d.describe(extensions, asItIs, newest).swagger(WithoutExamples)
	}
	d.made[key] = raw
	return raw
}
