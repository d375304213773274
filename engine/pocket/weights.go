package pocket

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"

	"horde/engine/pocket/model"
)

// matrix is one of the model's large weights: rows of int8 with a scale each
// (MODEL_CARD.md, "Architecture").
type matrix struct {
	target string // its name in a LoRA; empty where LoRAs do not reach
	shape  []int
	values []byte // int8
	scales []float32
}

func (m *matrix) rows() int  { return m.shape[0] }
func (m *matrix) width() int { return len(m.values) / m.shape[0] }

// baseWeights are the matrices of the embedded weights by the offset of their
// values in pocket.safetensors, by which the graphs name them.
var baseWeights = sync.OnceValues(func() (map[int]*matrix, error) {
	raw, err := model.FS.ReadFile("pocket.safetensors")
	if err != nil {
		return nil, err
	}
	start := 8 + int(binary.LittleEndian.Uint64(raw))
	var entries map[string]struct {
		Shape   []int  `json:"shape"`
		DType   string `json:"dtype"`
		Offsets [2]int `json:"data_offsets"`
	}
	if err := json.Unmarshal(raw[8:start], &entries); err != nil {
		return nil, fmt.Errorf("embedded pocket.safetensors: %w", err)
	}

	found := map[int]*matrix{}
	for name, e := range entries {
		if e.DType != "I8" {
			continue
		}
		at := entries[name+".scale"].Offsets
		found[start+e.Offsets[0]] = &matrix{
			target: loraTarget(name),
			shape:  e.Shape,
			values: raw[start+e.Offsets[0] : start+e.Offsets[1]],
			scales: floats(raw[start+at[0] : start+at[1]]),
		}
	}
	return found, nil
})

// loraTarget is the name by which a LoRA calls a matrix, "" for those it does not
// change: the vocabulary and the upscaler.
func loraTarget(name string) string {
	name, isWeight := strings.CutSuffix(name, ".weight")
	if !isWeight || name == "text.emb" {
		return ""
	}
	for _, part := range []struct{ ours, theirs string }{{"net.", "unet_"}, {"text.", "te_"}} {
		if rest, ok := strings.CutPrefix(name, part.ours); ok {
			return part.theirs + strings.ReplaceAll(rest, ".", "_")
		}
	}
	return ""
}

// matrixOf finds the matrix that begins at an offset given as text.
func matrixOf(offset string) (*matrix, error) {
	all, err := baseWeights()
	if err != nil {
		return nil, err
	}
	at, err := strconv.Atoi(offset)
	if err != nil || all[at] == nil {
		return nil, fmt.Errorf("the graph names weights at %q, where none begin", offset)
	}
	return all[at], nil
}

func floats(raw []byte) []float32 {
	out := make([]float32, len(raw)/4)
	for i := range out {
		out[i] = math.Float32frombits(binary.LittleEndian.Uint32(raw[4*i:]))
	}
	return out
}
