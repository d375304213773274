package kudos

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"math"
	"os"
)

// A net's file is, little endian:
//
//	8 bytes  magic
//	uint32   length of the header
//	         header, JSON (netHeader)
//	float32  for each layer its weights, those of input 0 first, then its biases
//	uint32   CRC-32 (IEEE) of all before
const (
	netMagic   = "hordenet"
	netVersion = 1
	maxNetFile = 8 << 20 // bytes
)

type netHeader struct {
	Version int     `json:"version"`
	Card    Card    `json:"card"`
	Scale   float32 `json:"scale"`
	Sizes   []int   `json:"sizes"` // Inputs, then the outputs of each layer
}

// Bytes returns the net as a file. Equal nets give equal bytes.
func (n *Net) Bytes() ([]byte, error) {
	h := netHeader{Version: netVersion, Card: n.card, Scale: n.scale, Sizes: []int{Inputs}}
	for _, l := range n.layers {
		h.Sizes = append(h.Sizes, l.Out)
	}
	head, err := json.Marshal(h)
	if err != nil {
		return nil, fmt.Errorf("the card of the net: %w", err)
	}

	b := binary.LittleEndian.AppendUint32([]byte(netMagic), uint32(len(head)))
	b = append(b, head...)

	for _, l := range n.layers {
		for _, v := range l.Weights {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
		for _, v := range l.Bias {
			b = binary.LittleEndian.AppendUint32(b, math.Float32bits(v))
		}
	}

	return binary.LittleEndian.AppendUint32(b, crc32.ChecksumIEEE(b)), nil
}

// ReadNet reads the net in a file.
func ReadNet(path string) (*Net, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxNetFile {
		return nil, fmt.Errorf("%s has %d bytes; no net is larger than %d", path, info.Size(), maxNetFile)
	}

	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}

	n, err := ParseNet(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return n, nil
}

var errNoNet = errors.New("this is no price network; \"horde kudos train\" makes one")

// ParseNet reads a net from the bytes of its file. Damaged bytes are refused.
func ParseNet(b []byte) (*Net, error) {
	const frame = len(netMagic) + 4 // bytes: magic and length of the header
	if len(b) < frame+4 || len(b) > maxNetFile || string(b[:len(netMagic)]) != netMagic {
		return nil, errNoNet
	}

	body, sum := b[:len(b)-4], binary.LittleEndian.Uint32(b[len(b)-4:])
	if crc32.ChecksumIEEE(body) != sum {
		return nil, errors.New("the net is damaged: its checksum does not fit")
	}

	length := binary.LittleEndian.Uint32(body[len(netMagic):])
	rest := body[frame:]
	if int64(length) > int64(len(rest)) {
		return nil, errNoNet
	}

	var h netHeader
	d := json.NewDecoder(bytes.NewReader(rest[:length]))
	if err := d.Decode(&h); err != nil {
		return nil, fmt.Errorf("the header of the net: %w", err)

	}
	if h.Version != netVersion {
		return nil, fmt.Errorf("the net has format %d; this program reads %d", h.Version, netVersion)
	}

	layers, err := readLayers(h.Sizes, rest[length:])
	if err != nil {
		return nil, err
	}
	return NewNet(h.Card, h.Scale, layers)
}

// readLayers reads the weights and biases of layers with these sizes.
func readLayers(sizes []int, b []byte) ([]Layer, error) {
	if len(sizes) < 2 || len(sizes) > maxLayers+1 || sizes[0] != Inputs {
		return nil, fmt.Errorf("a net has %d inputs and 1 to %d layers; the sizes of this one are %d",
			Inputs, maxLayers, sizes)
	}

	// The sizes must account for every byte.
	need := 0
	for i, out := range sizes[1:] {
		if out < 1 || out > maxWidth {
			return nil, fmt.Errorf("layer %d gives %d values; 1 to %d are allowed", i, out, maxWidth)
		}
		need += 4 * out * (sizes[i] + 1)
	}
	if need != len(b) {
		return nil, fmt.Errorf("the weights of the net have %d bytes; sizes %d need %d", len(b), sizes, need)
	}

	take := func(n int) []float32 {
		v := make([]float32, n)
		for i := range v {
			v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
		}
		b = b[4*n:]
		return v
	}

	layers := make([]Layer, 0, len(sizes)-1)
	for i, out := range sizes[1:] {
		in := sizes[i]
		layers = append(layers, Layer{In: in, Out: out, Weights: take(in * out), Bias: take(out)})
	}
	return layers, nil
}
