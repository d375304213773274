package account

import (
	"strings"

	"horde/internal/horde"
	"horde/internal/moderation"
)

const maxUsername = 30 // characters

// cleanName sanitises a username: cut to 30 characters, markup escaped,
// trimmed (platform §7.9, §8.1).
func cleanName(name string) string {
	name = strings.TrimSpace(strings.ReplaceAll(name, "\x00", ""))
	if r := []rune(name); len(r) > maxUsername {
		name = string(r[:maxUsername])
	}
	return moderation.Sanitize(name)
}

// checkName refuses a username that others could not read, or could take for another
// one: of an alias, name#id, only the last # is ours.
func checkName(name string) error {
	switch {
	case moderation.Profane(name):
		return errProfaneName
	case strings.ContainsRune(name, '#'):
		return horde.Errorf(horde.BadRequest, "A username cannot have a #: what follows it is the number of an account.")
	}
	return moderation.CheckName(name)
}
