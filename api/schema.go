package api

import "encoding/json"

// Type is the JSON type of a described value.
type Type string

// The JSON types. Integer accepts whole numbers however written (512 and 512.0);
// null, and true or false for a number, match none of them.
const (
	Object  Type = "object"
	Array   Type = "array"
	String  Type = "string"
	Integer Type = "integer"
	Number  Type = "number"
	Boolean Type = "boolean"
)

// Schema is the one description of a value that a request may carry: the server
// validates with it and makes its machine-readable document from it
// (platform §1.3). Zero fields do not restrict anything.
type Schema struct {
	Name        string // of the definition; objects only
	Type        Type
	Description string
	Default     any    // as documented; the server's own defaults may differ
	Example     any    // of a whole body: one that can be sent as it is
	Format      string // of the document only, such as date-time

	// Values is the type of what members hold that no property names. It describes
	// objects without properties and is not enforced.
	Values *Schema

	Properties []Property  // objects; none: any content is accepted
	Items      *Schema     // arrays
	Unique     bool        // arrays
	Enum       []string    // strings
	MinLength  int         // strings, in characters; below 0: documented as 0
	MaxLength  int         // strings, in characters; 0: no limit
	Min, Max   json.Number // numbers; "" is no limit. Messages repeat them as written
	MultipleOf json.Number // numbers

	// NaN accepts "not a number", for a field whose handler refuses it with a code
	// of its own. Everywhere else it is a violation.
	NaN bool

	// Finite is for objects whose unnamed members are kept or passed on: these may
	// not hold NaN or infinities.
	Finite bool
	// Open is for other objects whose unnamed members are read.
	Open bool
	// Unlisted are members that are read, but stand in no document.
	Unlisted []string
	// MaxItems is the most items of an array, where nothing else bounds what they cost; 0:
	// no limit. It is in no document: the contract's has none.
	MaxItems int

	// Of whole bodies only:
	MaxBytes int64 // size limit; 0: DefaultMaxBytes
	NeedsKey bool  // the header apikey must be present (it may be wrong)
}

// Size limits of bodies, without and with images inside.
const (
	DefaultMaxBytes = 1 << 20  // bytes
	ImageMaxBytes   = 16 << 20 // bytes
)

// Property is a named member of an object.
type Property struct {
	Name   string
	Schema *Schema

	// Since is the level from which the contract's document shows the member, which
	// is accepted at every level.
	Since Level
	// Required members are missed together with all other violations.
	Required bool
	// ParserRequired members are checked only once the whole body fits its schema,
	// and then only the first that is missing is reported.
	ParserRequired bool
}

// Size is the most bytes that a body of this schema may have.
func (s *Schema) Size() int64 {
	if s.MaxBytes == 0 {
		return DefaultMaxBytes
	}
	return s.MaxBytes
}

// KeepsUnnamed reports whether members of an object matter that no property names.
func (s *Schema) KeepsUnnamed() bool { return s.Open || s.Finite || len(s.Properties) == 0 }

// FirstMissing returns the first parser-required property that body lacks, or
// nil. An explicit null counts as missing.
func (s *Schema) FirstMissing(body map[string]any) *Property {
	for i := range s.Properties {
		p := &s.Properties[i]
		if p.ParserRequired && body[p.Name] == nil {
			return p
		}
	}
	return nil
}

// SinceMark is the key of a member's level, which those who write documents remove
// again.
const SinceMark = "x-since"

// Swagger is the schema as a Swagger 2.0 schema object. Named objects inside it
// are references into Definitions.
func (s *Schema) Swagger() map[string]any {
	out := map[string]any{}
	put := func(key string, v any, given bool) {
		if given {
			out[key] = v
		}
	}
	put("type", string(s.Type), s.Type != "")
	put("description", s.Description, s.Description != "")
	put("default", s.Default, s.Default != nil)
	put("example", s.Example, s.Example != nil)
	put("format", s.Format, s.Format != "")
	put("minimum", s.Min, s.Min != "")
	put("maximum", s.Max, s.Max != "")
	put("multipleOf", s.MultipleOf, s.MultipleOf != "")
	put("minLength", max(s.MinLength, 0), s.MinLength != 0)
	put("maxLength", s.MaxLength, s.MaxLength > 0)
	put("uniqueItems", true, s.Unique)
	put("enum", s.Enum, len(s.Enum) > 0)

	if s.Items != nil {
		out["items"] = s.Items.Reference()
	}

	if len(s.Properties) > 0 {
		props := make(map[string]any, len(s.Properties))
		var required []string
		for _, p := range s.Properties {
			member := p.Schema.Reference()
			if p.Since != "" {
				member[SinceMark] = p.Since
			}
			props[p.Name] = member
			if p.Required {
				required = append(required, p.Name)
			}
		}
		out["properties"] = props
		put("required", required, len(required) > 0)
	}
	return out
}

// Definitions are the Swagger schemas of s and of every named object inside it,
// by name.
func (s *Schema) Definitions() map[string]any {
	defs := map[string]any{}
	s.collect(defs)
	return defs
}

// Reference is what a document says about s where s is used: a reference to its
// definition, or without a name the schema itself.
func (s *Schema) Reference() map[string]any {
	if s.Name == "" {
		return s.Swagger()
	}
	return map[string]any{"$ref": "#/definitions/" + s.Name}
}

func (s *Schema) collect(defs map[string]any) {
	if s.Name != "" {
		if _, known := defs[s.Name]; known {
			return
		}

		def := s.Swagger()
		// The Python SDK accepts neither a description nor an example of definitions,
		// and none without members: such a one allows any.
		delete(def, "description")
		delete(def, "example")
		if len(s.Properties) == 0 {
			values := map[string]any{"type": string(Object)}
			if s.Values != nil {
				values = s.Values.Swagger()
			}
			def["properties"] = map[string]any{"*": map[string]any{"type": string(Object), "additionalProperties": values}}
		}
		defs[s.Name] = def
	}

	if s.Items != nil {
		s.Items.collect(defs)
	}
	for _, p := range s.Properties {
		p.Schema.collect(defs)
	}
}

// Short forms for the tables of schema_*.go.

func object(name string, props ...Property) *Schema {
	return &Schema{Name: name, Type: Object, Properties: props}
}

func list(items *Schema) *Schema { return &Schema{Type: Array, Items: items} }

// listOf is a list of at most so many items.
func listOf(most int, items *Schema) *Schema {
	return &Schema{Type: Array, Items: items, MaxItems: most}
}

func text(about string) *Schema { return &Schema{Type: String, Description: about} }

// sized is a string of least to most characters; most 0 is no limit.
func sized(least, most int, about string) *Schema {
	return &Schema{Type: String, MinLength: least, MaxLength: most, Description: about}
}

func oneOf(values []string, about string) *Schema {
	return &Schema{Type: String, Enum: values, Description: about}
}

func integer(least, most json.Number, about string) *Schema {
	return &Schema{Type: Integer, Min: least, Max: most, Description: about}
}

func number(least, most json.Number, about string) *Schema {
	return &Schema{Type: Number, Min: least, Max: most, Description: about}
}

func flag(standard bool, about string) *Schema {
	return &Schema{Type: Boolean, Default: standard, Description: about}
}

func (s *Schema) standard(v any) *Schema { s.Default = v; return s }

func (s *Schema) example(v any) *Schema { s.Example = v; return s }

func (s *Schema) open() *Schema { s.Open = true; return s }

func optional(name string, s *Schema) Property { return Property{Name: name, Schema: s} }

func required(name string, s *Schema) Property {
	return Property{Name: name, Schema: s, Required: true}
}

func parserRequired(name string, s *Schema) Property {
	return Property{Name: name, Schema: s, ParserRequired: true}
}
