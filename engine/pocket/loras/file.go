package loras

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Bounds of a LoRA file: far above what a LoRA for a model of 27 million weights
// can use, far below what could hurt the machine.
const (
	MaxFile    = 16 << 20 // bytes
	maxHeader  = 1 << 20  // bytes
	maxTensors = 1024
	maxDims    = 4
	maxRank    = 64
	maxText    = 256 // bytes of one piece of metadata
	maxPhrases = 16  // trigger words
)

// Baseline is what a LoRA for the built-in model names as the model it was
// trained for.
const Baseline = "horde_pocket"

// ErrBaseline is what Parse's error wraps where a file is a LoRA, but for another
// model.
var ErrBaseline = errors.New("this LoRA is for another model")

// File is a LoRA that was read and checked: low-rank changes of some of the
// model's matrices.
type File struct {
	Info
	// Pairs are sorted by Target.
	Pairs []Pair
}

// Info describes a LoRA.
type Info struct {
	// Name is short and unique, for example "pixel-art"; Title is for people.
	Name, Title string
	Version     string
	// ModelID and VersionID are the numbers by which clients may name the LoRA
	// instead (worker §3.8); 0: none.
	ModelID, VersionID int
	// Triggers are the phrases that bring the LoRA out in a prompt.
	Triggers []string
	License  string
	// SHA256 of the whole file, in hex.
	SHA256 string
}

// Pair changes one matrix of the model by Alpha/rank · Up · Down: with W of the
// shape [out, in…], Down is [rank, in…] and Up [out, rank], row by row.
type Pair struct {
	// Target is the name of the matrix with _ for every dot, with its part first:
	// unet_blocks_0_att_q or te_blocks_0_mlp_up.
	Target   string
	Alpha    float64
	Rank     int
	In       []int // shape of a row of the matrix
	Down, Up []float32
}

// Out is the number of rows of the matrix.
func (p *Pair) Out() int { return len(p.Up) / p.Rank }

// Parse reads a LoRA from a safetensors file with the customary names:
// lora_unet_TARGET.lora_down.weight, .lora_up.weight and .alpha, and lora_te_ for
// the text encoder. Every size that the file states is checked against the file
// before it is used, and every number must be finite.
func Parse(data []byte) (*File, error) {
	head, body, err := split(data)
	if err != nil {
		return nil, err
	}
	f := &File{Info: readInfo(head.meta)}
	sum := sha256.Sum256(data)
	f.SHA256 = hex.EncodeToString(sum[:])

	// The metadata is asked first: a LoRA for another model has other layers, too.
	if base := cmp.Or(head.meta["baseline"], head.meta["ss_base_model_version"]); base != Baseline {
		return nil, fmt.Errorf("%w: its metadata names the baseline %q, not %q", ErrBaseline, clip(base), Baseline)
	}
	if f.Pairs, err = readPairs(head.tensors, body); err != nil {
		return nil, err
	}
	return f, nil
}

// readInfo reads what the metadata says of the LoRA, cut to sensible lengths.
func readInfo(meta map[string]string) Info {
	number := func(key string) int {
		n, err := strconv.ParseUint(meta[key], 10, 32)
		if err != nil {
			return 0
		}
		return int(n)
	}

	i := Info{
		Name:      clip(meta["name"]),
		Title:     clip(cmp.Or(meta["title"], meta["name"])),
		Version:   clip(meta["version"]),
		ModelID:   number("model_id"),
		VersionID: number("version_id"),
		License:   clip(meta["license"]),
	}
	for phrase := range strings.SplitSeq(meta["trigger_words"], ",") {
		if phrase = clip(strings.TrimSpace(phrase)); phrase != "" && len(i.Triggers) < maxPhrases {
			i.Triggers = append(i.Triggers, phrase)
		}
	}
	return i
}

// clip bounds a piece of metadata.
func clip(s string) string {
	if len(s) > maxText {
		s = s[:maxText]
	}
	return strings.ToValidUTF8(s, "")
}

// header is the JSON part of a safetensors file.
type header struct {
	meta    map[string]string
	tensors map[string]tensor
}

// tensor is one entry of the header.
type tensor struct {
	DType   string `json:"dtype"`
	Shape   []int  `json:"shape"`
	Offsets []int  `json:"data_offsets"` // first and one past the last byte of the body
}

// split checks the frame of a safetensors file: the header's length, the header,
// and that the tensors fill the body without gap or overlap.
func split(data []byte) (header, []byte, error) {
	switch {
	case len(data) > MaxFile:
		return header{}, nil, fmt.Errorf("the file has %d bytes; a LoRA may have %d", len(data), MaxFile)
	case bytes.HasPrefix(data, []byte("PK\x03\x04")):
		return header{}, nil, errors.New("this is a zip archive (perhaps a pickled .pt file); a LoRA must be safetensors")
	case len(data) < 8:
		return header{}, nil, errors.New("too short for a safetensors file")
	}

	length := binary.LittleEndian.Uint64(data)
	if length > maxHeader || length > uint64(len(data)-8) {
		return header{}, nil, errors.New("not a safetensors file: its header would be longer than the file or 1 MB")
	}
	h, err := readHeader(data[8 : 8+length])
	if err != nil {
		return header{}, nil, err
	}
	body := data[8+length:]
	return h, body, checkLayout(h.tensors, len(body))
}

func readHeader(raw []byte) (header, error) {
	var entries map[string]json.RawMessage
	if err := json.Unmarshal(raw, &entries); err != nil {
		return header{}, fmt.Errorf("not a safetensors file: its header is no JSON object: %w", err)
	}
	if len(entries) > maxTensors+1 {
		return header{}, fmt.Errorf("the header lists %d tensors; a LoRA may have %d", len(entries), maxTensors)
	}

	h := header{tensors: make(map[string]tensor, len(entries))}
	for name, entry := range entries {
		if name == "__metadata__" {
			if err := json.Unmarshal(entry, &h.meta); err != nil {
				return header{}, fmt.Errorf("the header's metadata must be texts: %w", err)
			}
			continue
		}
		var t tensor
		if err := json.Unmarshal(entry, &t); err != nil {
			return header{}, fmt.Errorf("the header's entry %q: %w", clip(name), err)
		}
		if err := t.check(); err != nil {
			return header{}, fmt.Errorf("the tensor %q: %w", clip(name), err)
		}
		h.tensors[name] = t
	}
	return h, nil
}

// width is the bytes of one number of a type; 0 for types that no LoRA has.
func width(dtype string) int {
	switch dtype {
	case "F16", "BF16":
		return 2
	case "F32":
		return 4
	}
	return 0
}

// check reports whether an entry is sound by itself: a known type, a small shape
// without empty sides, and as many bytes as the shape needs.
func (t tensor) check() error {
	size := width(t.DType)
	if size == 0 {
		return fmt.Errorf("type %q; F16, BF16 and F32 are read", clip(t.DType))
	}
	if len(t.Shape) > maxDims || len(t.Offsets) != 2 {
		return fmt.Errorf("%d dimensions and %d offsets; at most %d and exactly 2 are allowed",
			len(t.Shape), len(t.Offsets), maxDims)
	}

	for _, n := range t.Shape {
		if n < 1 || n > MaxFile/size {
			return fmt.Errorf("shape %v does not fit into a LoRA file", t.Shape)
		}
		size *= n
	}
	if from, to := t.Offsets[0], t.Offsets[1]; from < 0 || to > MaxFile || to-from != size {
		return fmt.Errorf("shape %v takes %d bytes, the offsets %v give another number", t.Shape, size, t.Offsets)
	}
	return nil
}

// checkLayout reports whether the tensors fill the body exactly.
func checkLayout(tensors map[string]tensor, length int) error {
	all := make([]tensor, 0, len(tensors))
	for _, t := range tensors {
		all = append(all, t)
	}
	slices.SortFunc(all, func(a, b tensor) int { return cmp.Compare(a.Offsets[0], b.Offsets[0]) })

	at := 0
	for _, t := range all {
		if t.Offsets[0] != at {
			return fmt.Errorf("the tensors overlap or leave a gap at byte %d", at)
		}
		at = t.Offsets[1]
	}
	if at != length {
		return fmt.Errorf("the tensors end at byte %d of %d", at, length)
	}
	return nil
}

// Suffixes of a pair's three tensors.
const (
	downSuffix  = ".lora_down.weight"
	upSuffix    = ".lora_up.weight"
	alphaSuffix = ".alpha"
)

// readPairs puts the tensors together; each must be part of a whole pair.
func readPairs(tensors map[string]tensor, body []byte) ([]Pair, error) {
	var pairs []Pair
	used := 0
	for name := range tensors {
		key, ok := strings.CutSuffix(name, downSuffix)
		if !ok {
			continue
		}
		p, n, err := readPair(tensors, key, body)
		if err != nil {
			return nil, fmt.Errorf("the LoRA's layer %q: %w", clip(key), err)
		}
		pairs = append(pairs, p)
		used += n
	}

	if len(pairs) == 0 || used != len(tensors) {
		return nil, fmt.Errorf("%d of %d tensors form pairs; every tensor must be one of "+
			"LAYER%s, LAYER%s or LAYER%s", used, len(tensors), downSuffix, upSuffix, alphaSuffix)
	}
	slices.SortFunc(pairs, func(a, b Pair) int { return cmp.Compare(a.Target, b.Target) })
	return pairs, nil
}

// readPair reads one layer's tensors and says how many they are.
func readPair(tensors map[string]tensor, key string, body []byte) (p Pair, used int, err error) {
	target, ok := strings.CutPrefix(key, "lora_")
	up, hasUp := tensors[key+upSuffix]
	down := tensors[key+downSuffix]
	if !ok || !hasUp || len(down.Shape) < 2 || len(up.Shape) < 2 {
		return Pair{}, 0, errors.New("it needs a name that begins with lora_ and both a down and an up matrix")
	}

	p = Pair{Target: target, Rank: down.Shape[0], In: down.Shape[1:]}
	switch {
	case p.Rank > maxRank:
		return Pair{}, 0, fmt.Errorf("rank %d; at most %d is allowed", p.Rank, maxRank)
	case up.Shape[1] != p.Rank || count(up.Shape[2:]) != 1:
		return Pair{}, 0, fmt.Errorf("up has the shape %v, down %v: the rank must be the same", up.Shape, down.Shape)
	}

	p.Alpha, used = float64(p.Rank), 2
	if alpha, ok := tensors[key+alphaSuffix]; ok {
		if count(alpha.Shape) != 1 {
			return Pair{}, 0, errors.New("alpha must be one number")
		}
		v, err := numbers(alpha, body)
		if err != nil {
			return Pair{}, 0, err
		}
		p.Alpha, used = float64(v[0]), 3
	}

	if p.Down, err = numbers(down, body); err != nil {
		return Pair{}, 0, err
	}
	p.Up, err = numbers(up, body)
	return p, used, err
}

// count is the number of values of a shape.
func count(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// numbers reads a tensor's values, which must be finite.
func numbers(t tensor, body []byte) ([]float32, error) {
	raw, size := body[t.Offsets[0]:t.Offsets[1]], width(t.DType)
	out := make([]float32, len(raw)/size)
	for i := range out {
		at := raw[i*size:]
		switch t.DType {
		case "F32":
			out[i] = math.Float32frombits(binary.LittleEndian.Uint32(at))
		case "BF16":
			out[i] = math.Float32frombits(uint32(binary.LittleEndian.Uint16(at)) << 16)
		default:
			out[i] = half(binary.LittleEndian.Uint16(at))
		}
		if v := float64(out[i]); math.IsNaN(v) || math.IsInf(v, 0) {
			return nil, errors.New("a weight is not a finite number")
		}
	}
	return out, nil
}

// half is the value of an IEEE 754 half-precision number.
func half(b uint16) float32 {
	sign, exponent, fraction := float64(1), int(b>>10&0x1f), float64(b&0x3ff)
	if b>>15 != 0 {
		sign = -1
	}
	switch exponent {
	case 0:
		return float32(sign * math.Ldexp(fraction, -24))
	case 0x1f:
		return float32(math.NaN()) // or an infinity: neither is a weight
	}
	return float32(sign * math.Ldexp(1024+fraction, exponent-25))
}
