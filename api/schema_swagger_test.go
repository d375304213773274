package api

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"horde/internal/golden"
)

// bodies are all described bodies; each is compared with the original's
// document.
var bodies = []*Schema{ImageRequestSchema, ImagePopSchema, ImageSubmitSchema, TextRequestSchema, TextPopSchema,
	TextSubmitSchema, ModifyUserSchema, ModifyWorkerSchema,
	ImageStyleSchema, ImageStylePatchSchema, TextStyleSchema, TextStylePatchSchema, StyleExampleSchema, CollectionSchema,
	AestheticsSchema, SharedKeyInputSchema,
	AlchemyRequestSchema, AlchemyPopSchema, AddTimeoutIPSchema, DeleteTimeoutIPSchema,
	AddWorkerTimeoutSchema, NewMessageSchema,
	PutFilterSchema, PatchFilterSchema}

type swaggerDoc struct {
	Definitions map[string]map[string]any `json:"definitions"`
}

// flatten merges allOf and follows references.
func (d swaggerDoc) flatten(def map[string]any) map[string]any {
	if ref, ok := def["$ref"].(string); ok {
		return d.flatten(d.Definitions[strings.TrimPrefix(ref, "#/definitions/")])
	}
	out := map[string]any{}
	props := map[string]any{}

	var required []any
	merge := func(m map[string]any) {
		for k, v := range m {
			switch k {
			case "properties":
				maps.Copy(props, v.(map[string]any))
			case "required":
				required = append(required, v.([]any)...)
			case "allOf":
			default:
				out[k] = v
			}
		}
	}

	if parts, ok := def["allOf"].([]any); ok {
		for _, p := range parts {
			merge(d.flatten(p.(map[string]any)))
		}
	}

	merge(def)
	if len(props) > 0 {
		out["properties"] = props
	}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

func TestSchemasFitTheOriginalsDocument(t *testing.T) {
	raw, err := os.ReadFile(golden.Shared(t, "data", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}

	var d swaggerDoc
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	for _, s := range bodies {
		def, ok := d.Definitions[s.Name]
		if !ok {
			t.Errorf("%s: no such definition", s.Name)
			continue
		}
		compare(t, d, s.Name, s, d.flatten(def))
	}
}

func compare(t *testing.T, d swaggerDoc, path string, s *Schema, want map[string]any) {
	t.Helper()
	got := map[string]any{}
	blob, _ := json.Marshal(s.Swagger())
	if err := json.Unmarshal(blob, &got); err != nil {
		t.Fatal(err)
	}

	for _, key := range []string{"type", "minimum", "maximum", "multipleOf", "minLength", "maxLength", "uniqueItems",
		"default", "enum", "required"} {
		if !reflect.DeepEqual(sorted(got[key]), sorted(want[key])) {
			t.Errorf("%s: %s is %v, the original has %v", path, key, got[key], want[key])
		}
	}

	if items, ok := want["items"].(map[string]any); ok != (s.Items != nil) {
		t.Errorf("%s: items given: %v, want %v", path, s.Items != nil, ok)
	} else if ok {
		compare(t, d, path+"[]", s.Items, d.flatten(items))
	}

	props, _ := want["properties"].(map[string]any)
	delete(props, "*") // free content
	for _, p := range s.Properties {
		def, ok := props[p.Name].(map[string]any)
		if !ok {
			t.Errorf("%s.%s: not in the original", path, p.Name)
			continue
		}
		compare(t, d, path+"."+p.Name, p.Schema, d.flatten(def))
		delete(props, p.Name)
	}

	for name := range props {
		t.Errorf("%s.%s: missing", path, name)
	}
}

// sorted orders lists that are sets.
func sorted(v any) any {
	list, ok := v.([]any)
	if !ok {
		return v
	}
	return slices.SortedFunc(slices.Values(list), func(a, b any) int {
		return strings.Compare(fmt.Sprint(a), fmt.Sprint(b))
	})
}

// Every field of a body struct is described, and every described property has a
// field: what is missing on one side would be silently ignored.
func TestSchemasFitTheStructs(t *testing.T) {
	for _, c := range []struct {
		s *Schema
		v any
	}{{ImageRequestSchema, ImageRequest{}}, {ImagePopSchema, ImagePop{}}, {ImageSubmitSchema, ImageSubmit{}},
		{alchemyFormSchema, AlchemyForm{}}, {AlchemyPopSchema, AlchemyPop{}},
		{AddTimeoutIPSchema, AddTimeoutIP{}}, {DeleteTimeoutIPSchema, DeleteTimeoutIP{}}, {AddWorkerTimeoutSchema,
			AddWorkerTimeout{}}, {NewMessageSchema, NewMessage{}}} {
		fits(t, c.s.Name, c.s, reflect.TypeOf(c.v))
	}
}

func fits(t *testing.T, path string, s *Schema, typ reflect.Type) {
	t.Helper()
	for typ.Kind() == reflect.Pointer {
		typ = typ.Elem()
	}

	switch {
	case s.Type == Array && typ.Kind() == reflect.Slice:
		fits(t, path+"[]", s.Items, typ.Elem())
		return
	case s.Type == Object && typ.Kind() == reflect.Map:
		return
	case s.Type != Object || typ.Kind() != reflect.Struct:
		want := map[Type][]reflect.Kind{
			String: {reflect.String}, Boolean: {reflect.Bool},
			Integer: {reflect.Int, reflect.Int64}, Number: {reflect.Float64},
		}[s.Type]
		if !slices.Contains(want, typ.Kind()) {
			t.Errorf("%s: %s in a Go %s", path, s.Type, typ)
		}
		return
	}

	fields := map[string]reflect.Type{}
	for i := range typ.NumField() {
		name, _, _ := strings.Cut(typ.Field(i).Tag.Get("json"), ",")
		fields[name] = typ.Field(i).Type
	}

	for _, p := range s.Properties {
		ft, ok := fields[p.Name]
		if !ok {
			t.Errorf("%s.%s: no field", path, p.Name)
			continue
		}
		fits(t, path+"."+p.Name, p.Schema, ft)
		delete(fields, p.Name)
	}

	for name := range fields {
		t.Errorf("%s: field %s is not described", path, name)
	}
}
