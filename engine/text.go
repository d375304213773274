package engine

import (
	"context"
	"errors"

	"horde/api"
)

// ErrRefused is wrapped by errors of GenerateText that say that the engine cannot do this
// job, though it works: the next job may well succeed.
var ErrRefused = errors.New("the engine refuses the job")

// TextEngine generates text.
type TextEngine interface {
	Engine
	TextCapabilities() TextCapabilities
	// GenerateText generates the continuation of one prompt. It stops soon after ctx
	// ends and then returns ctx's error. A prompt that is too long is cut from the
	// left, so that there is room for the longest text.
	GenerateText(ctx context.Context, job TextJob, hooks TextHooks) (TextResult, error)
}

// TextJob is one text to generate.
type TextJob struct {
	// Model is the public name of one of the engine's Models.
	Model string
	// Payload is what the server sent. Engines clamp what lies outside their range
	// and leave out what they cannot do; they do not refuse it.
	Payload api.TextPayload
	// Seed of the sampler, below 2^31. The same job with the same seed is the same
	// text as far as the engine can do that.
	Seed uint32
}

// TextProgress is what has been generated so far. Without Tokens the engine is still
// reading the prompt.
type TextProgress struct {
	Tokens int    // generated so far
	Piece  string // what is new since the last call; valid UTF-8
}

// TextHooks are called from GenerateText's goroutine, in order; nil hooks are skipped.
// Generation waits for a hook to return.
type TextHooks struct {
	Progress func(p TextProgress)
}

// TextResult is a finished text: the concatenation of all pieces.
type TextResult struct {
	Text string // valid UTF-8, without the prompt and without Stop
	// Stop is the stop sequence that ended the text; empty where the model ended it,
	// its length did, or the engine does not say.
	Stop string
	// Tokens of the text and of the prompt as the engine counts them; 0: not known.
	Tokens, PromptTokens int
	// Ignored says what of the payload was left out or changed, and why, for logs.
	Ignored []string
}

// TextCapabilities say what an engine can hold, in the words of a pop
// (generation §2.7).
type TextCapabilities struct {
	MaxContextLength int // the most tokens of prompt and text together
	MaxLength        int // the most tokens of a text
	Slots            int // jobs at once; at least 1
	// Speed is how many tokens a second were generated for each job of late; 0: not
	// known.
	Speed float64
	// InOnePiece: a text comes whole, without progress before.
	InOnePiece bool
}
