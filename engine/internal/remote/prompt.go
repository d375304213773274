package remote

import "unicode/utf8"

// Room is how a context is shared out.
type Room struct {
	Length int // the most tokens of the text
	Prompt int // the most tokens of the prompt
}

// RoomFor shares out a context of so many tokens by what a job asks for: the text gets
// what it may need, the prompt the rest, at least one token (worker §7.2).
func RoomFor(maxLength, maxContext, context int) Room {
	if maxContext > 0 {
		context = min(context, maxContext)
	}
	length := min(max(1, maxLength), max(1, context-1))
	return Room{Length: length, Prompt: max(1, context-length)}
}

// longestToken is how many bytes a token has at most, for practical purposes: of a prompt
// more than so many times its room is never looked at.
const longestToken = 64

// LastBytes is the end of a text, of at most so many bytes, at the border of a character.
func LastBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	text = text[len(text)-max(0, most):]
	for text != "" && !utf8.RuneStart(text[0]) {
		text = text[1:]
	}
	return text
}

// Readable is the part of a prompt that can be within so many tokens at all.
func Readable(prompt string, tokens int) string { return LastBytes(prompt, tokens*longestToken) }
