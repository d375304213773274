package pyjson

import (
	"testing"

	"horde/api"
)

// An embedded struct takes its members from the object that its owner is.
func TestAssignFillsEmbeddedStructs(t *testing.T) {
	t.Parallel()
	var in api.TextRequest
	v, err := Parse(`{"prompt":"x","params":{"n":2,"temperature":1,"top_k":40.0,"stop_sequence":["a\u0000"],` +
		`"singleline":true,"TextSampling":{"top_k":1}}}`)
	if err != nil {
		t.Fatal(err)
	}

	Assign(&in, v)
	p := in.Params
	if *p.N != 2 || *p.Temperature != 1 || *p.TopK != 40 || !*p.SingleLine || len(p.StopSequence) != 1 || p.TopP != nil {
		t.Errorf("%+v", p)
	}
	if path, found := FindNUL(&in); !found || path != "params.stop_sequence.0" {
		t.Errorf("a NUL in an embedded struct: %q, %v", path, found)
	}
}

// NaN and the infinities are read, but JSON cannot hold them.
func TestMarshalWritesNullForWhatIsNoNumber(t *testing.T) {
	t.Parallel()
	v, err := Parse(`{"a":[NaN,-Infinity,1.5],"b":{"c":Infinity}}`)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Marshal(v)
	if want := `{"a":[null,null,1.5],"b":{"c":null}}`; err != nil || string(raw) != want {
		t.Errorf("%s, %v; want %s", raw, err, want)
	}
}
