package sketch

import (
	"image"
	"math"
)

// one is the fixed-point unit of heights: 256 parts of a pixel.
const one = 256

// canvas is an image being drawn.
type canvas struct {
	*scene
	w, h    int
	pix     []byte
	tops    [layers][]int32      // upper edge of each layer at each column, in pixels · one
	highest []int32              // the highest of tops at each column
	sky     []rgb                // by row
	land    [layers][]rgb        // by row
	glow    [glowSteps + 1]int32 // how much glow there is, of 256 · 256
	shift   uint                 // squared distances from the sun are shifted by this into glow
}

const glowSteps = 1024 // entries of canvas.glow

// draw draws a scene.
func draw(s *scene, width, height int) *image.NRGBA {
	img := image.NewNRGBA(image.Rect(0, 0, width, height))
	c := &canvas{scene: s, w: width, h: height, pix: img.Pix}
	c.outlines()
	c.colours()

	bottom := height
	if s.water {
		bottom = min(height, int(s.waterline*float32(height)))
	}
	c.fill(bottom)

	if s.night {
		c.stars()
	}
	if s.water {
		c.reflect(bottom)
	}
	if s.snow {
		c.snowfall()
	}
	return img
}

// colours prepares the colour of every row of sky and land and the glow.
func (c *canvas) colours() {
	rows := make([]rgb, c.h*(layers+1))
	c.sky, rows = rows[:c.h], rows[c.h:]
	for l := range layers {
		c.land[l], rows = rows[:c.h], rows[c.h:]
	}

	horizon := max(1, int(c.horizon*float32(c.h)))
	for y := range c.h {
		if t := int32(min(y, horizon) * 512 / horizon); t < 256 {
			c.sky[y] = mix(c.top, c.middle, t)
		} else {
			c.sky[y] = mix(c.middle, c.light.horizon, t-256)
		}
		for l := range layers {
			foot := c.foot(l)
			t := (float32(y)/float32(c.h) - foot + .2) / .35
			c.land[l][y] = mix(c.landTop[l], c.landFoot[l], int32(256*min(max(t, 0), 1)))
		}
	}

	for far := c.w*c.w + c.h*c.h; far>>c.shift >= glowSteps; {
		c.shift++
	}

	r := c.sunR * float32(min(c.w, c.h))
	for i := range c.glow {
		d2 := float32(i<<c.shift) / (r * r)
		c.glow[i] = int32(190 * 256 / (1 + d2/10))
	}
}

// foot is the height at which layer l of the land stands.
func (c *canvas) foot(l int) float32 {
	return c.scene.horizon + c.depth*float32(l)/(layers-1)
}

// fill draws sky and land of the rows above bottom.
func (c *canvas) fill(bottom int) {
	sunX, sunY := int(c.sunX*float32(c.w)), int(c.sunY*float32(c.h))
	r := float64(c.sunR) * float64(min(c.w, c.h))
	inner, outer := int((r-.5)*(r-.5)), int((r+.5)*(r+.5))+1

	for y := range bottom {
		row, below := c.pix[4*y*c.w:4*(y+1)*c.w], int32(y+1)*one
		sky, dy2 := c.sky[y], (y-sunY)*(y-sunY)
		for x, highest := range c.highest {
			px := row[4*x : 4*x+4 : 4*x+4]
			px[3] = 255

			// No sky in this pixel.
			if below-highest >= one {
				c.fillLand(px, x, y, below, rgb{})
				continue
			}

			d2 := dy2 + (x-sunX)*(x-sunX)
			g := c.glowAt(d2)
			col := rgb{
				sky[0] + (c.light.glow[0]-sky[0])*g>>8,
				sky[1] + (c.light.glow[1]-sky[1])*g>>8,
				sky[2] + (c.light.glow[2]-sky[2])*g>>8,
			}
			if d2 < outer {
				col = c.sun(col, d2, inner, outer)
			}

			// The edge of the land.
			if below > highest {
				c.fillLand(px, x, y, below, col)
				continue
			}
			px[0], px[1], px[2] = uint8(col[0]), uint8(col[1]), uint8(col[2])
		}
	}
}

// fillLand draws one pixel: from the nearest layer to the farthest as much as
// lies under the layer's edge, the rest of it in the colour behind.
func (c *canvas) fillLand(px []byte, x, y int, below int32, behind rgb) {
	left, out := int32(one), rgb{}
	for l := layers - 1; l >= 0; l-- {
		cover := below - c.tops[l][x]
		if cover <= 0 {
			continue
		}
		col := &c.land[l][y]
		if cover >= one && left == one {
			px[0], px[1], px[2] = uint8(col[0]), uint8(col[1]), uint8(col[2])
			return
		}

		cover = min(cover, one) * left >> 8
		out[0] += col[0] * cover
		out[1] += col[1] * cover
		out[2] += col[2] * cover
		if left -= cover; left == 0 {
			break
		}
	}

	for i := range out {
		px[i] = uint8((out[i] + behind[i]*left) >> 8)
	}
}

// glowAt interpolates the glow at squared distance d2 from the sun, of 256.
func (c *canvas) glowAt(d2 int) int32 {
	i := d2 >> c.shift
	a, b := c.glow[i], c.glow[i+1]
	return (a + (b-a)*int32(d2-i<<c.shift)>>c.shift) >> 8
}

// sun is the colour at squared distance d2 from its middle, with a soft edge.
func (c *canvas) sun(sky rgb, d2, inner, outer int) rgb {
	if d2 <= inner {
		return c.disc
	}
	return mix(sky, c.disc, int32(256*(outer-d2)/max(1, outer-inner)))
}

// outlines computes the upper edges of all layers.
func (c *canvas) outlines() {
	edges := make([]int32, (layers+1)*c.w)
	c.highest, edges = edges[:c.w], edges[c.w:]
	for x := range c.highest {
		c.highest[x] = math.MaxInt32
	}

	for l := range layers {
		c.tops[l], edges = edges[:c.w], edges[c.w:]
		near := float32(l) / (layers - 1)
		foot, seed := c.foot(l), uint32(c.dice.next())

		// Waves of the land: lower and longer for the near layers.
		height := c.rough * (.2 - .1*near)
		waves := c.scale * (3.2 - 1.2*near) / float32(c.h)
		start := c.dice.in(0, 64)
		for x := range c.w {
			at := start + float32(x)*waves
			c.tops[l][x] = int32((foot - height*c.outline(at, seed, l)) * float32(c.h) * one)
		}

		c.plant(l, near)
		for x, top := range c.tops[l] {
			c.highest[x] = min(c.highest[x], top)
		}
	}
}

// outline is the land's height, about 0…1, at position at.
func (c *canvas) outline(at float32, seed uint32, l int) float32 {
	switch {
	case c.ground == mountains && l < layers-1:
		ridge := 1 - abs(2*smooth(at, seed)-1)
		return 1.5*ridge*ridge + .35*(1-abs(2*smooth(at*2.7, seed+1)-1)) + .12*smooth(at*7.3, seed+2)
	case c.ground == dunes:
		return .75 * smooth(at*.7, seed)
	case c.ground == city:
		return .5 * smooth(at*.5, seed)
	}
	return .75*smooth(at, seed) + .2*smooth(at*2.3, seed+1) + .06*smooth(at*6.1, seed+2)
}

func abs(f float32) float32 { return max(f, -f) }

// smooth is value noise: random heights 0…1 at whole numbers, eased between.
func smooth(at float32, seed uint32) float32 {
	i := int32(at)
	f := at - float32(i)
	a, b := lattice(uint32(i), seed), lattice(uint32(i)+1, seed)
	return a + (b-a)*f*f*(3-2*f)
}

// lattice is a random number 0…1 for a whole number.
func lattice(i, seed uint32) float32 {
	n := (i ^ seed) * 0x9E3779B1
	n = (n ^ n>>15) * 0x85EBCA77
	n = (n ^ n>>13) * 0xC2B2AE3D
	return float32(n>>8) / (1 << 24)
}

// plant raises the edge of a layer by firs or houses.
func (c *canvas) plant(l int, near float32) {
	switch {
	case c.ground == forest && l > 0,
		c.ground == hills && l == layers-2,
		c.snow && c.ground != city && c.ground != dunes && l == layers-2:
		size := (.05 + .13*near) * float32(c.h)
		gap := size * .32
		if c.ground != forest {
			gap *= 4
		}
		for x := c.dice.in(0, gap); x < float32(c.w)+size; x += gap * c.dice.in(.4, 1.6) {
			c.fir(l, x, size*c.dice.in(.5, 1))
		}
	case c.ground == city && l > 0:
		size := (.16 + .1*near) * float32(c.h)
		for x := float32(-size); x < float32(c.w); {
			wide := size * c.dice.in(.18, .5)
			c.house(l, int(x), int(x+wide), size*c.dice.in(.3, 1.3))
			x += wide * c.dice.in(1, 1.3)
		}
	}
}

// fir is a tree of three tiers with its top at column x.
func (c *canvas) fir(l int, x, size float32) {
	edge, half := c.tops[l], size*.26
	root := edge[min(max(int(x), 0), c.w-1)]
	for i := max(0, int(x-half)); i <= min(c.w-1, int(x+half)); i++ {
		off := abs(float32(i)-x) / half

		// The tiers show as teeth of the outline: each one narrower and higher.
		tier := float32(int(off*3)) / 3
		high := size * (1 - off*.75 - (off-tier)*.7)
		edge[i] = min(edge[i], root-int32(high*one))
	}
}

// house is a block of the given height over columns from … to−1.
func (c *canvas) house(l, from, to int, high float32) {
	edge := c.tops[l]
	root := int32(c.foot(l) * float32(c.h) * one)
	for i := max(0, from); i < min(c.w, to); i++ {
		edge[i] = min(edge[i], root-int32(high*one))
	}
}

// stars sprinkles the free sky.
func (c *canvas) stars() {
	d := c.dice
	for range 40 + c.w*c.h/2600 {
		x, y, bright := d.pick(c.w), d.pick(max(1, int(c.scene.horizon*float32(c.h)))), int32(60+d.pick(196))
		if int32(y+1)*one < c.highest[x] {
			c.blend(x, y, rgb{250, 248, 240}, bright)
		}
	}
}

// blend mixes a colour into a pixel, t of 256.
func (c *canvas) blend(x, y int, col rgb, t int32) {
	px := c.pix[4*(y*c.w+x):]
	was := rgb{int32(px[0]), int32(px[1]), int32(px[2])}
	was = mix(was, col, t)
	px[0], px[1], px[2] = uint8(was[0]), uint8(was[1]), uint8(was[2])
}

// reflect mirrors what is above row line into the water below it, darker and
// shaken by waves that grow towards the viewer.
func (c *canvas) reflect(line int) {
	seed := uint32(c.dice)
	tint := mix(c.top, c.near, 90)
	for y := line; y < c.h; y++ {
		down := y - line
		from := line - 1 - down*line/max(1, c.h-line+line/3)
		src := c.pix[4*from*c.w : 4*(from+1)*c.w]
		row := c.pix[4*y*c.w : 4*(y+1)*c.w]

		depth := float32(down) / float32(c.h-line)
		wave := (smooth(1000/(1+12*depth), seed) - .5) * (.01 + .03*depth) * float32(c.w)
		t := int32(70 + 70*depth)

		for x := range c.w {
			sx := min(max(x+int(wave), 0), c.w-1)
			s, px := src[4*sx:4*sx+4:4*sx+4], row[4*x:4*x+4:4*x+4]
			px[0] = uint8(int32(s[0]) + (tint[0]-int32(s[0]))*t>>8)
			px[1] = uint8(int32(s[1]) + (tint[1]-int32(s[1]))*t>>8)
			px[2] = uint8(int32(s[2]) + (tint[2]-int32(s[2]))*t>>8)
			px[3] = 255
		}
	}
}

// snowfall drops flakes over everything.
func (c *canvas) snowfall() {
	d := c.dice
	for range 20 + c.w*c.h/2400 {
		r := d.in(.001, .0065) * float32(c.h)
		c.flake(d.in(0, float32(c.w)), d.in(0, float32(c.h)), max(.6, r))
	}
}

// flake is a soft white disc.
func (c *canvas) flake(cx, cy, r float32) {
	for y := max(0, int(cy-r)); y <= min(c.h-1, int(cy+r)); y++ {
		for x := max(0, int(cx-r)); x <= min(c.w-1, int(cx+r)); x++ {
			dx, dy := float32(x)-cx, float32(y)-cy
			if near := 1 - (dx*dx+dy*dy)/(r*r); near > 0 {
				c.blend(x, y, rgb{252, 253, 255}, int32(220*near))
			}
		}
	}
}
