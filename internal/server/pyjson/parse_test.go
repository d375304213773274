package pyjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"horde/api"
)

func TestParseIsAsLenientAsTheOriginal(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		text string
		want any
	}{
		{`null`, nil},
		{` true `, true},
		{"\t5\r\n", int64(5)},
		{`-0`, int64(0)},
		{`5.0`, 5.0},
		{`1e3`, 1000.0},
		{`1E-2`, 0.01},
		{`9223372036854775807`, int64(math.MaxInt64)}, {`9223372036854775808`, json.Number("9223372036854775808")},
		{`-Infinity`, math.Inf(-1)}, {`Infinity`, math.Inf(1)}, {`1e999`, math.Inf(1)},
		{`"a\u0041\n\"\\\/"`, "aA\n\"\\/"},
		{`"\ud83d\ude00"`, "😀"},
		{`"\ud800 x"`, "\ufffd x"},
		{`"\ud800\u0041"`, "\ufffdA"},
		{`"\ud800\ud83d\ude00"`, "\ufffd😀"}, {`"é"`, "é"}, {`"a\u0000b"`, "a\x00b"},
		{`[]`, []any{}}, {`{}`, map[string]any{}}, {`[1,[2]]`, []any{int64(1), []any{int64(2)}}},
		{`{"a":1,"a":2}`, map[string]any{"a": int64(2)}}, {"\ufeff1", int64(1)},
	} {
		t.Run(c.text, func(t *testing.T) {
			got, err := Parse(c.text)
			if err != nil || !reflect.DeepEqual(got, c.want) {
				t.Errorf("%#v, %v; want %#v", got, err, c.want)
			}
		})
	}

	if v, err := Parse(`NaN`); err != nil || !math.IsNaN(v.(float64)) {
		t.Errorf("NaN: %v, %v", v, err)
	}
}

func TestParseRefusesWhatIsNotJSON(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		``, ` `, `{`, `[`, `"`, `{"a"`, `{"a":`, `{"a":1`, `{"a":1,}`, `[1,]`, `{}{}`, `{'a':1}`, `hello`, `01`, `-`, `1.`,
		`.5`, `1e`, `+1`,
		`"a` + "\n" + `"`, `"\x"`, `"\u12"`, `"\u12zz"`, "\"\xff\"", "\"\\n\xff\"", `nul`, `NAN`, `-NaN`, "{\"a\"\x00:1}",
		`{1:2}`, `[1 2]`,
	} {
		t.Run(text, func(t *testing.T) {
			if v, err := Parse(text); !errors.Is(err, ErrSyntax) {
				t.Errorf("%#v, %v; want a syntax error", v, err)
			}
		})
	}
}

func TestNestingHasABound(t *testing.T) {
	t.Parallel()
	for _, open := range []string{"[", `{"a":`} {
		if _, err := Parse(strings.Repeat(open, 1_000_000)); !errors.Is(err, ErrDepth) {
			t.Errorf("%s…: %v", open, err)
		}
	}
	ok := strings.Repeat("[", MaxDepth) + strings.Repeat("]", MaxDepth)
	if _, err := Parse(ok); err != nil {
		t.Errorf("%d levels: %v", MaxDepth, err)
	}
}

func TestAnObjectHasOnlySoManyMembers(t *testing.T) {
	t.Parallel()
	object := func(n int) string {
		var b strings.Builder
		for i := range n {
			fmt.Fprintf(&b, `"k%d":1,`, i)
		}
		return `{"a":[{` + strings.TrimSuffix(b.String(), ",") + `}]}`
	}
	if _, err := Parse(object(MaxMembers)); err != nil {
		t.Errorf("%d members: %v", MaxMembers, err)
	}
	if _, err := Parse(object(MaxMembers + 1)); !errors.Is(err, ErrMembers) {
		t.Errorf("one more: %v", err)
	}
	if _, err := Parse(`{` + strings.Repeat(`"a":1,`, 2*MaxMembers) + `"b":2}`); err != nil {
		t.Errorf("one member again and again: %v", err)
	}
}

// What the standard library writes, Parse reads back.
func TestParseReadsWhatOthersWrite(t *testing.T) {
	t.Parallel()
	var value func(depth int) *rapid.Generator[any]
	value = func(depth int) *rapid.Generator[any] {
		kinds := []*rapid.Generator[any]{
			rapid.Just[any](nil), rapid.Bool().AsAny(), rapid.Int64().AsAny(), rapid.StringMatching(`(?s).*`).AsAny(),
		}
		if depth < 4 {
			inner := rapid.Deferred(func() *rapid.Generator[any] { return value(depth + 1) })
			kinds = append(kinds, rapid.SliceOfN(inner, 0, 4).AsAny(), rapid.MapOfN(rapid.String(), inner, 0, 4).AsAny())
		}
		return rapid.OneOf(kinds...)
	}

	rapid.Check(t, func(t *rapid.T) {
		v := value(0).Draw(t, "value")
		text, err := json.Marshal(v)
		if err != nil {
			t.Skip("not JSON")
		}

		got, err := Parse(string(text))
		if err != nil {
			t.Fatalf("%s: %v", text, err)
		}

		again, err := json.Marshal(got)
		if err != nil || string(again) != string(text) {
			t.Fatalf("%s became %s (%v)", text, again, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{`{"a":[1,2.5,-0.1e3,true,null,"x\ud800"]}`, `NaN`, `{"a":`, "\"\xff\"", `[[[[`} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := Parse(text)
		var want any
		std := json.Unmarshal([]byte(text), &want) == nil
		if std && err != nil && !errors.Is(err, ErrDepth) && !errors.Is(err, ErrMembers) &&
			strings.ToValidUTF8(text, "") == text {
			t.Fatalf("%q is JSON, but: %v", text, err)
		}
		if err == nil {
			api.ImageRequestSchema.Validate(got)
			var in api.ImageRequest
			Assign(&in, got)
		}
	})
}
