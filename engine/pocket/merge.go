package pocket

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"horde/engine/pocket/loras"
)

// Parts of the model that a LoRA changes, each with a strength of its own.
const (
	partText = "te_"   // the text encoder
	partNet  = "unet_" // the denoiser
)

// adapter is one LoRA of a job with its strength on one part of the model.
type adapter struct {
	file     *loras.File
	strength float64
}

// adapters are the LoRAs that change one part of the model, in an order that does
// not depend on the request's: by hash. None has strength 0.
type adapters []adapter

// add puts a LoRA in, or adds to the strength of one that is there.
func (as adapters) add(f *loras.File, strength float64) adapters {
	i, there := slices.BinarySearchFunc(as, f.SHA256, func(a adapter, sum string) int {
		return cmp.Compare(a.file.SHA256, sum)
	})
	if there {
		as[i].strength += strength
	} else {
		as = slices.Insert(as, i, adapter{f, strength})
	}
	if as[i].strength == 0 {
		as = slices.Delete(as, i, i+1)
	}
	return as
}

// touching leaves out the LoRAs without a layer in a part of the model.
func (as adapters) touching(part string) adapters {
	return slices.DeleteFunc(slices.Clone(as), func(a adapter) bool {
		return !slices.ContainsFunc(a.file.Pairs, func(p loras.Pair) bool { return strings.HasPrefix(p.Target, part) })
	})
}

// key names the merged weights: the same LoRAs with the same strengths give the
// same key.
func (as adapters) key(part string) string {
	var b strings.Builder
	b.WriteString(part)
	for _, a := range as {
		fmt.Fprintf(&b, " %s %x", a.file.SHA256, math.Float64bits(a.strength))
	}
	return b.String()
}

// change is one LoRA's change of one matrix: factor · Up · Down.
type change struct {
	*loras.Pair
	factor float64
}

// changes lists what the LoRAs do to a matrix.
func (as adapters) changes(m *matrix) []change {
	var list []change
	if m.target == "" {
		return nil
	}
	for _, a := range as {
		i, ok := slices.BinarySearchFunc(a.file.Pairs, m.target, func(p loras.Pair, target string) int {
			return cmp.Compare(p.Target, target)
		})
		if ok {
			p := &a.file.Pairs[i]
			list = append(list, change{p, a.strength * p.Alpha / float64(p.Rank)})
		}
	}
	return list
}

// appendMerged appends the matrix with the changes added, as little-endian float32:
// each value is summed in float64, in the order of the list, and rounded once.
func (m *matrix) appendMerged(out []byte, list []change) []byte {
	width := m.width()
	row := make([]float64, width)
	for r := range m.rows() {
		for i, q := range m.values[r*width : (r+1)*width] {
			row[i] = float64(float32(int8(q)) * m.scales[r])
		}
		for _, c := range list {
			c.addTo(row, r)
		}
		for _, v := range row {
			out = binary.LittleEndian.AppendUint32(out, math.Float32bits(float32(v)))
		}
	}
	return out
}

// addTo adds row r of the change.
func (c change) addTo(row []float64, r int) {
	for k := range c.Rank {
		f := c.factor * float64(c.Up[r*c.Rank+k])
		for i, d := range c.Down[k*len(row) : (k+1)*len(row)] {
			row[i] += f * float64(d)
		}
	}
}

// checkFit reports whether every layer of a LoRA is one of the model's, with its
// shape.
func checkFit(f *loras.File) error {
	all, err := baseWeights()
	if err != nil {
		return err
	}
	shapes := map[string][]int{}
	for _, m := range all {
		shapes[m.target] = m.shape
	}

	for i := range f.Pairs {
		p := &f.Pairs[i]
		shape := shapes[p.Target]
		if shape == nil || p.Out() != shape[0] || !slices.Equal(p.In, shape[1:]) {
			return fmt.Errorf("%w: its layer %s is %d × %v, the model's %v",
				loras.ErrBaseline, p.Target, p.Out(), p.In, shape)
		}
	}
	return nil
}
