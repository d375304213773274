package golden

import (
	"encoding/json"
	"net/mail"
	"regexp"
	"strings"
	"time"
)

var (
	placeholderForm = regexp.MustCompile(`^<([a-z0-9|]+)>$`)
	uuidForm        = regexp.MustCompile(`^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$`)
	apikeyForm      = regexp.MustCompile(`^[A-Za-z0-9_-]{22}$`)
	digitsForm      = regexp.MustCompile(`^-?[0-9]+$`)
	base64Form      = regexp.MustCompile(`^[A-Za-z0-9+/=\s]{40,}$`)
	isoTimeForm     = regexp.MustCompile(`^\d{4}-\d\d-\d\d[T ]\d\d:\d\d`)
	urlForm         = regexp.MustCompile(`^https?://`)
)

// kinds are the placeholders: what a value must be.
var kinds = map[string]func(v any) bool{
	"any":     func(any) bool { return true },
	"null":    func(v any) bool { return v == nil },
	"bool":    func(v any) bool { _, ok := v.(bool); return ok },
	"int":     isInt,
	"number":  func(v any) bool { _, ok := v.(json.Number); return ok },
	"string":  text(func(string) bool { return true }),
	"text":    text(func(s string) bool { return strings.TrimSpace(s) != "" }),
	"digits":  text(digitsForm.MatchString),
	"uuid":    text(uuidForm.MatchString),
	"apikey":  text(apikeyForm.MatchString),
	"time":    text(isRFC822),
	"isotime": text(isoTimeForm.MatchString),
	"url":     text(urlForm.MatchString),
	"base64":  text(base64Form.MatchString),
	"webp":    text(func(s string) bool { return strings.HasPrefix(s, "UklGR") }), // base64 of RIFF
	"array":   func(v any) bool { _, ok := v.([]any); return ok },
	"object":  func(v any) bool { _, ok := v.(map[string]any); return ok },
}

func text(is func(string) bool) func(any) bool {
	return func(v any) bool {
		s, ok := v.(string)
		return ok && is(s)
	}
}

func isInt(v any) bool {
	n, ok := v.(json.Number)
	return ok && !strings.ContainsAny(string(n), ".eE")
}

// isRFC822 accepts what mail programs accept, but only with a day of the week.
func isRFC822(s string) bool {
	if !strings.Contains(s, ",") {
		return false
	}
	if _, err := mail.ParseDate(s); err == nil {
		return true
	}
	_, err := time.Parse(time.RFC1123, s)
	return err == nil
}

// placeholderKinds returns the alternatives of a placeholder such as "<uuid>" or
// "<string|null>", nil for everything else.
func placeholderKinds(v any) []string {
	s, ok := v.(string)
	if !ok {
		return nil
	}
	m := placeholderForm.FindStringSubmatch(s)
	if m == nil {
		return nil
	}

	names := strings.Split(m[1], "|")
	for _, name := range names {
		if kinds[name] == nil {
			return nil
		}
	}
	return names
}
