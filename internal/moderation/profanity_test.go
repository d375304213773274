package moderation

import "testing"

func TestProfanityIsFoundInNames(t *testing.T) {
	for text, want := range map[string]bool{
		"fuck this": true, "F.u.c.k": false, "sh1thead": true, "you motherfucker": true,
		"CICD Fake Dreamer": false, "test_user": false, "user_1a2b3c4d": false, "Scunthorpe": false,
		"Pakistan": false, "": false, "shiitake": false,
	} {
		t.Run(text, func(t *testing.T) {
			if got := Profane(text); got != want {
				t.Errorf("Profane(%q) = %v, want %v", text, got, want)
			}
		})
	}
}
