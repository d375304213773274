package imaging

import (
	"bytes"
	"encoding/binary"
	"math/bits"
	"sync"
)

// A block of deflate that brings its own codes costs a decoder microseconds before it has
// a single byte, and a file can hold one in every eleven bytes. Encoders write one for some
// ten thousand bytes of an image. How many a stream has is seen only by walking it, here: it
// needs no memory for that, and none of the output.

// What a block costs besides its bytes, in visits of pixels.
const (
	dynamicBlockWork = 2400 // it makes tables of its codes
	blockWork        = 20
)

// deflateWork is what the blocks of a zlib stream cost that lies in pieces, in visits of
// pixels, up to most and a block more. It stops where the stream ends or is damaged, as
// decoders do.
func deflateWork(pieces [][]byte, most int64) (visits int64) {
	w := &deflateWalk{bits: bitReader{pieces: pieces}}
	w.bits.take(16) // the header of zlib
	for last := false; !last && visits <= most; {
		last = w.bits.take(1) == 1
		visits += blockWork
		switch w.bits.take(2) {
		case 0:
			w.stored()
		case 1:
			w.walk(fixedCodes())
		case 2:
			visits += dynamicBlockWork
			w.dynamic()
		default:
			return visits
		}
		if w.bits.short || w.damaged {
			return visits
		}
	}
	return visits
}

// bitReader takes bits out of bytes that lie in pieces, the lowest first.
type bitReader struct {
	pieces [][]byte
	at     int // in the first piece
	acc    uint64
	have   uint // bits in acc
	short  bool // there were fewer than asked for
}

// fill gets 56 bits and more, or as many as there are.
func (r *bitReader) fill() {
	if len(r.pieces) > 0 && len(r.pieces[0])-r.at >= 8 {
		// Bits above those that acc has then are those of the bytes that come next.
		r.acc |= binary.LittleEndian.Uint64(r.pieces[0][r.at:]) << r.have
		r.at += int((63 - r.have) / 8)
		r.have |= 56
		return
	}
	for r.have <= 56 {
		for len(r.pieces) > 0 && r.at == len(r.pieces[0]) {
			r.pieces, r.at = r.pieces[1:], 0
		}
		if len(r.pieces) == 0 {
			return
		}
		r.acc |= uint64(r.pieces[0][r.at]) << r.have
		r.at++
		r.have += 8
	}
}

// take removes up to 16 bits; 0 beyond the end.
func (r *bitReader) take(n uint) uint64 {
	if r.have < n {
		if r.fill(); r.have < n {
			r.short, r.acc, r.have = true, 0, 0
			return 0
		}
	}
	v := r.acc & (1<<n - 1)
	r.acc >>= n
	r.have -= n
	return v
}

// skip removes whole bytes, from the next one on that was not begun.
func (r *bitReader) skip(bytes int) {
	r.take(r.have % 8)
	for ; bytes > 0 && r.have > 0; bytes-- {
		r.take(8)
	}
	if bytes > 0 {
		r.acc = 0 // of the bytes that are skipped
	}
	for bytes > 0 && len(r.pieces) > 0 {
		n := min(bytes, len(r.pieces[0])-r.at)
		r.at += n
		if bytes -= n; bytes > 0 {
			r.pieces, r.at = r.pieces[1:], 0
		}
	}
	r.short = r.short || bytes > 0
}

// Bounds of deflate (RFC 1951).
const (
	maxCodeBits = 15
	quickBits   = 9 // that are looked up at once
	maxLiterals = 288
	maxDistance = 32
	endOfBlock  = 256
)

// codes are those of one alphabet.
type codes struct {
	quick   [1 << quickBits]uint16 // symbol<<4 | bits of its code; 0: the code is longer
	counts  [maxCodeBits + 1]uint16
	symbols [maxLiterals]uint16 // by code
}

// set makes codes of lengths in bits; 0: the symbol has none. It reports whether they are
// codes: no more than fit.
func (c *codes) set(lengths []uint8) bool {
	c.counts = [maxCodeBits + 1]uint16{}
	for _, n := range lengths {
		c.counts[n]++
	}
	c.counts[0] = 0

	left := 1
	var first, offsets [maxCodeBits + 2]uint16
	for n := 1; n <= maxCodeBits; n++ {
		if left = left<<1 - int(c.counts[n]); left < 0 {
			return false
		}
		first[n+1] = (first[n] + c.counts[n]) << 1
		offsets[n+1] = offsets[n] + c.counts[n]
	}

	clear(c.quick[:])
	for symbol, n := range lengths {
		if n == 0 {
			continue
		}
		c.symbols[offsets[n]] = uint16(symbol)
		offsets[n]++
		code := first[n]
		first[n]++
		if n > quickBits {
			continue
		}
		// Codes begin with their highest bit.
		reversed := bits.Reverse16(code) >> (16 - n)
		for i := int(reversed); i < len(c.quick); i += 1 << n {
			c.quick[i] = uint16(symbol)<<4 | uint16(n)
		}
	}
	return true
}

// next reads a symbol; false: none has this code.
func (c *codes) next(r *bitReader) (symbol int, ok bool) {
	if r.have < maxCodeBits {
		r.fill()
	}
	if q := c.quick[r.acc&(1<<quickBits-1)]; q != 0 && uint(q&15) <= r.have {
		r.acc >>= q & 15
		r.have -= uint(q & 15)
		return int(q >> 4), true
	}

	code, first, index := 0, 0, 0
	for n := 1; n <= maxCodeBits && !r.short; n++ {
		code |= int(r.take(1))
		count := int(c.counts[n])
		if code-count < first {
			return int(c.symbols[index+code-first]), true
		}
		index += count
		first = (first + count) << 1
		code <<= 1
	}
	return 0, false
}

// deflateWalk goes through a stream of deflate and keeps nothing of it.
type deflateWalk struct {
	bits    bitReader
	damaged bool

	literals, distances codes
}

// stored skips a block of plain bytes.
func (w *deflateWalk) stored() {
	w.bits.skip(0)
	size := w.bits.take(16)
	w.bits.take(16) // its complement
	w.bits.skip(int(size))
}

// fixedCodes are those that need not be sent.
var fixedCodes = sync.OnceValues(func() (literals, distances *codes) {
	var lengths [maxLiterals]uint8
	for i := range lengths {
		switch {
		case i < 144, i > 279:
			lengths[i] = 8
		case i < 256:
			lengths[i] = 9
		default:
			lengths[i] = 7
		}
	}
	literals, distances = new(codes), new(codes)
	literals.set(lengths[:])
	distances.set(bytes.Repeat([]byte{5}, maxDistance))
	return literals, distances
})

// lengthOrder is in which order the lengths of the codes of lengths come.
var lengthOrder = [19]uint8{16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15}

// dynamic walks a block with codes of its own.
func (w *deflateWalk) dynamic() {
	r := &w.bits
	literals, distances := int(r.take(5))+257, int(r.take(5))+1
	var ofLengths [19]uint8
	for i := range int(r.take(4)) + 4 {
		ofLengths[lengthOrder[i]] = uint8(r.take(3))
	}
	if !w.literals.set(ofLengths[:]) || literals > 286 {
		w.damaged = true
		return
	}

	var lengths [286 + maxDistance]uint8
	for i := 0; i < literals+distances; {
		symbol, ok := w.literals.next(r)
		if !ok || r.short {
			w.damaged = true
			return
		}
		if symbol < 16 {
			lengths[i] = uint8(symbol)
			i++
			continue
		}

		var length uint8
		var repeat int
		switch symbol {
		case 16:
			if i == 0 {
				w.damaged = true
				return
			}
			length, repeat = lengths[i-1], 3+int(r.take(2))
		case 17:
			repeat = 3 + int(r.take(3))
		default:
			repeat = 11 + int(r.take(7))
		}
		if i+repeat > literals+distances {
			w.damaged = true
			return
		}
		for range repeat {
			lengths[i] = length
			i++
		}
	}

	if !w.distances.set(lengths[literals:literals+distances]) || !w.literals.set(lengths[:literals]) {
		w.damaged = true
		return
	}
	w.walk(&w.literals, &w.distances)
}

// walk goes on to the end of a block.
func (w *deflateWalk) walk(literals, distances *codes) {
	r := &w.bits
	for {
		// Most symbols are bytes with short codes.
		for {
			q := literals.quick[r.acc&(1<<quickBits-1)]
			if q == 0 || q>>4 >= endOfBlock || uint(q&15) > r.have {
				break
			}
			r.acc >>= q & 15
			r.have -= uint(q & 15)
		}

		symbol, ok := literals.next(r)
		switch {
		case !ok || r.short:
			w.damaged = true
			return
		case symbol < endOfBlock:
			continue
		case symbol == endOfBlock:
			return
		case symbol > 285:
			w.damaged = true
			return
		}

		// A repetition: its length has up to 5 more bits, its distance up to 13.
		if n := symbol - 257; n >= 8 && n < 28 {
			r.take(uint(n/4 - 1))
		}
		distance, ok := distances.next(r)
		if !ok || distance > 29 {
			w.damaged = true
			return
		}
		if distance >= 4 {
			r.take(uint(distance/2 - 1))
		}
	}
}
