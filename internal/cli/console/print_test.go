package console

import (
	"testing"
)

func TestTextOfStrangersControlsNoTerminal(t *testing.T) {
	if got := Clean("a\x1b[2J \u009b3\u202eb\u2066c\nd é 狐"); got != "a[2J 3bcd é 狐" {
		t.Errorf("%q", got)
	}
}
