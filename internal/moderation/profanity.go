package moderation

import (
	"strings"
	"unicode"
)

// profane are word stems that make a name unacceptable. A word counts if it begins
// with one of them; words that merely contain one (Scunthorpe) do not.
var profane = []string{
	"arsehole", "asshole", "bastard", "bitch", "bollocks", "bullshit", "cocksuck", "cunt", "dickhead", "fag", "fuck",
	"kike", "motherfuck", "nigga", "nigger", "paki", "retard", "shit", "slut", "spastic", "tranny", "twat",
	"wank", "whore",
}

// innocent are words that begin like a profane one but are not.
var innocent = []string{"fagot", "fagus", "pakistan", "retarder", "retardation", "shitake", "shittim"}

// leet undoes the usual substitutions of letters.
var leet = strings.NewReplacer("0", "o", "1", "i", "3", "e", "4", "a", "5", "s", "7", "t", "@", "a", "$", "s")

// Profane reports whether a text contains a word that has no place in a public name
// (platform §7.9).
func Profane(text string) bool {
	text = leet.Replace(strings.ToLower(text))
	for _, word := range strings.FieldsFunc(text, func(r rune) bool { return !unicode.IsLetter(r) }) {
		if hasPrefix(word, profane) && !hasPrefix(word, innocent) {
			return true
		}
	}
	return false
}

func hasPrefix(word string, stems []string) bool {
	for _, s := range stems {
		if strings.HasPrefix(word, s) {
			return true
		}
	}
	return false
}
