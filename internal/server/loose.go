package server

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
)

// Members of bodies without a schema layer, read as the original's argument
// parser does: a null counts as absent, everything is converted where it can be
// (platform §1.3).

// looseBool is the truth of a member; nil when it is absent.
func looseBool(body map[string]any, name string) *bool {
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

// looseText is a member as text; ok is false when it is absent.
func looseText(body map[string]any, name string) (text string, ok bool) {
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
		return jsonText(v), true
	}
}

// looseAmount is looseInt for an amount of kudos: of a number beyond 64 bits the
// nearest within, which nobody has. What is infinite or no number is refused.
func looseAmount(body map[string]any, name string, missing int64) (int64, error) {
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
	return looseInt(body, name, missing)
}

func saturated(negative bool) int64 {
	if negative {
		return math.MinInt64
	}
	return math.MaxInt64
}

// looseInt is a member as a whole number, fractions cut; missing when it is
// absent. A number beyond 64 bits is refused.
func looseInt(body map[string]any, name string, missing int64) (int64, error) {
	wrong := func(text string) error {
		return invalidField(name, "invalid literal for int() with base 10: '"+clip(text, 40)+"'")
	}
	switch v := body[name].(type) {
	case nil:
		return missing, nil
	case bool:
		if v {
			return 1, nil
		}
		return 0, nil
	case int64:
		return v, nil
	case float64:
		if math.IsNaN(v) || math.Abs(v) >= 1<<63 {
			return 0, wrong(strconv.FormatFloat(v, 'g', -1, 64))
		}
		return int64(v), nil
	case string:
		n, err := strconv.ParseInt(strings.TrimSpace(v), 10, 64)
		if err != nil {
			return 0, wrong(v)
		}
		return n, nil
	case json.Number:
		return 0, wrong(string(v))
	default:
		return 0, wrong(jsonText(v))
	}
}
