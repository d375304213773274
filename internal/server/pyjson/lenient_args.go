package pyjson

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"

	"horde/internal/horde"
)

// Members of bodies without a schema layer are read as the original's argument
// parser does: a null counts as absent, everything is converted where it can be
// (platform §1.3).

// Bool returns the truth of a member; nil when it is absent.
func Bool(body map[string]any, name string) *bool {
	v, ok := body[name]
	if !ok || v == nil {
		return nil
	}
	truth := true
	switch v := v.(type) {
	case bool:
		truth = v
	case int64:
		truth = v != 0
	case float64:
		truth = v != 0
	case string:
		truth = v != ""
	case []any:
		truth = len(v) > 0
	case map[string]any:
		truth = len(v) > 0
	}
	return &truth
}

// Text returns a member as text; ok is false when it is absent.
func Text(body map[string]any, name string) (text string, ok bool) {
	switch v := body[name].(type) {
	case nil:
		return "", false
	case string:
		return v, true
	case bool:
		if v {
			return "True", true
		}
		return "False", true
	case int64:
		return strconv.FormatInt(v, 10), true
	case json.Number:
		return string(v), true
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	default:
		return marshalled(v), true
	}
}

// Amount is Int for an amount of kudos: a number beyond 64 bits becomes the nearest
// within, which nobody has. What is infinite or no number is refused.
func Amount(body map[string]any, name string, absent int64) (int64, error) {
	switch v := body[name].(type) {
	case float64:
		if math.Abs(v) >= 1<<63 && !math.IsInf(v, 0) {
			return saturated(v < 0), nil
		}
	case json.Number:
		return saturated(strings.HasPrefix(string(v), "-")), nil
	case string:
		if n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64); errors.Is(err, strconv.ErrRange) {
			return n, nil
		}
	}
	return Int(body, name, absent)
}

// saturated returns the number of 64 bits that is farthest from zero.
func saturated(negative bool) int64 {
	if negative {
		return math.MinInt64
	}
	return math.MaxInt64
}

// Int returns a member as a whole number, its fraction cut off; absent when there is
// no such member. A number beyond 64 bits is refused.
func Int(body map[string]any, name string, absent int64) (int64, error) {
	switch v := body[name].(type) {
	case nil:
		return absent, nil
	case int64:
		return v, nil

	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case float64:
		if math.IsNaN(v) || math.Abs(v) >= 1<<63 {
			return 0, NotInt(name, strconv.FormatFloat(v, 'g', -1, 64))
		}
		return int64(v), nil
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err != nil {
			return 0, NotInt(name, v)
		}
		return n, nil

	case json.Number:
		return 0, NotInt(name, string(v))
	default:
		return 0, NotInt(name, marshalled(v))
	}
}

// maxQuoted bounds how much of a wrong value its refusal repeats, in bytes.
const maxQuoted = 40

// NotInt refuses a member or parameter that is no whole number, in the original's words.
func NotInt(name, text string) error {
	return horde.Invalid(name, "invalid literal for int() with base 10: '"+text[:min(len(text), maxQuoted)]+"'")
}

// marshalled writes an array or object as JSON, links in it as they are.
func marshalled(v any) string {
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return "{}" // it has a NaN or an infinity in it
	}
	return strings.TrimSuffix(b.String(), "\n")
}
