package server

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestAMaskReducesAnAnswer(t *testing.T) {
	t.Parallel()
	const doc = `{"a":1,"b":{"c":[1.0,2],"d":"<&>","e":null},"f":[{"id":1,"x":2},{"id":3}],"post-processing":true,"n":null}`
	for _, c := range []struct{ mask, want string }{
		{"a", `{"a":1}`},
		{"a,post-processing", `{"a":1,"post-processing":true}`},
		{"{a}", `{"a":1}`},
		{" { a , n } ", `{"a":1,"n":null}`},
		{"post-processing,a", `{"a":1,"post-processing":true}`},
		{"b{c}", `{"b":{"c":[1.0,2]}}`},
		{"b{d,e},a", `{"a":1,"b":{"d":"<&>","e":null}}`},
		{"f{id}", `{"f":[{"id":1},{"id":3}]}`},
		{"*", doc}, {"*,b{e}", `{"a":1,"b":{"e":null},"f":[{"id":1,"x":2},{"id":3}],"post-processing":true,"n":null}`},
		{"b{*}", `{"b":{"c":[1.0,2],"d":"<&>","e":null}}`},
		{"nothing", `{}`}, {"a{b}", `{"a":1}`}, {"n{b}", `{"n":null}`}, {"{}", `{}`},
	} {
		t.Run(c.mask, func(t *testing.T) {
			m, err := parseMask(c.mask)
			if err != nil {
				t.Fatal(err)
			}
			var out bytes.Buffer
			m.apply(&out, []byte(doc))
			if out.String() != c.want {
				t.Errorf("%s, want %s", &out, c.want)
			}
		})
	}

	m, _ := parseMask("id")
	var out bytes.Buffer
	m.apply(&out, []byte(`[{"id":1,"b":2},{"id":2}]`))
	if out.String() != `[{"id":1},{"id":2}]` {
		t.Errorf("list: %s", &out)
	}
}

func TestAMaskThatIsNoneIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"{a", "a}", "a{b", "a,,b", ",a", "{{a}}", "a{,b}", "{a}{b}}",
		strings.Repeat("a{", 50) + strings.Repeat("}", 50),
		strings.Repeat("a", 10_000),
	} {
		t.Run(fmt.Sprintf("%.40s", text), func(t *testing.T) {
			_, err := parseMask(text)
			if err == nil || !strings.HasPrefix(err.Error(), "Mask parse error: ") {
				t.Errorf("%.40s: %v", text, err)
			}
		})
	}
}

func FuzzMask(f *testing.F) {
	f.Add("a,b{c,*}", `{"a":[1,{"b":null}],"b":{"c":"x","d":1e5}}`)
	f.Fuzz(func(t *testing.T, text, doc string) {
		m, err := parseMask(text)
		if err != nil || !json.Valid([]byte(doc)) {
			return
		}
		var out bytes.Buffer
		m.apply(&out, []byte(doc))
		if !json.Valid(out.Bytes()) {
			t.Errorf("mask %q on %s: %s", text, doc, &out)
		}
	})
}
