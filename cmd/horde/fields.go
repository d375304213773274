package main

import (
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// flagNamesOf holds by which flag of a command a field of its request is set. The
// tag field of a flag names the field, such as params.steps.
type flagNamesOf map[string]*kong.Value

// flagsOf collects the flags and arguments of a command that name their fields.
func flagsOf(command *kong.Context) flagNamesOf {
	node := command.Selected()
	if node == nil {
		return nil
	}
	names := flagNamesOf{}
	add := func(v *kong.Value) {
		for _, field := range strings.Fields(v.Tag.Get("field")) {
			names[field] = v
		}
	}
	for _, f := range node.Flags {
		add(f.Value)
	}
	for _, p := range node.Positional {
		add(p)
	}
	return names
}

var (
	// fieldPath is the beginning of a line about one field of a request, as refusal
	// words it.
	fieldPath = regexp.MustCompile(`(?m)^  ([a-z_.]+): `)
	// switchedOff is a field of which a message says that it is off.
	switchedOff = regexp.MustCompile(`\bwithout ([a-z]+(?:_[a-z]+)+)\b|\b([a-z]+(?:_[a-z]+)+) is false\b`)
	// fieldWord is a word that can only be a field: an ordinary one has no such
	// signs.
	fieldWord = regexp.MustCompile(`\bparams\.[a-z_]+\b|\b[a-z]+(?:_[a-z]+)+\b`)
)

// inPlaceOfFields names what a horde says of the fields of a request by the flags
// that set them, so that its advice can be followed here.
func (names flagNamesOf) inPlaceOfFields(text string) string {
	text = fieldPath.ReplaceAllStringFunc(text, func(line string) string {
		field := strings.TrimSuffix(strings.TrimSpace(line), ":")
		return "  " + names.of(field) + ": "
	})
	text = switchedOff.ReplaceAllStringFunc(text, func(phrase string) string {
		parts := switchedOff.FindStringSubmatch(phrase)
		v := names.find(parts[1] + parts[2])
		switch {
		case v == nil || v.Tag.Negatable == "":
			return phrase
		case parts[1] != "":
			return "with --no-" + v.Name
		}
		return "--no-" + v.Name
	})
	return fieldWord.ReplaceAllStringFunc(text, names.of)
}

// find is the flag of a field, by its path or by its last word.
func (names flagNamesOf) find(field string) *kong.Value {
	if v := names[field]; v != nil {
		return v
	}
	return names["params."+field]
}

// of is how a command calls a field: by its flag, or else as the horde does.
func (names flagNamesOf) of(field string) string {
	v := names.find(field)
	switch {
	case v == nil:
		return field
	case v.Flag == nil:
		return "<" + v.Name + ">"
	}
	return "--" + v.Name
}
