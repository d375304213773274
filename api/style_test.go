package api

import (
	"encoding/json"
	"reflect"
	"testing"
)

func TestStyleSchemasFitTheStructs(t *testing.T) {
	for _, c := range []struct {
		s *Schema
		v any
	}{{ImageStyleSchema, StyleInput{}}, {ImageStylePatchSchema, StyleInput{}}, {StyleExampleSchema, StyleExampleInput{}},
		{CollectionSchema, CollectionInput{}}, {CollectionPatchSchema, CollectionInput{}}, {AestheticsSchema, Aesthetics{}}} {
		fits(t, c.s.Name, c.s, reflect.TypeOf(c.v))
	}
	fits(t, "params of an image style", imageStyleParamsSchema, reflect.TypeFor[ImageStyleParams]())
}

// LoRAs and textual inversions are shown with their defaults, all else only where
// a style sets it.
func TestAStyleShowsWhatItSets(t *testing.T) {
	var p ImageStyleParams
	in := `{"steps":25,"cfg_scale":6,"loras":[{"name":"x"},{"name":"y","model":0.5,"is_version":true}],"tis":[{"name":"z"}]}`
	if err := json.Unmarshal([]byte(in), &p); err != nil {
		t.Fatal(err)
	}

	p.Complete()
	got, err := json.Marshal(&p)
	want := `{"cfg_scale":6.0,"loras":[{"name":"x","model":1.0,"clip":1.0,"is_version":false},{"name":"y","model":0.5,"clip":1.0,"is_version":true}],` +
		`"tis":[{"name":"z","strength":1.0}],"steps":25}`
	if err != nil || string(got) != want {
		t.Errorf("%s, %v", got, err)
	}
}
