package pyjson

import (
	"reflect"
	"slices"
	"strconv"
	"strings"
)

// FindNUL looks for a NUL character in the texts of a struct that Assign filled and
// returns the dotted path to the first. The exceptions are members at the top that
// may hold one.
func FindNUL(in any, except ...string) (path string, found bool) {
	v := reflect.ValueOf(in)
	for v.Kind() == reflect.Pointer {
		v = v.Elem()
	}

	for _, f := range fieldsOf(v.Type()) {
		if slices.Contains(except, f.name) {
			continue
		}
		if path, found := findNUL(v.Field(f.index)); found {
			return strings.TrimPrefix(f.name+path, "."), true
		}
	}
	return "", false
}

// findNUL looks for a text with a NUL; path leads to it from v.
func findNUL(v reflect.Value) (path string, found bool) {
	switch v.Kind() {
	case reflect.String:
		return "", strings.IndexByte(v.String(), 0) >= 0
	case reflect.Pointer, reflect.Interface:
		return findNUL(v.Elem())

	case reflect.Struct:
		for _, f := range fieldsOf(v.Type()) {
			if path, found = findNUL(v.Field(f.index)); !found {
				continue
			}
			if f.name == "" {
				return path, true
			}
			return "." + f.name + path, true
		}

	case reflect.Slice:
		for i := range v.Len() {
			if path, found = findNUL(v.Index(i)); found {
				return "." + strconv.Itoa(i) + path, true
			}
		}

	case reflect.Map:
		for it := v.MapRange(); it.Next(); {
			if strings.IndexByte(it.Key().String(), 0) >= 0 {
				return "", true
			}
			if _, found = findNUL(it.Value()); found {
				return "." + it.Key().String(), true
			}
		}
	}
	return "", false
}
