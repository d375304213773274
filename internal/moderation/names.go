package moderation

import (
	"strings"
	"unicode"

	"horde/internal/horde"
)

// CheckName refuses a name that would not look like what it is: with control characters,
// or with marks that turn the direction of writing. White space around it is no part of
// it, and NUL is removed elsewhere (platform §7.9).
func CheckName(name string) error {
	if strings.ContainsFunc(strings.TrimSpace(name), misleads) {
		return horde.Errorf(horde.BadRequest,
			"A name cannot have control characters or marks for the direction of writing.")
	}
	return nil
}

func misleads(r rune) bool {
	return r != 0 && (unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029')
}
