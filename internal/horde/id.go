package horde

import (
	"crypto/rand"
	"encoding/base64"
	"strings"

	"github.com/google/uuid"
)

// NewID returns a new id: a UUIDv7, so that rows made together lie together. It holds
// 74 random bits; knowing the id of a request is the right to read it.
func NewID() string { return uuid.Must(uuid.NewV7()).String() }

// IsID reports whether s is a UUID in its usual written form.
func IsID(s string) bool {
	if len(s) != 36 {
		return false
	}
	_, err := uuid.Parse(s)
	return err == nil
}

// PlainID returns the form in which ids are kept: a UUID in its usual written form in
// lower case, since some clients send capitals. What is not an id is returned
// unchanged.
func PlainID(s string) string {
	if IsID(s) {
		return strings.ToLower(s)
	}
	return s
}

// NewAPIKey returns a new API key: 16 random bytes in URL-safe base64, 22 characters
// (platform §1.7). It never begins with "-": command lines would take it
// for a flag.
func NewAPIKey() string {
	for {
		var b [16]byte
		rand.Read(b[:])
		if key := base64.RawURLEncoding.EncodeToString(b[:]); key[0] != '-' {
			return key
		}
	}
}
