package server

import (
	"errors"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/server/pyjson"
)

// Whatever a body holds, its shape changes neither how it is judged nor what it fills in.
func TestAShapeChangesNothingThatCounts(t *testing.T) {
	t.Parallel()
	schemas := []*api.Schema{
		api.ImageRequestSchema, api.TextRequestSchema, api.ImagePopSchema, api.AlchemyRequestSchema, api.TextSubmitSchema,
	}

	rapid.Check(t, func(t *rapid.T) {
		text := bodyText(4).Draw(t, "body")
		schema := rapid.SampledFrom(schemas).Draw(t, "schema")

		whole, wholeErr := pyjson.Parse(text)
		shaped, err := pyjson.ParseShaped(text, shapeOf(schema))
		if !errors.Is(err, wholeErr) {
			t.Fatalf("%s: %v by its shape, %v without", text, err, wholeErr)
		}
		if err != nil {
			return
		}

		if got, want := schema.Validate(shaped), schema.Validate(whole); !reflect.DeepEqual(got, want) {
			t.Fatalf("%s: %v by its shape, %v without", text, got, want)
		}

		if schema == api.ImageRequestSchema && !strings.Contains(text, "NaN") { // which equals nothing
			var a, b api.ImageRequest
			pyjson.Assign(&a, shaped)
			pyjson.Assign(&b, whole)
			if !reflect.DeepEqual(a, b) {
				t.Fatalf("%s: %+v by its shape, %+v without", text, a, b)
			}
		}
	})
}

// bodyText makes texts that are JSON for the most part, with members that schemas know
// and others.
func bodyText(depth int) *rapid.Generator[string] {
	scalars := rapid.SampledFrom([]string{
		`1`, `-0.5e3`, `NaN`, `null`, `true`, `"x"`, `"a\n\ud800é"`, `"é"`, `[]`, `{}`, `12345678901234567890`, `"\x"`, `01`,
		"\"\xff\"",
	})
	if depth == 0 {
		return scalars
	}

	inner := rapid.Deferred(func() *rapid.Generator[string] { return bodyText(depth - 1) })
	names := rapid.SampledFrom([]string{
		`"prompt"`, `"params"`, `"models"`, `"name"`, `"loras"`, `"forms"`, `"payload"`, `"seed"`, `"x"`, `"y\u0041"`, `"é"`,
		`"prom\u0070t"`, `""`, `"a" `,
	})
	object := rapid.Custom(func(t *rapid.T) string {
		var members []string
		for range rapid.IntRange(0, 4).Draw(t, "members") {
			members = append(members, names.Draw(t, "name")+":"+inner.Draw(t, "value"))
		}
		return "{" + strings.Join(members, ",") + "}"
	})
	list := rapid.Custom(func(t *rapid.T) string {
		return "[" + strings.Join(rapid.SliceOfN(inner, 0, 3).Draw(t, "items"), " ,") + "]"
	})
	return rapid.OneOf(scalars, object, object, list)
}

// What a schema names is kept, what is kept as it came is kept whole, and nothing else.
func TestAShapeKeepsWhatItsSchemaReads(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		schema     *api.Schema
		body, want string
	}{
		"members that no property names": {
			api.ImagePopSchema, `{"x":{"name":1},"name":"w","y":[{"a":2}]}`, `{"name":"w"}`,
		},
		"items of lists": {
			api.ImageRequestSchema, `{"extra_source_images":[{"image":"i","x":1},{"y":2}]}`,
			`{"extra_source_images":[{"image":"i"},{}]}`,
		},
		"params, which workers get as they came": {
			api.ImageRequestSchema, `{"params":{"init_as_image":true},"x":1}`, `{"params":{"init_as_image":true}}`,
		},
		"settings that workers of text may know": {
			api.TextRequestSchema, `{"params":{"mirostat":[1]},"x":1}`, `{"params":{"mirostat":[1]}}`,
		},
		"payloads of forms": {
			api.AlchemyRequestSchema, `{"forms":[{"name":"caption","payload":{"a":{"b":1}},"x":1}],"trusted_workers":1,"x":1}`,
			`{"forms":[{"name":"caption","payload":{"a":{"b":1}}}],"trusted_workers":1}`,
		},
		"members in no document": {
			api.TextSubmitSchema, `{"id":"a","seed":5,"x":1}`, `{"id":"a","seed":5}`,
		},
		"the last of one name": {
			api.ImagePopSchema, `{"name":"a","name":"b"}`, `{"name":"b"}`,
		},
		"an escaped name": {
			api.ImagePopSchema, `{"n\u0061me":"a","\u0078":1}`, `{"name":"a"}`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := pyjson.ParseShaped(c.body, shapeOf(c.schema))
			if err != nil {
				t.Fatal(err)
			}
			if got, err := pyjson.Marshal(v); err != nil || string(got) != c.want {
				t.Errorf("%s, %v; want %s", got, err, c.want)
			}
		})
	}
}
