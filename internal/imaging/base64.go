package imaging

import (
	"context"
	"encoding/base64"
	"fmt"
	"image"
	"strings"
)

// Base64 decodes an image's file as clients send it: plain base64, in either
// alphabet, with or without padding, line breaks or a "data:…;base64," prefix.
// More than lim.MaxBytes bytes give ErrTooManyBytes, anything else that is no
// base64 ErrUnreadable.
func Base64(s string, lim Limits) ([]byte, error) {
	lim = lim.orDefault()
	if strings.HasPrefix(s, "data:") {
		head, rest, ok := strings.Cut(s, ",")
		if !ok || !strings.HasSuffix(head, ";base64") {
			return nil, fmt.Errorf("%w: a data: URL without base64", ErrUnreadable)
		}
		s = rest
	}

	// An eighth more than the encoding needs leaves room for line breaks.
	if room := lim.MaxBytes/3*4 + 8; len(s) > room+room/8 {
		return nil, fmt.Errorf("%w: %d characters of base64, at most %d bytes", ErrTooManyBytes, len(s), lim.MaxBytes)
	}

	// Translate the URL-safe alphabet and drop line breaks, so that one decoder reads it all.
	b := make([]byte, 0, len(s))
	padded := false
	for i := range len(s) {
		switch c := s[i]; {
		case c == '\n' || c == '\r' || c == ' ' || c == '\t':
		case c == '=':
			padded = true
		case padded:
			return nil, fmt.Errorf("%w: base64 goes on after its padding", ErrUnreadable)
		case c == '-':
			b = append(b, '+')
		case c == '_':
			b = append(b, '/')
		default:
			b = append(b, c)
		}
	}

	// Decoding in place is safe: the decoder never writes ahead of its reading.
	n, err := base64.RawStdEncoding.Decode(b, b)
	if err != nil {
		return nil, fmt.Errorf("%w: %v", ErrUnreadable, err)
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: it is empty", ErrUnreadable)
	}
	if n > lim.MaxBytes {
		return nil, fmt.Errorf("%w: %d, at most %d", ErrTooManyBytes, n, lim.MaxBytes)
	}
	return b[:n], nil
}

// DecodeBase64 is Base64 and then Decode.
func DecodeBase64(ctx context.Context, s string, lim Limits) (img image.Image, format string, err error) {
	data, err := Base64(s, lim)
	if err != nil {
		return nil, "", err
	}
	return Decode(ctx, data, lim)
}
