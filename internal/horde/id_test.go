package horde

import (
	"encoding/base64"
	"testing"
)

func TestKeysCanBeGivenToACommandLine(t *testing.T) {
	seen := map[string]bool{}
	for range 5000 { // one in 64 random texts begins with a hyphen
		key := NewAPIKey()
		if b, err := base64.RawURLEncoding.DecodeString(key); err != nil || len(b) != 16 {
			t.Fatalf("%q is no 16 bytes: %v", key, err)
		}
		if key[0] == '-' {
			t.Fatalf("%q looks like a flag", key)
		}
		if seen[key] {
			t.Fatalf("%q was made twice", key)
		}
		seen[key] = true
	}
}

func TestIDsAreReadInEitherCase(t *testing.T) {
	const id = "01a2118b-2a8a-7ce1-b642-fa485103569b"
	for in, want := range map[string]string{
		id: id, "01A2118B-2A8A-7CE1-B642-FA485103569B": id,
		"": "", "Some Name": "Some Name", "{01A2118B-2A8A-7CE1-B642-FA485103569B}": "{01A2118B-2A8A-7CE1-B642-FA485103569B}",
	} {
		t.Run(in, func(t *testing.T) {
			if got := PlainID(in); got != want {
				t.Errorf("PlainID(%q) = %q, want %q", in, got, want)
			}
		})
	}
}
