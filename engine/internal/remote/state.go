package remote

import (
	"context"
	"errors"
	"strings"
	"sync"
	"unicode"

	"horde/engine"
)

// State is what a driver has learned of its server. It implements what all drivers of
// text engines have in common.
type State struct {
	mu     sync.Mutex
	closed bool                    // guarded by mu
	server string                  // the server's name of the model; guarded by mu
	models []string                // guarded by mu
	can    engine.TextCapabilities // guarded by mu

	running sync.WaitGroup // of generations
}

var errClosed = errors.New("the engine is closed")

// Models implements engine.Engine.
func (s *State) Models() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.models
}

// TextCapabilities implements engine.TextEngine.
func (s *State) TextCapabilities() engine.TextCapabilities {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.can
}

// Learn notes what a probe found: what the server calls its model, and the public name of
// it. What texts have shown of that model stays: their speed, and whether they come in one
// piece.
func (s *State) Learn(server, public string, can engine.TextCapabilities) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.server == server {
		can.Speed, can.InOnePiece = s.can.Speed, s.can.InOnePiece
	}
	s.server, s.models, s.can = server, []string{public}, can
}

// NoteInOnePiece notes whether texts come in one piece.
func (s *State) NoteInOnePiece(yes bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.can.InOnePiece = yes
}

// newestShare is the share of the newest text in the speed, 0…1.
const newestShare = 0.3

// NoteSpeed takes a text into account; 0: it says nothing.
func (s *State) NoteSpeed(tokensPerSecond float64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case tokensPerSecond <= 0:
	case s.can.Speed == 0:
		s.can.Speed = tokensPerSecond
	default:
		s.can.Speed += newestShare * (tokensPerSecond - s.can.Speed)
	}
}

// Begin starts a generation; the caller calls end when it is over. The error says that
// the engine is closed.
func (s *State) Begin(ctx context.Context) (end func(), err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, errClosed
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.running.Add(1)
	return s.running.Done, nil
}

// Close implements engine.Engine.
func (s *State) Close() error {
	s.mu.Lock()
	s.closed = true
	s.mu.Unlock()
	s.running.Wait()
	return nil
}

// maxModelName is how long a public name may be, in bytes.
const maxModelName = 100

// PublicName makes the name of a model that hordes show out of the one that a server
// gives: of a path the last part, without the ending of a file.
func PublicName(name string) string {
	name = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return -1
		}
		return r
	}, strings.ToValidUTF8(name, ""))
	name = strings.ReplaceAll(name, `\`, "/")
	if isFile := strings.HasSuffix(strings.ToLower(name), ".gguf"); isFile {
		name = name[strings.LastIndex(name, "/")+1:]
		name = name[:len(name)-len(".gguf")]
	}
	return LastBytes(strings.TrimLeft(name, "/"), maxModelName)
}
