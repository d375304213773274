package pocket

import "context"

// Shapes of the networks (MODEL_CARD.md, "Architecture").
const (
	side      = 128            // pixels: the denoiser's image is side × side
	plane     = side * side    // values of one colour of it
	values    = 3 * plane      // values of one image, planes R, G, B
	tokens    = 40             // ids of a prompt
	textWidth = 256            // values of one token's embedding
	enlarge   = 4              // the upscaler's factor
	natural   = side * enlarge // pixels: side of the upscaler's image
)

// networks are the three loaded networks. Their methods may be called from
// several goroutines.
type networks interface {
	// newTensors makes room for one image at a time.
	newTensors() (tensors, error)
	// variant loads a network of the same shape as the one with this name, with
	// other weights (see mergedGraph). It may be closed when no tensors use it.
	variant(name string, graph []byte) (session, error)
	close() error
}

// Names of the networks, which are those of their files.
const (
	textEncoder = "text_encoder"
	denoiser    = "denoiser"
	upscaler    = "upscaler"
)

// session is one loaded network.
type session interface {
	close() error
}

// tensors are all tensors of one image in the making; they are reused from step to
// step and image to image. One goroutine uses them at a time.
type tensors interface {
	// begin ties the following runs to ctx: they fail soon after it ends. The
	// returned function unties them and must be called.
	begin(ctx context.Context) (end func(), err error)
	// use sets the networks of the following runs; nil: the plain one.
	use(text, denoiser session)
	// encode runs the text encoder on tokens ids each.
	encode(prompt, negative []int64) error
	// pooled is the encoder's summary of the prompt, textWidth values.
	pooled() []float32
	// noisy is the image being denoised, values long, −σ…σ around −1…1; the
	// caller changes it in place.
	noisy() []float32
	// denoise estimates the clean image behind noisy at noise level sigma, for
	// the prompt and, if guided, for the negative prompt (else nil). Both are
	// valid until the next call and may be changed.
	denoise(sigma float64, guided bool) (prompt, negative []float32, err error)
	// upscale enlarges low, planes of w × h values in −1…1, enlarge times. The
	// result is valid until the next call with the same size and may be changed.
	upscale(low []float32, w, h int) ([]float32, error)
	close()
}
