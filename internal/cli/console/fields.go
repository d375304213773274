package console

import (
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
)

// FieldFlags holds which flag of a command sets a field of its request. The tag field
// of a flag names the field, such as params.steps.
type FieldFlags map[string]*kong.Value

// FieldFlagsOf collects the flags and arguments of a command that name their fields.
func FieldFlagsOf(command *kong.Context) FieldFlags {
	node := command.Selected()
	if node == nil {
		return nil
	}

	names := FieldFlags{}
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
	// writes it.
	fieldPath = regexp.MustCompile(`(?m)^  ([a-z_.]+): `)
	// switchedOff is a field that a message says is off.
	switchedOff = regexp.MustCompile(`\bwithout ([a-z]+(?:_[a-z]+)+)\b|\b([a-z]+(?:_[a-z]+)+) is false\b`)
	// fieldWord is a word that can only be a field: ordinary ones have no dot or
	// underscore.
	fieldWord = regexp.MustCompile(`\bparams\.[a-z_]+\b|\b[a-z]+(?:_[a-z]+)+\b`)
)

// replaceFields replaces the fields of a request in a horde's message by the flags that
// set them, so that its advice can be followed here.
func (names FieldFlags) ReplaceFields(text string) string {
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

// find returns the flag of a field, by its path or by its last word.
func (names FieldFlags) find(field string) *kong.Value {
	if v := names[field]; v != nil {
		return v
	}
	return names["params."+field]
}

// of returns what a command calls a field: its flag, or else the horde's word.
func (names FieldFlags) of(field string) string {
	v := names.find(field)
	switch {
	case v == nil:
		return field
	case v.Flag == nil:
		return "<" + v.Name + ">"
	}
	return "--" + v.Name
}
