package server

import (
	"errors"
	"strings"
	"testing"

	"horde/api"
)

// TestStreamsShareTheTextsOfEvents: an event is made once for all streams, however long
// each writes it; one that could not be made is tried again.
func TestStreamsShareTheTextsOfEvents(t *testing.T) {
	t.Parallel()
	var texts EventTexts
	made := 0
	read := func() (any, error) { made++; return map[string]int{"step": made}, nil }
	key := EventKey{Event: api.EventProgress, Job: "a", Revision: 1}

	one, two := texts.Take(key, read), texts.Take(key, read)
	if made != 1 || one != two || string(one.text) != "event: progress\ndata: {\"step\":1}\n\n" {
		t.Errorf("made %d times: %q", made, one.text)
	}
	one.Release()
	two.Release()
	texts.Take(key, read).Release()
	if made != 1 {
		t.Error("made anew for one who comes later")
	}
	key.Revision = 2
	texts.Take(key, read).Release()
	if made != 2 {
		t.Error("what has changed was not made")
	}

	key.Revision = 3
	if texts.Take(key, func() (any, error) { return nil, errors.New("broken") }) != nil {
		t.Error("a text of what could not be read")
	}
	texts.Take(key, read).Release()
	if made != 3 {
		t.Error("not tried again")
	}
}

// TestTextsUnderWayAreBounded: where streams have too much under way there is no further
// text, until one is given back.
func TestTextsUnderWayAreBounded(t *testing.T) {
	t.Parallel()
	var texts EventTexts
	large := func() (any, error) { return strings.Repeat("x", 1<<20), nil }
	var taken []*EventText
	for i := range uint64(100) {
		e := texts.Take(EventKey{Job: "a", Revision: i}, large)
		if e == nil {
			break
		}
		taken = append(taken, e)
	}
	if len(taken) != maxEventTexts>>20 {
		t.Errorf("%d texts of a MiB are under way", len(taken))
	}

	taken[0].Release()
	if e := texts.Take(EventKey{Job: "a", Revision: 1000}, large); e == nil {
		t.Error("no text though one was given back")
	} else {
		e.Release()
	}
	for _, e := range taken[1:] {
		e.Release()
	}
	if e := texts.Take(EventKey{Event: api.EventEnd}, large); e == nil {
		t.Error("no text of an end")
	} else {
		e.Release()
	}
	if texts.used != texts.idle || texts.idle > maxIdleTexts || len(texts.byKey) != texts.order.Len() {
		t.Errorf("%d bytes, %d of them idle, and %d texts are left", texts.used, texts.idle, len(texts.byKey))
	}
}
