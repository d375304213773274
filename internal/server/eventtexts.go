package server

import (
	"bytes"
	"container/list"
	"encoding/json"
	"fmt"
	"sync"
)

// Bounds of the texts of events.
const (
	maxEventTexts = 32 << 20 // bytes that streams have under way
	maxIdleTexts  = 8 << 20  // bytes kept for streams that come to the same event later
	textMakers    = 2        // texts that are made at a time
)

// EventKey is what an event tells: texts of the same key are the same.
type EventKey struct {
	Event    string // api.EventProgress and others
	Named    bool   // the data names the request
	Request  string
	Job      string // "": the event is about the whole request
	Revision uint64 // of what it tells
}

// EventTexts holds the texts of events that streams have under way. Streams that tell the
// same share one, however slowly each is read, and all together have a bound. The zero
// EventTexts is empty and ready for use.
type EventTexts struct {
	mu     sync.Mutex
	makers chan struct{}           // has a place for each that makes a text; guarded by mu
	used   int64                   // bytes; guarded by mu
	idle   int64                   // bytes of those that nobody writes; guarded by mu
	order  list.List               // of *EventText that nobody writes, oldest first; guarded by mu
	byKey  map[EventKey]*EventText // guarded by mu
}

// EventText is the text of an event, with its name.
type EventText struct {
	home  *EventTexts
	key   EventKey
	once  sync.Once
	text  []byte        // nil: there was no room for it, or it could not be made
	users int           // guarded by home.mu
	place *list.Element // among those that nobody writes; nil: somebody does; guarded by home.mu
}

// Take returns the text of an event, made of the data that read returns unless it is there
// already. It returns nil where too much is under way or read fails: the caller tries
// again later. Whoever gets a text gives it back by Release.
func (t *EventTexts) Take(key EventKey, read func() (any, error)) *EventText {
	e, makers := t.enter(key)
	e.once.Do(func() {
		makers <- struct{}{}
		defer func() { <-makers }()
		if !t.hasRoom() {
			return
		}

		if data, err := read(); err == nil {
			e.text = eventText(key.Event, data)
			t.mu.Lock()
			t.used += int64(len(e.text))
			t.mu.Unlock()
		}
	})

	if e.text == nil {
		e.Release()
		return nil
	}
	return e
}

// enter returns the place of a text, with one more user.
func (t *EventTexts) enter(key EventKey) (*EventText, chan struct{}) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.byKey == nil {
		t.byKey, t.makers = map[EventKey]*EventText{}, make(chan struct{}, textMakers)
	}

	e := t.byKey[key]
	if e == nil {
		e = &EventText{home: t, key: key}
		t.byKey[key] = e
	}
	e.users++
	if e.place != nil {
		t.order.Remove(e.place)
		e.place = nil
		t.idle -= int64(len(e.text))
	}
	return e, t.makers
}

// hasRoom reports whether one more text may be made. Those that nobody writes give way.
func (t *EventTexts) hasRoom() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	for t.used >= maxEventTexts && t.order.Len() > 0 {
		t.dropLocked()
	}
	return t.used < maxEventTexts
}

// dropLocked forgets the oldest text that nobody writes.
func (t *EventTexts) dropLocked() {
	e := t.order.Remove(t.order.Front()).(*EventText)
	t.idle -= int64(len(e.text))
	t.used -= int64(len(e.text))
	delete(t.byKey, e.key)
}

// Release gives a text back. Those about jobs are kept for streams that come later; what is
// about whole requests holds links, which go out of date.
func (e *EventText) Release() {
	t := e.home
	t.mu.Lock()
	defer t.mu.Unlock()
	if e.users--; e.users > 0 {
		return
	}
	if e.text == nil || e.key.Job == "" {
		t.used -= int64(len(e.text))
		delete(t.byKey, e.key)
		return
	}

	e.place = t.order.PushBack(e)
	t.idle += int64(len(e.text))
	for t.idle > maxIdleTexts {
		t.dropLocked()
	}
}

// eventText is an event whose data is v as JSON in one line.
func eventText(event string, v any) []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "event: %s\ndata: ", event)
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) != nil {
		b.WriteString("{}\n") // our own plain structs always marshal
	}
	b.WriteByte('\n')
	return bytes.Clone(b.Bytes()) // the buffer may be twice as large
}
