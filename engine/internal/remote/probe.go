package remote

import (
	"errors"
	"fmt"

	"horde/api"
)

// Bounds of a context, in tokens of prompt and text together.
const (
	MinContext = 128 // below there is no room for a prompt
	MaxContext = 1 << 24
)

// LikelyBytes is how many bytes a token has at least in most texts.
const LikelyBytes = 3

// ErrNoTokens is the error of a probe of a server that generates nothing.
var ErrNoTokens = errors.New("it has no tokens")

// CheckContext returns an error where a context of so many tokens cannot be used.
func CheckContext(tokens int) error {
	if tokens < MinContext || tokens > MaxContext {
		return fmt.Errorf("a context of %d tokens cannot be used", tokens)
	}
	return nil
}

// CheckOptions returns an error where a driver cannot be given such options; 0 tokens:
// the server's own.
func CheckOptions(context, slots int) error {
	if context != 0 && CheckContext(context) != nil || slots < 0 {
		return fmt.Errorf("a context of %d tokens and %d slots cannot be used", context, slots)
	}
	return nil
}

// ProbePayload asks for a few tokens, enough to tell the speed.
func ProbePayload() api.TextPayload {
	return api.TextPayload{Prompt: "Once upon a time, there was", MaxLength: 2 * minTokens}
}
