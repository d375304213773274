package pyjson

import (
	"encoding/json"
	"strconv"
	"testing"
	"unicode/utf8"
)

// What the argument parser makes of members without a schema
// (platform §1.3).
func TestMembersWithoutASchema(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		body  string
		truth string // of Bool: "", true, false
		text  string
		n     string // of Int with 100 as standard; "!" is a refusal
	}{
		{`{}`, "", "", "100"},
		{`{"v":null}`, "", "", "100"},
		{`{"v":true}`, "true", "True", "1"},
		{`{"v":false}`, "false", "False", "0"},
		{`{"v":"false"}`, "true", "false", "!"},
		{`{"v":""}`, "false", "", "!"},
		{`{"v":0}`, "false", "0", "0"},
		{`{"v":7}`, "true", "7", "7"},
		{`{"v":"7"}`, "true", "7", "7"},
		{`{"v":" -7 "}`, "true", " -7 ", "-7"},
		{`{"v":1.7}`, "true", "1.7", "1"},
		{`{"v":-1.7}`, "true", "-1.7", "-1"},
		{`{"v":0.0}`, "false", "0", "0"},
		{`{"v":NaN}`, "true", "NaN", "!"},
		{`{"v":1e30}`, "true", "1e+30", "!"},
		{`{"v":1000000000000000000000000000000}`, "true", "1000000000000000000000000000000", "!"},
		{`{"v":"1000000000000000000000000000000"}`, "true", "1000000000000000000000000000000", "!"},
		{`{"v":[]}`, "false", "[]", "!"},
		{`{"v":{"a":1}}`, "true", `{"a":1}`, "!"},
	} {
		t.Run(c.body, func(t *testing.T) {
			v, err := Parse(c.body)
			if err != nil {
				t.Fatal(err)
			}
			body := v.(map[string]any)

			truth := ""
			if b := Bool(body, "v"); b != nil {
				truth = strconv.FormatBool(*b)
			}
			text, _ := Text(body, "v")
			n := "!"
			if got, err := Int(body, "v", 100); err == nil {
				n = strconv.FormatInt(got, 10)
			}
			if truth != c.truth || text != c.text || n != c.n {
				t.Errorf("truth %q, text %q, number %q; want %q, %q, %q", truth, text, n, c.truth, c.text, c.n)
			}
		})
	}
}

// Whatever a member is, reading it ends in a value or in a refusal of that member,
// and what was read can be written again.
func FuzzMembersWithoutASchema(f *testing.F) {
	for _, seed := range []string{`{"v":1e400}`, `{"v":[NaN]}`, `{"v":"99999999999999999999"}`, `{"v":-1e300}`,
		`{"v":{"a":[]}}`, `{"v":"\ud800"}`} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, text string) {
		v, err := Parse(text)
		if err != nil {
			return
		}
		body, ok := v.(map[string]any)
		if !ok {
			return
		}

		member, there := Text(body, "v")
		if there != (body["v"] != nil) || (Bool(body, "v") != nil) != there || !utf8.ValidString(member) {
			t.Errorf("%q reads as %q, %v", text, member, there)
		}
		for _, read := range []func(map[string]any, string, int64) (int64, error){Int, Amount} {
			if n, err := read(body, "v", 7); !there && (n != 7 || err != nil) {
				t.Errorf("%q: an absent number is %d, %v", text, n, err)
			}
		}
		if raw, err := Marshal(v); err != nil || !json.Valid(raw) {
			t.Errorf("%q is written as %q, %v", text, raw, err)
		}
	})
}
