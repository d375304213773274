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

// Times of day: the indexes of lights.
const (
	day = iota
	sunset
	night
	dawn
	jade
)

var lights = [...]light{
	day: {
		top:     rgb{52, 120, 200},
		middle:  rgb{126, 184, 232},
		horizon: rgb{226, 238, 244},
		disc:    rgb{255, 250, 226},
		glow:    rgb{255, 244, 206},
		near:    rgb{34, 84, 52},
		far:     rgb{150, 186, 202},
	},
	sunset: {
		top:     rgb{44, 40, 98},
		middle:  rgb{196, 84, 110},
		horizon: rgb{255, 186, 110},
		disc:    rgb{255, 240, 190},
		glow:    rgb{255, 150, 84},
		near:    rgb{36, 22, 50},
		far:     rgb{196, 106, 112},
	},
	night: {
		top:     rgb{8, 12, 34},
		middle:  rgb{22, 34, 78},
		horizon: rgb{62, 82, 132},
		disc:    rgb{242, 240, 222},
		glow:    rgb{120, 138, 190},
		near:    rgb{6, 10, 22},
		far:     rgb{52, 68, 112},
		night:   true,
	},
	dawn: {
		top:     rgb{96, 118, 176},
		middle:  rgb{226, 176, 190},
		horizon: rgb{255, 224, 196},
		disc:    rgb{255, 246, 224},
		glow:    rgb{255, 208, 178},
		near:    rgb{48, 58, 84},
		far:     rgb{208, 176, 186},
	},
	jade: {
		top:     rgb{22, 78, 92},
		middle:  rgb{74, 160, 150},
		horizon: rgb{232, 232, 186},
		disc:    rgb{255, 250, 214},
		glow:    rgb{240, 226, 160},
		near:    rgb{14, 48, 48},
		far:     rgb{112, 166, 150},
	},
}

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

// unsaid is the light or ground of a word or prompt that names none: the seed
// decides.
const unsaid = -1

// word says what a word of the prompt asks for; unsaid and nil where it says
// nothing.
type word struct {
	light, ground int
	water, snow   bool
	tint          *rgb
}

func ofLight(light int) word      { return word{light: light, ground: unsaid} }
func ofGround(ground ground) word { return word{light: unsaid, ground: int(ground)} }
func ofTint(r, g, b int32) word   { return word{light: unsaid, ground: unsaid, tint: &rgb{r, g, b}} }

var (
	ofWater = word{light: unsaid, ground: unsaid, water: true}
	ofSnow  = word{light: unsaid, ground: unsaid, snow: true}
	ofSand  = word{light: unsaid, ground: int(dunes), tint: &rgb{214, 150, 84}}
)

// words that the sketch understands.
var words = map[string]word{
	"day":   ofLight(day),
	"sunny": ofLight(day),
	"noon":  ofLight(day),

	"sunset":  ofLight(sunset),
	"evening": ofLight(sunset),
	"dusk":    ofLight(sunset),

	"night": ofLight(night),
	"moon":  ofLight(night),
	"space": ofLight(night),
	"stars": ofLight(night),
	"dark":  ofLight(night),

	"morning": ofLight(dawn),
	"dawn":    ofLight(dawn),
	"sunrise": ofLight(dawn),
	"fog":     ofLight(dawn),

	"mountain":  ofGround(mountains),
	"mountains": ofGround(mountains),
	"castle":    ofGround(mountains),
	"dragon":    {light: sunset, ground: int(mountains)},

	"forest":   ofGround(forest),
	"tree":     ofGround(forest),
	"trees":    ofGround(forest),
	"fox":      ofGround(forest),
	"mushroom": {light: jade, ground: int(forest)},

	"city":      ofGround(city),
	"street":    ofGround(city),
	"building":  ofGround(city),
	"robot":     ofGround(city),
	"cyberpunk": {light: night, ground: int(city)},

	"desert": ofSand,
	"sand":   ofSand,

	"beach": {light: unsaid, ground: int(dunes), water: true},
	"sea":   ofWater,
	"ocean": ofWater,
	"lake":  ofWater,

	"river": ofWater,
	"ship":  ofWater,
	"water": ofWater,

	"snow":   ofSnow,
	"snowy":  ofSnow,
	"winter": ofSnow,
	"ice":    ofSnow,

	"red":    ofTint(206, 58, 48),
	"orange": ofTint(232, 132, 42),
	"yellow": ofTint(236, 204, 64),

	"green":  ofTint(62, 158, 74),
	"blue":   ofTint(52, 104, 206),
	"purple": ofTint(132, 72, 184),

	"pink":  ofTint(236, 128, 172),
	"brown": ofTint(128, 86, 54),
	"white": ofTint(236, 238, 242),
	"black": ofTint(26, 26, 32),
}

// maxRead bounds how much of a prompt is searched for words; all of it goes into the
// hash.
const maxRead = 1024 // bytes

// theme is what a prompt says.
type theme struct {
	hash          uint64
	light, ground int // or unsaid
	water, snow   bool
	tint          *rgb
}

func readTheme(prompt string) theme {
	t := theme{hash: 14695981039346656037, light: unsaid, ground: unsaid}
	for i := range len(prompt) {
		t.hash = (t.hash ^ uint64(prompt[i])) * 1099511628211 // FNV-1a
	}

	text := strings.ToLower(prompt[:min(len(prompt), maxRead)])
	for w := range strings.FieldsFuncSeq(text, func(r rune) bool { return r < 'a' || r > 'z' }) {
		said, ok := words[w]
		if !ok {
			continue
		}

		if said.light != unsaid {
			t.light = said.light
		}
		if said.ground != unsaid {
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

// scene is everything about one image but its size; lengths are parts of the image's
// height (y) or width (x).
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

// choose returns what the prompt said, or what the seed says where it is unsaid.
func choose(said, seed int) int {
	if said != unsaid {
		return said
	}
	return seed
}

// colourLand gives each layer the colour of its distance, haze at its foot.
func (sc *scene) colourLand() {
	for l := range layers {
		t := int32(256 * l / (layers - 1))
		c := mix(sc.far, sc.near, t)
		if sc.snow {
			white := rgb{238, 243, 250}
			if sc.night {
				white = rgb{134, 148, 186}
			}
			c = mix(c, white, 120+t/3)
		}

		sc.landTop[l] = c
		sc.landFoot[l] = mix(c, sc.horizonHaze(), 110-t*60>>8)
	}
}

func (sc *scene) horizonHaze() rgb { return mix(sc.light.horizon, sc.far, 90) }
