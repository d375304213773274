package pocket

import (
	"errors"
	"fmt"

	"google.golang.org/protobuf/encoding/protowire"

	"horde/engine/pocket/model"
)

// Numbers of the fields of ONNX's messages that are read here (onnx.proto).
const (
	modelGraph protowire.Number = 7

	graphNode        protowire.Number = 1
	graphInitializer protowire.Number = 5

	nodeInput  protowire.Number = 1
	nodeOutput protowire.Number = 2
	nodeType   protowire.Number = 4

	tensorDims     protowire.Number = 1
	tensorType     protowire.Number = 2
	tensorName     protowire.Number = 8
	tensorRaw      protowire.Number = 9
	tensorExternal protowire.Number = 13

	pairKey   protowire.Number = 1
	pairValue protowire.Number = 2
)

// Element types of a tensor (onnx.proto, TensorProto.DataType).
const (
	typeFloat = 1
	typeInt8  = 3
)

// field is one field of a message: raw with its tag, value without.
type field struct {
	number protowire.Number
	raw    []byte
	value  []byte
}

// fields splits a message; only fields of bytes have a value.
func fields(message []byte) ([]field, error) {
	var list []field
	for len(message) > 0 {
		number, kind, tag := protowire.ConsumeTag(message)
		if tag < 0 {
			return nil, protowire.ParseError(tag)
		}
		size := protowire.ConsumeFieldValue(number, kind, message[tag:])
		if size < 0 {
			return nil, protowire.ParseError(size)
		}

		f := field{number: number, raw: message[:tag+size]}
		if kind == protowire.BytesType {
			f.value, _ = protowire.ConsumeBytes(message[tag:])
		}
		list = append(list, f)
		message = message[tag+size:]
	}
	return list, nil
}

// first is the value of the first field with a number, nil if there is none.
func first(list []field, number protowire.Number) []byte {
	for _, f := range list {
		if f.number == number {
			return f.value
		}
	}
	return nil
}

// piece is a part of a graph to be written: bytes, then the weights of a matrix
// where there is one.
type piece struct {
	head    []byte
	weights *matrix
	changes []change // of the weights; none: they stay int8
}

func (p *piece) size() int {
	switch {
	case p.weights == nil:
		return len(p.head)
	case len(p.changes) == 0:
		return len(p.head) + len(p.weights.values)
	}
	return len(p.head) + 4*len(p.weights.values)
}

func (p *piece) appendTo(out []byte) []byte {
	out = append(out, p.head...)
	switch {
	case p.weights == nil:
		return out
	case len(p.changes) == 0:
		return append(out, p.weights.values...)
	}
	return p.weights.appendMerged(out, p.changes)
}

// mergedGraph is the embedded graph of a network with the LoRAs merged into its
// weights. It holds all weights itself: nothing of it lies on disk. A changed
// matrix is float32 in place of int8 and the node that unpacked it; the others stay
// as they are.
func mergedGraph(name string, as adapters) ([]byte, error) {
	raw, err := model.FS.ReadFile(name + ".onnx")
	if err != nil {
		return nil, err
	}
	top, err := fields(raw)
	if err != nil {
		return nil, err
	}

	var pieces []piece
	for _, f := range top {
		if f.number != modelGraph {
			pieces = append(pieces, piece{head: f.raw})
			continue
		}
		graph, err := mergeInto(f.value, as)
		if err != nil {
			return nil, fmt.Errorf("embedded %s.onnx: %w", name, err)
		}
		tag := protowire.AppendTag(nil, modelGraph, protowire.BytesType)
		pieces = append(pieces, piece{head: protowire.AppendVarint(tag, uint64(total(graph)))})
		pieces = append(pieces, graph...)
	}

	// About 100 MB: allocated once.
	out := make([]byte, 0, total(pieces))
	for i := range pieces {
		out = pieces[i].appendTo(out)
	}
	return out, nil
}

// total is the bytes that pieces will have.
func total(pieces []piece) int {
	n := 0
	for i := range pieces {
		n += pieces[i].size()
	}
	return n
}

// mergeInto rewrites the nodes and initializers of a graph.
func mergeInto(graph []byte, as adapters) ([]piece, error) {
	list, err := fields(graph)
	if err != nil {
		return nil, err
	}
	unpacked, err := unpackers(list)
	if err != nil {
		return nil, err
	}

	// The initializers first: they decide which nodes are no longer needed.
	var tensors []piece
	replaced := map[string]bool{} // outputs of nodes that a float matrix replaces
	for _, f := range list {
		if f.number != graphInitializer {
			continue
		}
		p, name, err := rewriteTensor(f, unpacked, as)
		if err != nil {
			return nil, err
		}
		tensors = append(tensors, p)
		if len(p.changes) > 0 {
			replaced[name] = true
		}
	}

	var out []piece
	for _, f := range list {
		if f.number == graphInitializer || f.number == graphNode && replaced[unpackerOutput(f.value)] {
			continue
		}
		out = append(out, piece{head: f.raw})
	}
	return append(out, tensors...), nil
}

// unpackers maps the name of each int8 tensor to the output of the node that
// unpacks it.
func unpackers(graph []field) (map[string]string, error) {
	found := map[string]string{}
	for _, f := range graph {
		if f.number != graphNode {
			continue
		}
		if output := unpackerOutput(f.value); output != "" {
			node, err := fields(f.value)
			if err != nil {
				return nil, err
			}
			found[string(first(node, nodeInput))] = output
		}
	}
	return found, nil
}

// unpackerOutput is the output of a node that unpacks int8 weights, "" for others.
func unpackerOutput(node []byte) string {
	list, err := fields(node)
	if err != nil || string(first(list, nodeType)) != "DequantizeLinear" {
		return ""
	}
	return string(first(list, nodeOutput))
}

// rewriteTensor puts a tensor's weights into the graph; where LoRAs change them,
// under the name of the output of the node that they replace.
func rewriteTensor(f field, unpacked map[string]string, as adapters) (p piece, name string, err error) {
	list, err := fields(f.value)
	if err != nil {
		return piece{}, "", err
	}
	offset := externalOffset(list)
	if offset == "" {
		return piece{head: f.raw}, "", nil
	}
	p.weights, err = matrixOf(offset)
	if err != nil {
		return piece{}, "", err
	}

	name, kind, length := string(first(list, tensorName)), uint64(typeInt8), len(p.weights.values)
	if p.changes = as.changes(p.weights); len(p.changes) > 0 {
		packed := name
		if name = unpacked[packed]; name == "" {
			return piece{}, "", errors.New("nothing unpacks the weights " + packed)
		}
		kind, length = typeFloat, 4*length
	}
	p.head = tensorHead(name, p.weights.shape, kind, length)
	return p, name, nil
}

// externalOffset is where a tensor's values begin in pocket.safetensors, "" if
// they are in the graph.
func externalOffset(tensor []field) string {
	for _, f := range tensor {
		if f.number != tensorExternal {
			continue
		}
		pair, err := fields(f.value)
		if err == nil && string(first(pair, pairKey)) == "offset" {
			return string(first(pair, pairValue))
		}
	}
	return ""
}

// tensorHead is an initializer of a graph up to its values, of length bytes.
func tensorHead(name string, shape []int, kind uint64, length int) []byte {
	var t []byte
	for _, d := range shape {
		t = protowire.AppendVarint(protowire.AppendTag(t, tensorDims, protowire.VarintType), uint64(d))
	}
	t = protowire.AppendVarint(protowire.AppendTag(t, tensorType, protowire.VarintType), kind)
	t = protowire.AppendString(protowire.AppendTag(t, tensorName, protowire.BytesType), name)
	t = protowire.AppendVarint(protowire.AppendTag(t, tensorRaw, protowire.BytesType), uint64(length))

	head := protowire.AppendTag(nil, graphInitializer, protowire.BytesType)
	head = protowire.AppendVarint(head, uint64(len(t)+length))
	return append(head, t...)
}
