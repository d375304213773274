package pyjson

import (
	"testing"

	"horde/api"
)

func TestANULIsFoundWithItsPath(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		in     any
		except []string
		want   string // the path; "": none is found
	}{
		"in a list of structs": {
			in:   &api.ImageRequest{Prompt: "a", Params: &api.ImageParams{Loras: []api.Lora{{Name: "ok"}, {Name: "a\x00"}}}},
			want: "params.loras.1.name",
		},
		"in a member of any type": {
			in:   api.ImageRequest{Params: &api.ImageParams{Special: map[string]any{"a": []any{"b\x00"}}}},
			want: "params.special.a",
		},
		"in a list of texts": {
			in:   api.ImageRequest{Models: &[]string{"a\x00"}},
			want: "models.0",
		},
		"nowhere": {
			in: api.ImageRequest{Prompt: "a", Params: &api.ImageParams{Special: map[string]any{"a": []any{"b", nil, int64(1)}}}},
		},
		"in nothing": {
			in: api.ImageRequest{},
		},
		"in a member that is cleaned": {
			in:     api.ImagePop{Name: "a\x00"},
			except: []string{"name"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			if path, found := FindNUL(c.in, c.except...); path != c.want || found != (c.want != "") {
				t.Errorf("%q, %v; want %q", path, found, c.want)
			}
		})
	}
}
