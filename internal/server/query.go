package server

import (
	"errors"
	"strconv"

	"horde/internal/server/pyjson"
)

// QueryInt reads a whole number from the query string, as the argument parser does;
// absent when the text is empty.
func QueryInt(text, name string, absent int) (int, error) {
	if text == "" {
		return absent, nil
	}

	n, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrRange) {
		return n, nil // the nearest number; whoever uses it has bounds of its own
	}
	if err != nil {
		return 0, pyjson.NotInt(name, text)
	}
	return n, nil
}
