package pocket

import (
	"encoding/json"
	"fmt"

	"horde/engine/pocket/model"
)

// tokenizer cuts a prompt into word pieces (MODEL_CARD.md, "Tokenizer").
type tokenizer struct {
	length   int // tokens of a full prompt
	maxPiece int // bytes of the longest piece, without the ## of a continuation
	first    map[string]int64
	rest     map[string]int64 // pieces that continue a word, without their ##
}

// Special token ids of the vocabulary.
const (
	tokenPad   = 0
	tokenStart = 1
)

// newTokenizer reads the embedded vocabulary.
func newTokenizer() (*tokenizer, error) {
	raw, err := model.FS.ReadFile("tokenizer.json")
	if err != nil {
		return nil, err
	}

	var vocabulary struct {
		Length int      `json:"length"`
		Pieces []string `json:"pieces"`
	}
	if err := json.Unmarshal(raw, &vocabulary); err != nil {
		return nil, fmt.Errorf("embedded tokenizer.json: %w", err)
	}

	t := &tokenizer{length: vocabulary.Length, first: map[string]int64{}, rest: map[string]int64{}}
	for id, piece := range vocabulary.Pieces {
		into := t.first
		if len(piece) > 2 && piece[:2] == "##" {
			into, piece = t.rest, piece[2:]
		}
		into[piece] = int64(id)
		t.maxPiece = max(t.maxPiece, len(piece))
	}
	return t, nil
}

// encode returns exactly length ids: the start token, the pieces of text, then
// padding. cut says that text had more pieces than fit. Its cost is bounded
// by the first pieces that fill the length and the separators before them.
func (t *tokenizer) encode(text string) (ids []int64, cut bool) {
	ids = append(make([]int64, 0, t.length+1), tokenStart)
	word := make([]byte, 0, 64)
	flush := func() {
		ids = t.pieces(ids, word)
		word = word[:0]
	}

	// A word can be read piece by piece only when it is whole; one that alone
	// would fill the prompt may be cut early, since only the first pieces count.
	longest := (t.length + 1) * t.maxPiece // bytes
	for _, r := range text {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9':
			word = append(word, byte(r))
		case 'A' <= r && r <= 'Z':
			word = append(word, byte(r-'A'+'a'))
		case r == '\u212a': // Kelvin sign: its lower case is the letter k
			word = append(word, 'k')
		case r == '\u0130': // dotted capital I: lower case is i and a combining dot
			word = append(word, 'i')
			flush()
		case r == ',':
			flush()
			word = append(word, ',')
			flush()
		default:
			flush()
		}

		if len(word) > longest {
			flush()
		}
		if len(ids) > t.length {
			break
		}
	}
	flush()

	if len(ids) > t.length {
		return ids[:t.length], true
	}
	for len(ids) < t.length {
		ids = append(ids, tokenPad)
	}
	return ids, false
}

// pieces appends the ids of one word: from the left, the longest piece of the
// vocabulary each time. It stops once ids is longer than a prompt can be.
func (t *tokenizer) pieces(ids []int64, word []byte) []int64 {
	vocabulary := t.first
	for len(word) > 0 && len(ids) <= t.length {
		end := min(len(word), t.maxPiece)
		id, ok := vocabulary[string(word[:end])]
		for !ok && end > 1 {
			end--
			id, ok = vocabulary[string(word[:end])]
		}
		// Every single character is in the vocabulary, so ok holds here.
		ids, word, vocabulary = append(ids, id), word[end:], t.rest
	}
	return ids
}
