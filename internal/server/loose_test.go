package server

import (
	"encoding/json"
	"testing"
)

// What the argument parser makes of members without a schema
// (platform §1.3).
func TestLooseMembers(t *testing.T) {
	for _, c := range []struct {
		body  string
		truth string // of looseBool: "", true, false
		text  string
		n     string // of looseInt with 100 as standard; "!" is a refusal
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
		v, err := parseJSON(c.body)
		if err != nil {
			t.Fatal(err)
		}
		body := v.(map[string]any)
		truth := ""
		if b := looseBool(body, "v"); b != nil {
			truth = jsonText(*b)
		}
		text, _ := looseText(body, "v")
		n := "!"
		if got, err := looseInt(body, "v", 100); err == nil {
			b, _ := json.Marshal(got)
			n = string(b)
		}
		if truth != c.truth || text != c.text || n != c.n {
			t.Errorf("%s: truth %q, text %q, number %q; want %q, %q, %q", c.body, truth, text, n, c.truth, c.text, c.n)
		}
	}
}

func TestNews(t *testing.T) {
	if len(news) == 0 {
		t.Fatal("there are no news")
	}
	for i, n := range news {
		if n.Title == "" || n.Newspiece == "" || len(n.DatePublished) != len("2006-01-02") {
			t.Errorf("news %d lack something: %+v", i, n)
		}
		if i > 0 && n.DatePublished > news[i-1].DatePublished {
			t.Errorf("news %d are newer than those before", i)
		}
	}
}
