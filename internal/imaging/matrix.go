package imaging

import "math"

// matrix is one of 3×3, by rows.
type matrix [3][3]float64

var identity = matrix{{1, 0, 0}, {0, 1, 0}, {0, 0, 1}}

// xyzToSRGB leads from XYZ as ICC profiles have it (white of D50) to linear sRGB.
var xyzToSRGB = matrix{
	{3.1338561, -1.6168667, -0.4906146},
	{-0.9787684, 1.9161415, 0.0334540},
	{0.0719453, -0.2289914, 1.4052427},
}

// bradford leads from XYZ to the cones of the eye, where white is adapted.
var bradford = matrix{
	{0.8951, 0.2664, -0.1614},
	{-0.7502, 1.7135, 0.0367},
	{0.0389, -0.0685, 1.0296},
}

// whiteD50 is the white of ICC profiles in XYZ.
var whiteD50 = [3]float64{0.9642, 1, 0.8249}

func (m matrix) apply(x, y, z float64) (float64, float64, float64) {
	return m[0][0]*x + m[0][1]*y + m[0][2]*z, m[1][0]*x + m[1][1]*y + m[1][2]*z, m[2][0]*x + m[2][1]*y + m[2][2]*z
}

// times is the matrix that applies n first.
func (m matrix) times(n matrix) (out matrix) {
	for i := range 3 {
		for j := range 3 {
			out[i][j] = m[i][0]*n[0][j] + m[i][1]*n[1][j] + m[i][2]*n[2][j]
		}
	}
	return out
}

// scaled multiplies the columns.
func (m matrix) scaled(x, y, z float64) matrix {
	return m.times(matrix{{x, 0, 0}, {0, y, 0}, {0, 0, z}})
}

// inverse is false for a matrix that has none to speak of.
func (m matrix) inverse() (out matrix, ok bool) {
	minor := func(i, j int) float64 {
		a, b, c, d := (i+1)%3, (i+2)%3, (j+1)%3, (j+2)%3
		return m[a][c]*m[b][d] - m[a][d]*m[b][c]
	}

	det := m[0][0]*minor(0, 0) + m[0][1]*minor(0, 1) + m[0][2]*minor(0, 2)
	if math.IsNaN(det) || math.Abs(det) < 1e-9 {
		return out, false
	}

	for i := range 3 {
		for j := range 3 {
			out[i][j] = minor(j, i) / det
		}
	}
	return out, true
}

// plausible reports whether all elements are finite and of the size that colours
// can have.
func (m matrix) plausible() bool {
	const maxElement = 1 << 15 // that of a number in an ICC profile
	for _, row := range m {
		for _, v := range row {
			if !(math.Abs(v) <= maxElement) {
				return false
			}
		}
	}
	return true
}

// toXYZ is the matrix from linear light of these primaries to XYZ with a white
// of D50.
func (pr primaries) toXYZ() (m matrix, ok bool) {
	for i := 0; i < len(pr); i += 2 {
		x, y := pr[i], pr[i+1]
		if y <= 0 {
			return m, false
		}

		column := [3]float64{x / y, 1, (1 - x - y) / y}
		if i == 6 {
			return m.whitened(column)
		}
		for row := range 3 {
			m[row][i/2] = column[row]
		}
	}
	return m, false
}

// whitened scales primaries so that together they give a white, and adapts that
// white to D50.
func (m matrix) whitened(white [3]float64) (out matrix, ok bool) {
	inverse, ok := m.inverse()
	if !ok {
		return out, false
	}
	m = m.scaled(inverse.apply(white[0], white[1], white[2]))

	toEye, _ := bradford.inverse()
	r, g, b := bradford.apply(white[0], white[1], white[2])
	x, y, z := bradford.apply(whiteD50[0], whiteD50[1], whiteD50[2])
	if r == 0 || g == 0 || b == 0 {
		return out, false
	}
	out = toEye.scaled(x/r, y/g, z/b).times(bradford).times(m)
	return out, out.plausible()
}
