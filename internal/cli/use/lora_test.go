package use

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"horde/internal/cli/console"
)

func TestLoRAFlagsAreRead(t *testing.T) {
	for _, c := range []struct {
		flags []string
		want  string // "": refused as wrong usage
	}{
		{nil, `null`},
		{[]string{"night"}, `[{"name":"night","model":1,"clip":1,"inject_trigger":"any"}]`},
		{[]string{"night:0.8", " mine :-1"}, `[{"name":"night","model":0.8,"clip":0.8,"inject_trigger":"any"},` +
			`{"name":"mine","model":-1,"clip":-1}]`},
		{[]string{"a:b:2"}, `[{"name":"a:b","model":2,"clip":2}]`},
		{[]string{"night:"}, ""},
		{[]string{"night:much"}, ""},
		{[]string{"night:NaN"}, ""},
		{[]string{"night:1e9"}, ""},
		{[]string{":1"}, ""},
		{[]string{strings.Repeat("n", 256)}, ""},
		{[]string{strings.Repeat("ü", 255)}, `[{"name":"` + strings.Repeat("ü", 255) + `","model":1,"clip":1}]`},
		{[]string{"a", "b", "c", "d", "e", "f"}, ""},
	} {
		t.Run(strings.Join(c.flags, " "), func(t *testing.T) {
			list, err := parseLoras(c.flags)
			got, _ := json.Marshal(list)
			switch {
			case c.want == "" && !isUsageError(err):
				t.Errorf("read as %s, %v", got, err)
			case c.want != "" && (err != nil || string(got) != c.want):
				t.Errorf("read as %s, %v; want %s", got, err, c.want)
			}
		})
	}
}

// isUsageError reports whether an error says that the command was used wrongly.
func isUsageError(err error) bool {
	var exit *console.ExitError
	return errors.As(err, &exit) && exit.Code == console.ExitUsage
}
