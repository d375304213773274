package api

import (
	"encoding/json"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// maxViolations bounds the answer to a body that is wrong everywhere.
const maxViolations = 256

// Validate lists every way in which v does not fit s: dotted path (array
// positions as numbers, "" for v itself) → what is wrong, in the words that
// existing clients expect. If several rules are broken at one path the last one is
// named. The answer is nil when v fits, and never has more than 256 entries.
//
// v is a value as a JSON decoder makes it: nil, bool, string, int64, float64,
// json.Number, []any or map[string]any. The cost is linear in the size of v.
func (s *Schema) Validate(v any) map[string]string {
	var c checker
	c.path = c.buf[:0]
	c.check(s, v)
	return c.found
}

// checker walks a value along its schema. The path is a stack so that a valid
// body costs no text.
type checker struct {
	found map[string]string
	path  []segment
	buf   [8]segment
}

type segment struct {
	name  string
	index int // used where name is ""
}

func (c *checker) full() bool { return len(c.found) >= maxViolations }

func (c *checker) report(message string) {
	if c.found == nil {
		c.found = map[string]string{}
	}
	c.found[c.dotted()] = message
}

func (c *checker) dotted() string {
	var b strings.Builder
	for i, s := range c.path {
		if i > 0 {
			b.WriteByte('.')
		}
		if s.name == "" {
			b.WriteString(strconv.Itoa(s.index))
		} else {
			b.WriteString(s.name)
		}
	}
	return b.String()
}

func (c *checker) enter(s segment) { c.path = append(c.path, s) }
func (c *checker) leave()          { c.path = c.path[:len(c.path)-1] }

func (c *checker) check(s *Schema, v any) {
	if c.full() {
		return
	}
	switch s.Type {
	case Object:
		c.checkObject(s, v)
	case Array:
		c.checkArray(s, v)
	case String:
		c.checkString(s, v)
	case Integer, Number:
		c.checkNumber(s, v)
	case Boolean:
		if _, ok := v.(bool); !ok {
			c.wrongType(s, v)
		}
	}
}

func (c *checker) wrongType(s *Schema, v any) {
	c.report(pyRepr(v) + " is not of type '" + string(s.Type) + "'")
}

func (c *checker) checkObject(s *Schema, v any) {
	members, ok := v.(map[string]any)
	if !ok {
		c.wrongType(s, v)
		return
	}
	if len(s.Properties) == 0 {
		c.checkFree(members)
		return
	}

	for i := range s.Properties {
		p := &s.Properties[i]
		member, present := members[p.Name]
		switch {
		case present:
			c.enter(segment{name: p.Name})
			c.check(p.Schema, member)
			c.leave()
		case p.Required && !c.full():
			c.enter(segment{name: p.Name})
			c.report(pyRepr(p.Name) + " is a required property")
			c.leave()
		}
	}

	if s.Finite {
		c.checkUnnamed(s, members)
	}
}

// checkUnnamed is checkFree for the members that no property names.
func (c *checker) checkUnnamed(s *Schema, members map[string]any) {
	rest := map[string]any{}
	for name, v := range members {
		if !slices.ContainsFunc(s.Properties, func(p Property) bool { return p.Name == name }) {
			rest[name] = v
		}
	}
	c.checkFree(rest)
}

// checkFree finds numbers that JSON cannot represent inside content that is kept as it
// came.
func (c *checker) checkFree(v any) {
	if c.full() {
		return
	}
	switch v := v.(type) {
	case map[string]any:
		for name, member := range v {
			c.enter(segment{name: name})
			c.checkFree(member)
			c.leave()
		}
	case []any:
		for i, item := range v {
			c.enter(segment{index: i})
			c.checkFree(item)
			c.leave()
		}
	case float64:
		if math.IsNaN(v) || math.IsInf(v, 0) {
			c.report(pyRepr(v) + " is not a finite number")
		}
	}
}

func (c *checker) checkArray(s *Schema, v any) {
	items, ok := v.([]any)
	if !ok {
		c.wrongType(s, v)
		return
	}
	if s.MaxItems > 0 && len(items) > s.MaxItems {
		c.report(pyRepr(v) + " is too long")
		return
	}
	if s.Unique && !distinct(items) {
		c.report(pyRepr(v) + " has non-unique elements")
	}
	if s.Items == nil {
		return
	}

	for i, item := range items {
		c.enter(segment{index: i})
		c.check(s.Items, item)
		c.leave()
		if c.full() {
			return
		}
	}
}

func (c *checker) checkString(s *Schema, v any) {
	t, ok := v.(string)
	if !ok {
		c.wrongType(s, v)
	} else {
		c.checkLength(s, t)
	}

	// A value of another type is not in the enumeration either, and as the last rule
	// that is what gets reported.
	if len(s.Enum) > 0 && (!ok || !contains(s.Enum, t)) {
		c.report(pyRepr(v) + " is not one of " + pyReprList(s.Enum))
	}
}

func (c *checker) checkLength(s *Schema, t string) {
	if s.MinLength > 0 && (len(t) < s.MinLength || utf8.RuneCountInString(t) < s.MinLength) {
		if s.MinLength == 1 {
			c.report("'' should be non-empty")
		} else {
			c.report(pyRepr(t) + " is too short")
		}
	}
	if s.MaxLength > 0 && len(t) > s.MaxLength && utf8.RuneCountInString(t) > s.MaxLength {
		c.report(pyRepr(t) + " is too long")
	}
}

func (c *checker) checkNumber(s *Schema, v any) {
	f, ok := toFloat(v)
	whole := ok && f == math.Trunc(f) && !math.IsInf(f, 0)
	if !ok || s.Type == Integer && !whole {
		c.wrongType(s, v)
		if !ok {
			return
		}
	}

	if math.IsNaN(f) {
		if !s.NaN && s.Type == Number {
			c.report("nan is not a finite number")
		}
		return
	}

	// Beyond ±2⁶³ no type here can hold it; a limit below describes it better.
	if s.Type == Integer && math.Abs(f) >= 1<<63 && !isInt64(v) {
		c.report(pyRepr(v) + " does not fit in 64 bits")
	}
	if math.IsInf(f, 0) && s.Type == Number {
		c.report(pyRepr(v) + " is not a finite number")
	}

	if s.Min != "" && f < literal(s.Min) {
		c.report(pyRepr(v) + " is less than the minimum of " + string(s.Min))
	}
	if s.Max != "" && f > literal(s.Max) {
		c.report(pyRepr(v) + " is greater than the maximum of " + string(s.Max))
	}

	if s.MultipleOf != "" {
		if q := f / literal(s.MultipleOf); q != math.Trunc(q) {
			c.report(pyRepr(v) + " is not a multiple of " + string(s.MultipleOf))
		}
	}
}

func literal(n json.Number) float64 {
	f, _ := strconv.ParseFloat(string(n), 64) // a constant of a table
	return f
}

// toFloat is the value of a JSON number; integers beyond 2⁵³ are rounded, which
// makes no difference to any limit in use.
func toFloat(v any) (float64, bool) {
	switch v := v.(type) {
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case json.Number:
		f, err := strconv.ParseFloat(string(v), 64)
		return f, err == nil || math.IsInf(f, 0)
	case int:
		return float64(v), true
	}
	return 0, false
}

func isInt64(v any) bool {
	switch v := v.(type) {
	case int64, int:
		return true
	case json.Number:
		_, err := strconv.ParseInt(string(v), 10, 64)
		return err == nil
	}
	return false
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}

// distinct reports whether no two items are equal: 1 equals 1.0, but not true.
func distinct(items []any) bool {
	seen := make(map[any]bool, len(items))
	for _, item := range items {
		key := item
		switch v := item.(type) {
		case []any, map[string]any:
			key = composite(pyReprMax(v, math.MaxInt))
		default:
			if f, ok := toFloat(v); ok {
				key = f
			}
		}

		if seen[key] {
			return false
		}
		seen[key] = true
	}
	return true
}

// composite distinguishes the text of an array or object from a plain string.
type composite string
