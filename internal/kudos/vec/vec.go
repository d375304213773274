// Package vec has the loops over vectors that the price network runs and is
// trained with.
//
// Products are rounded to float32 before they are added (the conversions take care of
// that): results are the same on processors with and without fused
// multiply-add, so that a job costs the same everywhere. Vectors may be longer
// than the first argument, never shorter.
package vec

// Gather adds to out the rows of m that index lists, row i times
// scale[i·stride]. A row of m has len(out) numbers.
func Gather(out, m, scale []float32, index []int32, stride int) {
	n := len(out)
	for ; len(index) >= 4; index = index[4:] {
		a, b, c, d := int(index[0]), int(index[1]), int(index[2]), int(index[3])
		add4(out, m[a*n:], m[b*n:], m[c*n:], m[d*n:], scale[a*stride], scale[b*stride], scale[c*stride], scale[d*stride])
	}
	for _, i := range index {
		Add(out, m[int(i)*n:], scale[int(i)*stride])
	}
}

// NonZero puts the places of the n numbers v[0], v[stride], v[2·stride]… that
// are not 0 into index, which has room for n, and returns them.
func NonZero(index []int32, v []float32, n, stride int) []int32 {
	k := 0
	for i := range n {
		if v[i*stride] != 0 {
			index[k] = int32(i)
			k++
		}
	}
	return index[:k]
}

// ReLU replaces negative numbers by 0.
func ReLU(v []float32) {
	for i, x := range v {
		v[i] = max(0, x)
	}
}

// Add adds w times a to out.
func Add(out, w []float32, a float32) {
	w = w[:len(out)]
	for j := range out {
		out[j] += float32(a * w[j])
	}
}

func add4(out, w0, w1, w2, w3 []float32, a, b, c, d float32) {
	w0, w1, w2, w3 = w0[:len(out)], w1[:len(out)], w2[:len(out)], w3[:len(out)]
	for j := range out {
		out[j] += float32(a*w0[j]) + float32(b*w1[j]) + (float32(c*w2[j]) + float32(d*w3[j]))
	}
}

// Dots writes to out[i], for each i of index, the product of v and row i of m.
func Dots(out, v, m []float32, index []int32) {
	n := len(v)
	for ; len(index) >= 4; index = index[4:] {
		a, b, c, d := int(index[0]), int(index[1]), int(index[2]), int(index[3])
		out[a], out[b], out[c], out[d] = dot4(v, m[a*n:], m[b*n:], m[c*n:], m[d*n:])
	}
	for _, i := range index {
		out[i] = dot(v, m[int(i)*n:])
	}
}

func dot4(v, w0, w1, w2, w3 []float32) (a, b, c, d float32) {
	w0, w1, w2, w3 = w0[:len(v)], w1[:len(v)], w2[:len(v)], w3[:len(v)]
	for j, x := range v {
		a += float32(x * w0[j])
		b += float32(x * w1[j])
		c += float32(x * w2[j])
		d += float32(x * w3[j])
	}
	return a, b, c, d
}

func dot(v, w []float32) (a float32) {
	w = w[:len(v)]
	for j, x := range v {
		a += float32(x * w[j])
	}
	return a
}
