package sketch

import "strings"

// rgb is a colour, 0…255 each.
type rgb [3]int32

// mix goes from a to b as t goes from 0 to 256.
func mix(a, b rgb, t int32) rgb {
	for i := range a {
		a[i] += (b[i] - a[i]) * t >> 8
	}
	return a
}

// dice is a splitmix64 stream.
type dice uint64

func (d *dice) next() uint64 {
	*d += 0x9E3779B97F4A7C15
	z := uint64(*d)
	z = (z ^ z>>30) * 0xBF58476D1CE4E5B9
	z = (z ^ z>>27) * 0x94D049BB133111EB
	return z ^ z>>31
}

// in is a number of lo … hi.
func (d *dice) in(lo, hi float32) float32 {
	return lo + (hi-lo)*float32(d.next()>>40)/(1<<24)
}

// pick is one of 0 … n−1.
func (d *dice) pick(n int) int { return int(d.next() % uint64(n)) }

// light is the colours of a time of day.
type light struct {
	top, middle, horizon rgb // of the sky
	disc, glow           rgb // sun or moon and the air around it
	near, far            rgb // the nearest and the farthest ground
	night                bool
}

var lights = []light{
	{top: rgb{52, 120, 200}, middle: rgb{126, 184, 232}, horizon: rgb{226, 238, 244}, disc: rgb{255, 250, 226}, glow: rgb{255, 244, 206}, near: rgb{34, 84, 52}, far: rgb{150, 186, 202}},
	{top: rgb{44, 40, 98}, middle: rgb{196, 84, 110}, horizon: rgb{255, 186, 110}, disc: rgb{255, 240, 190}, glow: rgb{255, 150, 84}, near: rgb{36, 22, 50}, far: rgb{196, 106, 112}},
	{top: rgb{8, 12, 34}, middle: rgb{22, 34, 78}, horizon: rgb{62, 82, 132}, disc: rgb{242, 240, 222}, glow: rgb{120, 138, 190}, near: rgb{6, 10, 22}, far: rgb{52, 68, 112}, night: true},
	{top: rgb{96, 118, 176}, middle: rgb{226, 176, 190}, horizon: rgb{255, 224, 196}, disc: rgb{255, 246, 224}, glow: rgb{255, 208, 178}, near: rgb{48, 58, 84}, far: rgb{208, 176, 186}},
	{top: rgb{22, 78, 92}, middle: rgb{74, 160, 150}, horizon: rgb{232, 232, 186}, disc: rgb{255, 250, 214}, glow: rgb{240, 226, 160}, near: rgb{14, 48, 48}, far: rgb{112, 166, 150}},
}

const (
	day = iota
	sunset
	night
	dawn
	jade
)

// ground is the outline of the land.
type ground int

const (
	hills ground = iota
	mountains
	forest
	city
	dunes
	grounds // how many there are
)

// word says what a word of the prompt asks for; −1 and nil where it says
// nothing.
type word struct {
	light, ground int
	water, snow   bool
	tint          *rgb
}

// words that the sketch understands.
var words = map[string]word{
	"day": {light: day, ground: -1}, "sunny": {light: day, ground: -1}, "noon": {light: day, ground: -1},
	"sunset": {light: sunset, ground: -1}, "evening": {light: sunset, ground: -1}, "dusk": {light: sunset, ground: -1},
	"night": {light: night, ground: -1}, "moon": {light: night, ground: -1}, "space": {light: night, ground: -1}, "stars": {light: night, ground: -1}, "dark": {light: night, ground: -1},
	"morning": {light: dawn, ground: -1}, "dawn": {light: dawn, ground: -1}, "sunrise": {light: dawn, ground: -1}, "fog": {light: dawn, ground: -1},
	"mountain": {light: -1, ground: int(mountains)}, "mountains": {light: -1, ground: int(mountains)}, "castle": {light: -1, ground: int(mountains)}, "dragon": {light: sunset, ground: int(mountains)},
	"forest": {light: -1, ground: int(forest)}, "tree": {light: -1, ground: int(forest)}, "trees": {light: -1, ground: int(forest)}, "fox": {light: -1, ground: int(forest)}, "mushroom": {light: jade, ground: int(forest)},
	"city": {light: -1, ground: int(city)}, "street": {light: -1, ground: int(city)}, "building": {light: -1, ground: int(city)}, "robot": {light: -1, ground: int(city)}, "cyberpunk": {light: night, ground: int(city)},
	"desert": {light: -1, ground: int(dunes), tint: &rgb{214, 150, 84}}, "sand": {light: -1, ground: int(dunes), tint: &rgb{214, 150, 84}},
	"beach": {light: -1, ground: int(dunes), water: true}, "sea": {light: -1, ground: -1, water: true}, "ocean": {light: -1, ground: -1, water: true}, "lake": {light: -1, ground: -1, water: true},
	"river": {light: -1, ground: -1, water: true}, "ship": {light: -1, ground: -1, water: true}, "water": {light: -1, ground: -1, water: true},
	"snow": {light: -1, ground: -1, snow: true}, "snowy": {light: -1, ground: -1, snow: true}, "winter": {light: -1, ground: -1, snow: true}, "ice": {light: -1, ground: -1, snow: true},
	"red": {light: -1, ground: -1, tint: &rgb{206, 58, 48}}, "orange": {light: -1, ground: -1, tint: &rgb{232, 132, 42}}, "yellow": {light: -1, ground: -1, tint: &rgb{236, 204, 64}},
	"green": {light: -1, ground: -1, tint: &rgb{62, 158, 74}}, "blue": {light: -1, ground: -1, tint: &rgb{52, 104, 206}}, "purple": {light: -1, ground: -1, tint: &rgb{132, 72, 184}},
	"pink": {light: -1, ground: -1, tint: &rgb{236, 128, 172}}, "brown": {light: -1, ground: -1, tint: &rgb{128, 86, 54}}, "white": {light: -1, ground: -1, tint: &rgb{236, 238, 242}}, "black": {light: -1, ground: -1, tint: &rgb{26, 26, 32}},
}

// readable bounds how much of a prompt is looked at for words, in bytes; all of
// it goes into the hash.
const readable = 1024

// theme is what a prompt says.
type theme struct {
	hash          uint64
	light, ground int // −1: the seed decides
	water, snow   bool
	tint          *rgb
}

func readTheme(prompt string) theme {
	t := theme{hash: 14695981039346656037, light: -1, ground: -1}
	for i := range len(prompt) {
		t.hash = (t.hash ^ uint64(prompt[i])) * 1099511628211 // FNV-1a
	}
	text := strings.ToLower(prompt[:min(len(prompt), readable)])
	for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return r < 'a' || r > 'z' }) {
		said, ok := words[w]
		if !ok {
			continue
		}
		if said.light >= 0 {
			t.light = said.light
		}
		if said.ground >= 0 {
			t.ground = said.ground
		}
		if said.tint != nil {
			t.tint = said.tint
		}
		t.water, t.snow = t.water || said.water, t.snow || said.snow
	}
	return t
}

// layers of land, far to near.
const layers = 5

// scene is everything about one picture but its size; lengths are parts of the
// picture's height (y) or width (x).
type scene struct {
	light
	ground
	dice         dice // for outlines, stars and snow
	water        bool
	waterline    float32
	snow         bool
	sunX, sunY   float32
	sunR         float32
	horizon      float32 // where the farthest land stands
	depth        float32 // from there to the foot of the nearest
	landTop      [layers]rgb
	landFoot     [layers]rgb
	rough, scale float32
}

// compose fixes a scene by prompt and seed.
func (t theme) compose(seed uint64) *scene {
	d := dice(t.hash ^ seed*0xD6E8FEB86659FD93)
	s := &scene{water: t.water, snow: t.snow}
	s.light = lights[choose(t.light, d.pick(len(lights)))]
	s.ground = ground(choose(t.ground, d.pick(int(grounds))))
	if maybe := d.pick(4) == 0; !t.water && s.ground != dunes {
		s.water = maybe
	}
	if s.ground == dunes && t.tint == nil {
		s.near = mix(s.near, rgb{200, 146, 90}, 130)
	}
	if t.tint != nil {
		s.near, s.middle = mix(s.near, *t.tint, 120), mix(s.middle, *t.tint, 60)
	}
	s.sunX, s.sunY, s.sunR = d.in(.15, .85), d.in(.14, .42), d.in(.035, .075)
	s.horizon, s.depth = d.in(.42, .56), d.in(.3, .42)
	s.waterline = d.in(.68, .8)
	s.rough, s.scale = d.in(.8, 1.2), d.in(.8, 1.3)
	s.colourLand()
	s.dice = d
	return s
}

// choose is said where the prompt said something, else by the seed.
func choose(said, seed int) int {
	if said >= 0 {
		return said
	}
	return seed
}

// colourLand gives each layer the colour of its distance, haze at its foot.
func (s *scene) colourLand() {
	for l := range layers {
		t := int32(256 * l / (layers - 1))
		c := mix(s.far, s.near, t)
		if s.snow {
			white := rgb{238, 243, 250}
			if s.night {
				white = rgb{134, 148, 186}
			}
			c = mix(c, white, 120+t/3)
		}
		s.landTop[l] = c
		s.landFoot[l] = mix(c, s.horizonHaze(), 110-t*60>>8)
	}
}

func (s *scene) horizonHaze() rgb { return mix(s.light.horizon, s.far, 90) }
