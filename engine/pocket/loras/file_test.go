package loras

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
	"testing"
)

// part is a tensor of a file to be made.
type part struct {
	name, dtype string
	shape       []int
	raw         []byte
}

// f32 is a tensor of float32 values.
func f32(name string, shape []int, values ...float32) part {
	p := part{name: name, dtype: "F32", shape: shape}
	for _, v := range values {
		p.raw = binary.LittleEndian.AppendUint32(p.raw, math.Float32bits(v))
	}
	return p
}

// build makes a safetensors file; change may falsify the header's entries.
func build(meta map[string]string, parts []part, change func(head map[string]any)) []byte {
	head := map[string]any{"__metadata__": meta}
	var body []byte
	for _, p := range parts {
		head[p.name] = map[string]any{
			"dtype": p.dtype, "shape": p.shape, "data_offsets": []int{len(body), len(body) + len(p.raw)},
		}
		body = append(body, p.raw...)
	}
	if change != nil {
		change(head)
	}

	raw, err := json.Marshal(head)
	if err != nil {
		panic(err)
	}
	return append(append(binary.LittleEndian.AppendUint64(nil, uint64(len(raw))), raw...), body...)
}

func goodMeta() map[string]string {
	return map[string]string{
		"name": "test", "title": "A test", "version": "3", "baseline": Baseline, "license": "CC0-1.0",
		"trigger_words": "one word, another , ", "model_id": "12", "version_id": "34",
	}
}

// goodParts is a LoRA of rank 1 for a matrix of 3 × 2.
func goodParts() []part {
	return []part{
		f32("lora_unet_x.lora_down.weight", []int{1, 2}, .5, -1),
		f32("lora_unet_x.lora_up.weight", []int{3, 1}, 1, 2, 3),
		f32("lora_unet_x.alpha", []int{}, 2),
	}
}

func TestAGoodFileIsRead(t *testing.T) {
	f, err := Parse(build(goodMeta(), goodParts(), nil))
	if err != nil {
		t.Fatal(err)
	}

	if f.Name != "test" || f.Title != "A test" || f.Version != "3" || f.License != "CC0-1.0" ||
		f.ModelID != 12 || f.VersionID != 34 || !slices.Equal(f.Triggers, []string{"one word", "another"}) {
		t.Errorf("read %+v", f.Info)
	}
	if len(f.Pairs) != 1 || len(f.SHA256) != 64 {
		t.Fatalf("%d pairs, hash %q", len(f.Pairs), f.SHA256)
	}
	p := f.Pairs[0]
	if p.Target != "unet_x" || p.Alpha != 2 || p.Rank != 1 || p.Out() != 3 || !slices.Equal(p.In, []int{2}) ||
		!slices.Equal(p.Down, []float32{.5, -1}) || !slices.Equal(p.Up, []float32{1, 2, 3}) {
		t.Errorf("read %+v", p)
	}
}

func TestAlphaIsTheRankWhereNoneIsGiven(t *testing.T) {
	f, err := Parse(build(goodMeta(), goodParts()[:2], nil))
	if err != nil {
		t.Fatal(err)
	}
	if f.Pairs[0].Alpha != 1 {
		t.Errorf("alpha %v, want 1", f.Pairs[0].Alpha)
	}
}

func TestHalfPrecisionIsExact(t *testing.T) {
	for _, c := range []struct {
		bits uint16
		want float32
	}{
		{0x0000, 0}, {0x3c00, 1}, {0xbc00, -1}, {0x3555, .333251953125}, {0x7bff, 65504}, {0x0001, 5.9604644775390625e-08},
		{0x03ff, 6.097555160522461e-05}, {0x0400, 6.103515625e-05},
	} {
		if got := half(c.bits); got != c.want {
			t.Errorf("%#04x = %v, want %v", c.bits, got, c.want)
		}
	}
	for _, bits := range []uint16{0x7c00, 0xfc00, 0x7e00} {
		if got := float64(half(bits)); !math.IsNaN(got) {
			t.Errorf("%#04x = %v, want no number", bits, got)
		}
	}

	tensor := tensor{DType: "BF16", Shape: []int{1}, Offsets: []int{0, 2}}
	if v, err := numbers(tensor, []byte{0xc0, 0x3f}); err != nil || v[0] != 1.5 {
		t.Errorf("bfloat16 0x3fc0 = %v, %v; want 1.5", v, err)
	}
}

// set changes one field of a tensor's entry in the header.
func set(name, key string, value any) func(map[string]any) {
	return func(head map[string]any) { head[name].(map[string]any)[key] = value }
}

func TestLyingFilesAreRefused(t *testing.T) {
	const down, up = "lora_unet_x.lora_down.weight", "lora_unet_x.lora_up.weight"
	good := build(goodMeta(), goodParts(), nil)
	lie := func(change func(map[string]any)) []byte { return build(goodMeta(), goodParts(), change) }
	with := func(parts ...part) []byte { return build(goodMeta(), parts, nil) }
	length := func(n uint64) []byte {
		return append(binary.LittleEndian.AppendUint64(nil, n), good[8:]...)
	}

	cases := map[string][]byte{
		"empty":                          nil,
		"seven bytes":                    good[:7],
		"a zip archive":                  []byte("PK\x03\x04 and so on and on"),
		"an HTML page":                   []byte("<!doctype html><title>Please log in</title>"),
		"a header beyond the file":       length(uint64(len(good))),
		"a header of 2^63 bytes":         length(1 << 63),
		"a header of 2^64-1 bytes":       length(math.MaxUint64),
		"a header without end":           length(20),
		"a header that is a list":        append([]byte{2, 0, 0, 0, 0, 0, 0, 0}, "[]"...),
		"nothing in it":                  build(goodMeta(), nil, nil),
		"cut short":                      good[:len(good)-1],
		"a byte too many":                append(slices.Clone(good), 0),
		"more than 16 MB":                make([]byte, MaxFile+1),
		"int64 weights":                  lie(set(down, "dtype", "I64")),
		"a shape of -1":                  lie(set(down, "shape", []int{-1, -2})),
		"a shape with 0":                 lie(set(down, "shape", []int{0, 2})),
		"a shape of 2^62 × 4":            lie(set(down, "shape", []int{1 << 62, 4})),
		"a shape of 2^40":                lie(set(down, "shape", []int{1 << 40})),
		"a shape of 1.5":                 lie(set(down, "shape", []float64{1.5, 2})),
		"a shape in words":               lie(set(down, "shape", "1x2")),
		"five dimensions":                lie(set(down, "shape", []int{1, 1, 1, 1, 2})),
		"another shape than bytes":       lie(set(down, "shape", []int{1, 3})),
		"an offset below 0":              lie(set(down, "data_offsets", []int{-8, 0})),
		"an offset behind the end":       lie(set(down, "data_offsets", []int{1 << 30, 1<<30 + 8})),
		"an offset of 2^70":              lie(set(down, "data_offsets", []float64{0, 1 << 62})),
		"offsets turned round":           lie(set(down, "data_offsets", []int{8, 0})),
		"one offset":                     lie(set(down, "data_offsets", []int{0})),
		"tensors that overlap":           lie(set(up, "data_offsets", []int{4, 16})),
		"metadata of numbers":            lie(func(h map[string]any) { h["__metadata__"] = map[string]any{"name": 1} }),
		"no up matrix":                   with(goodParts()[0]),
		"no down matrix":                 with(goodParts()[1]),
		"an alpha alone":                 with(append(goodParts(), f32("lora_unet_y.alpha", []int{}, 1))...),
		"a foreign tensor":               with(append(goodParts(), f32("model.weight", []int{1}, 1))...),
		"another key":                    with(square("unet", 1)...),
		"ranks that differ":              with(f32(down, []int{1, 2}, 1, 1), f32(up, []int{1, 2}, 1, 1)),
		"rank 65":                        with(square("lora_unet_x", maxRank+1)...),
		"a vector":                       with(f32(down, []int{2}, 1, 1), f32(up, []int{2}, 1, 1)),
		"two alphas":                     with(goodParts()[0], goodParts()[1], f32("lora_unet_x.alpha", []int{2}, 1, 1)),
		"a weight that is no number":     with(f32(down, []int{1, 2}, 1, float32(math.NaN())), goodParts()[1]),
		"an infinite weight":             with(goodParts()[0], f32(up, []int{3, 1}, 1, 1, float32(math.Inf(-1)))),
		"an infinite alpha":              withAlpha(math.Inf(1)),
		"2000 tensors":                   with(many(2000)...),
		"a header of nested brackets":    nested(500_000),
		"a model that is no LoRA at all": with(f32("net.out.weight", []int{1, 2}, 1, 1)),
	}
	for name, data := range cases {
		t.Run(name, func(t *testing.T) {
			f, err := Parse(data)
			if err == nil {
				t.Fatalf("read as %+v", f.Info)
			}
			if errors.Is(err, ErrBaseline) || len(err.Error()) > 1000 {
				t.Errorf("refused with %.200q", err)
			}
		})
	}
}

// many are n tensors of one number.
func many(n int) []part {
	var parts []part
	for i := range n {
		parts = append(parts, f32(fmt.Sprintf("lora_unet_%d.alpha", i), []int{}, 1))
	}
	return parts
}

// square is a pair of a rank for a matrix of 1 × 1.
func square(key string, rank int) []part {
	return []part{
		f32(key+".lora_down.weight", []int{rank, 1}, make([]float32, rank)...),
		f32(key+".lora_up.weight", []int{1, rank}, make([]float32, rank)...),
	}
}

// withAlpha is a good file with another alpha.
func withAlpha(alpha float64) []byte {
	parts := append(goodParts()[:2], f32("lora_unet_x.alpha", []int{}, float32(alpha)))
	return build(goodMeta(), parts, nil)
}

// nested is a file whose header is nothing but open brackets.
func nested(n int) []byte {
	return append(binary.LittleEndian.AppendUint64(nil, uint64(n)), strings.Repeat("[", n)...)
}

func TestALoRAForAnotherModelIsSaidToBeOne(t *testing.T) {
	for _, base := range []string{"", "stable_diffusion_xl", "Horde_Pocket"} {
		t.Run(base, func(t *testing.T) {
			meta := goodMeta()
			meta["baseline"] = base
			if _, err := Parse(build(meta, goodParts(), nil)); !errors.Is(err, ErrBaseline) {
				t.Errorf("refused with %v", err)
			}
		})
	}
}

func TestMetadataIsCut(t *testing.T) {
	meta := goodMeta()
	meta["name"] = strings.Repeat("ü", 500) + "\xff"
	meta["trigger_words"] = strings.Repeat("word,", 1000)
	meta["model_id"], meta["version_id"] = "-3", "99999999999999999999"
	f, err := Parse(build(meta, goodParts(), nil))
	if err != nil {
		t.Fatal(err)
	}
	if len(f.Name) > maxText || len(f.Triggers) != maxPhrases || f.ModelID != 0 || f.VersionID != 0 {
		t.Errorf("%d bytes of name, %d triggers, ids %d and %d", len(f.Name), len(f.Triggers), f.ModelID, f.VersionID)
	}
}

// FuzzParse: whatever the bytes, Parse returns, and what it takes for a LoRA is
// whole, finite and within the bounds.
func FuzzParse(f *testing.F) {
	good := build(goodMeta(), goodParts(), nil)
	f.Add(good)
	f.Add(good[:len(good)/2])
	f.Add([]byte("PK\x03\x04"))
	meta := maps.Clone(goodMeta())
	meta["baseline"] = "other"
	f.Add(build(meta, goodParts(), nil))

	f.Fuzz(func(t *testing.T, data []byte) {
		file, err := Parse(data)
		if err != nil {
			return
		}
		for _, p := range file.Pairs {
			if p.Rank < 1 || p.Rank > maxRank || len(p.Up)%p.Rank != 0 || len(p.Down) != p.Rank*count(p.In) ||
				len(p.Up)+len(p.Down) > len(data) {
				t.Fatalf("a pair of rank %d with %d and %d values", p.Rank, len(p.Down), len(p.Up))
			}
			for _, v := range append(slices.Clone(p.Down), p.Up...) {
				if v != v || v-v != 0 {
					t.Fatalf("a weight is %v", v)
				}
			}
		}
	})
}
