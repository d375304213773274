package golden

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// extent says which members of an object an expectation names.
type extent int

const (
	allMembers  extent = iota
	someMembers        // the object may have more
)

// match lists the differences between an expectation, with its variables filled in,
// and a value. Values are as decode makes them. e says whether the
// expectation names every member of an object.
func match(want, got any, path string, e extent) []string {
	if names := placeholderKinds(want); names != nil {
		for _, name := range names {
			if kinds[name](got) {
				return nil
			}
		}
		return diff(path, "want %s, got %s", want, short(got, maxShown))
	}

	if name := special(want); name != "" {
		return matchSpecial(name, want.(map[string]any), got, path, e)
	}
	switch w := want.(type) {
	case map[string]any:
		return matchObject(w, got, path, e)
	case []any:
		return matchArray(w, got, path, e)
	case json.Number:
		if g, ok := got.(json.Number); ok && math.Abs(number(w)-number(g)) < 1e-9 {
			return nil
		}
	default: // string, bool, nil
		if _, number := got.(json.Number); !number && isComparable(got) && want == got {
			return nil
		}
	}
	return diff(path, "want %s, got %s", short(want, maxShown), short(got, maxShown))
}

// isComparable reports whether v can be compared with ==.
func isComparable(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return false
	}
	return true
}

func diff(path, format string, args ...any) []string {
	if path == "" {
		path = "/"
	}
	return []string{path + ": " + fmt.Sprintf(format, args...)}
}

func matchObject(want map[string]any, got any, path string, e extent) []string {
	g, ok := got.(map[string]any)
	if !ok {
		return diff(path, "want an object, got %s", short(got, maxShown))
	}

	var out []string
	for _, k := range sortedKeys(want) {
		if v, ok := g[k]; ok {
			out = append(out, match(want[k], v, path+"/"+k, e)...)
		} else {
			out = append(out, diff(path+"/"+k, "missing, want %s", short(want[k], maxShown))...)
		}
	}

	if e == someMembers {
		return out
	}
	for _, k := range sortedKeys(g) {
		if _, ok := want[k]; !ok {
			out = append(out, diff(path+"/"+k, "unexpected key, value %s", short(g[k], maxShown))...)
		}
	}
	return out
}

func matchArray(want []any, got any, path string, e extent) []string {
	g, ok := got.([]any)
	if !ok {
		return diff(path, "want an array, got %s", short(got, maxShown))
	}
	if len(want) != len(g) {
		return diff(path, "want %d elements %s, got %d %s", len(want), short(want, maxShown), len(g), short(g, maxShown))
	}

	var out []string
	for i := range want {
		out = append(out, match(want[i], g[i], path+"/"+strconv.Itoa(i), e)...)
	}
	return out
}

// special is the name of the object matcher that v is ({"<approx>": …}), or "".
func special(v any) string {
	m, ok := v.(map[string]any)
	if !ok {
		return ""
	}
	for k := range m {
		if len(k) > 2 && k[0] == '<' && k[len(k)-1] == '>' {
			return k[1 : len(k)-1]
		}
	}
	return ""
}

// matchSpecial compares with an object matcher.
func matchSpecial(name string, want map[string]any, got any, path string, e extent) []string {
	arg := want["<"+name+">"]
	switch name {
	case "approx":
		return matchApprox(want, number(arg), got, path)
	case "contains":
		return matchContains(list(arg), got, path)
	case "oneof":
		for _, a := range list(arg) {
			if match(a, got, path, e) == nil {
				return nil
			}
		}
		return diff(path, "want one of %s, got %s", short(arg, maxShown), short(got, maxShown))
	case "subset":
		return match(arg, got, path, someMembers)
	}

	g, ok := got.([]any)
	switch name {
	case "each", "unordered", "has", "lacks":
		if !ok || name == "each" && len(g) == 0 {
			return diff(path, "want an array, not empty for <each>, got %s", short(got, maxShown))
		}
	}

	switch name {
	case "each":
		var out []string
		for i, a := range g {
			out = append(out, match(arg, a, path+"/"+strconv.Itoa(i), e)...)
		}
		return out
	case "unordered", "has":
		if w := list(arg); name == "unordered" && len(w) != len(g) {
			return diff(path, "want %d elements %s, got %s", len(w), short(arg, maxShown), short(got, maxShown))
		}
		return matchHas(list(arg), g, path, e)
	case "lacks":
		return matchLacks(list(arg), g, path)
	}

	return diff(path, "unknown matcher <%s>", name)
}

func matchApprox(want map[string]any, x float64, got any, path string) []string {
	tolerance := number(want["rel"])*math.Abs(x) + number(want["abs"]) + 1e-9
	if g, ok := got.(json.Number); ok && math.Abs(number(g)-x) <= tolerance {
		return nil
	}
	return diff(path, "want %v ± %.2f, got %s", x, tolerance, short(got, maxShown))
}

func matchContains(fragments []any, got any, path string) []string {
	s, _ := got.(string)
	s = strings.ToLower(s)

	var missing []any
	for _, f := range fragments {
		if t, _ := f.(string); !strings.Contains(s, strings.ToLower(t)) {
			missing = append(missing, f)
		}
	}

	if missing == nil {
		return nil
	}
	return diff(path, "want text containing %s, got %s", short(missing, maxShown), short(got, maxShown))
}

// matchHas finds a different element for every expectation.
func matchHas(want, got []any, path string, e extent) []string {
	rest := slices.Clone(got)
	var out []string
	for _, w := range want {
		hit := slices.IndexFunc(rest, func(g any) bool { return match(w, g, path, e) == nil })
		if hit < 0 {
			out = append(out, diff(path, "no element like %s in %s", short(w, maxShown), short(got, 400))...)
			continue
		}
		rest = slices.Delete(rest, hit, hit+1)
	}
	return out
}

func matchLacks(unwanted, got []any, path string) []string {
	var out []string
	for _, u := range unwanted {
		if slices.ContainsFunc(got, func(g any) bool { return match(u, g, path, someMembers) == nil }) {
			out = append(out, diff(path, "must not hold %s", short(u, maxShown))...)
		}
	}
	return out
}

// matchError compares error bodies: everything recorded but errors as a subset
// (an rc may be added), and exactly the recorded keys of errors.
func matchError(want, got any) []string {
	g, ok := got.(map[string]any)
	w, _ := want.(map[string]any)
	if !ok {
		return diff("", "want an error object, got %s", short(got, maxShown))
	}

	rest := map[string]any{}
	for k, v := range w {
		if k != "errors" {
			rest[k] = v
		}
	}

	out := match(rest, got, "", someMembers)
	errors, given := w["errors"]
	if given {
		return append(out, match(errors, g["errors"], "/errors", allMembers)...)
	}
	if _, unexpected := g["errors"]; unexpected {
		out = append(out, diff("/errors", "unexpected key")...)
	}
	return out
}

func list(v any) []any {
	l, _ := v.([]any)
	return l
}

// number is the value of a JSON number, 0 for anything else.
func number(v any) float64 {
	n, _ := v.(json.Number)
	f, _ := strconv.ParseFloat(string(n), 64)
	return f
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// maxShown is how much of a value a difference shows.
const maxShown = 160 // bytes

// short is v as JSON, cut to n bytes.
func short(v any, n int) string {
	b, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	if len(b) > n {
		return strings.ToValidUTF8(string(b[:n]), "") + "…"
	}
	return string(b)
}
