package v2

import (
	"encoding/json"
	"testing"

	"horde/api"
	"horde/internal/server/pyjson"
)

// Whatever JSON comes, reading the members of a delivery and of forms ends in
// values that can be stored or in a refusal.
func FuzzAlchemyMembers(f *testing.F) {
	for _, seed := range []string{`{"id":"x","result":{"caption":"a"}}`, `{"id":1,"result":[]}`,
		`{"forms":[{"name":"caption","payload":{"a":1e400,"b":[null]}},5]}`,
		`{"result":{"R2":"R2"},"id":true,"state":{}}`} {
		f.Add(seed)
	}

	f.Fuzz(func(t *testing.T, text string) {
		v, err := pyjson.Parse(text)
		if err != nil {
			return
		}
		body, ok := v.(map[string]any)
		if !ok {
			return
		}
		if in, err := alchemySubmit(body); err == nil && in.Result == nil {
			t.Error("a delivery without a result was taken")
		}
		schemaFits := api.AlchemyRequestSchema.Validate(v) == nil
		forms := alchemyForms(body)
		if _, err := json.Marshal(forms); err != nil {
			t.Error(err)
		}
		for _, form := range forms {
			if schemaFits && form.Name == "" {
				t.Errorf("a form without a name in %s", text)
			}
		}
	})
}
