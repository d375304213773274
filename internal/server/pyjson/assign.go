package pyjson

import (
	"encoding/json"
	"math"
	"reflect"
	"strconv"
	"strings"
	"sync"
)

// structField is one field of a struct and the member that it is filled from. An
// embedded struct has no name and is filled from the members of its owner.
type structField struct {
	name  string
	index int
}

var structFields sync.Map // reflect.Type → []structField

// fieldsOf returns the fields of a struct type that members can fill.
func fieldsOf(t reflect.Type) []structField {
	if fields, ok := structFields.Load(t); ok {
		return fields.([]structField)
	}

	var fields []structField
	for i := range t.NumField() {
		f := t.Field(i)
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if f.IsExported() && (name != "" || f.Anonymous) && name != "-" {
			fields = append(fields, structField{name, i})
		}
	}

	structFields.Store(t, fields)
	return fields
}

// Assign fills what into points at from a parsed value that fits its schema:
// unknown members are passed over, whole numbers written with a point become
// integers. A value of another type than its field leaves the field as it is;
// validation has refused those that matter.
func Assign(into, v any) { assign(reflect.ValueOf(into).Elem(), v) }

// assign fills one value.
func assign(dst reflect.Value, v any) {
	switch dst.Kind() {
	case reflect.Struct:
		if members, ok := v.(map[string]any); ok {
			assignStruct(dst, members)
		}

	case reflect.Pointer:
		if v != nil {
			p := reflect.New(dst.Type().Elem())
			assign(p.Elem(), v)
			dst.Set(p)
		}

	case reflect.Slice:
		if items, ok := v.([]any); ok {
			s := reflect.MakeSlice(dst.Type(), len(items), len(items))
			for i, item := range items {
				assign(s.Index(i), item)
			}
			dst.Set(s)
		}

	case reflect.Map, reflect.Interface:
		if v != nil && reflect.TypeOf(v).AssignableTo(dst.Type()) {
			dst.Set(reflect.ValueOf(v))
		}

	default:
		assignScalar(dst, v)
	}
}

// assignStruct fills a struct from the members of an object.
func assignStruct(dst reflect.Value, members map[string]any) {
	for _, f := range fieldsOf(dst.Type()) {
		if f.name == "" {
			assignStruct(dst.Field(f.index), members)
		} else if v, ok := members[f.name]; ok {
			assign(dst.Field(f.index), v)
		}
	}
}

// assignScalar fills a text, a truth or a number.
func assignScalar(dst reflect.Value, v any) {
	switch dst.Kind() {
	case reflect.String:
		if s, ok := v.(string); ok {
			dst.SetString(s)
		}
	case reflect.Bool:
		if b, ok := v.(bool); ok {
			dst.SetBool(b)
		}
	case reflect.Int, reflect.Int64:
		if i, ok := WholeNumber(v); ok {
			dst.SetInt(i)
		}
	case reflect.Float64:
		if f, ok := anyNumber(v); ok {
			dst.SetFloat(f)
		}
	}
}

// WholeNumber returns v as an int64 if it is one, however it was written.
func WholeNumber(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case float64:
		if v == math.Trunc(v) && math.Abs(v) < 1<<63 {
			return int64(v), true
		}
	}
	return 0, false
}

// anyNumber returns v as a float64 if it is a number, as near as one comes.
func anyNumber(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil
	}
	return 0, false
}

// Marshal writes a parsed value again. NaN and the infinities, which Parse takes
// but JSON lacks, become null, in v itself too.
func Marshal(v any) (json.RawMessage, error) { return json.Marshal(finite(v)) }

// finite puts null for every number in v that is not finite.
func finite(v any) any {
	switch v := v.(type) {
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
	case []any:
		for i, item := range v {
			v[i] = finite(item)
		}
	case map[string]any:
		for name, member := range v {
			v[name] = finite(member)
		}
	}
	return v
}
