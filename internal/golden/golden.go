// Package golden replays recorded exchanges of the AI Horde API against a server
// and compares. The recordings (*.jsonl) and their format belong to the
// specification; this package is the Go form of its replay.py and judges the same.
//
//	scenarios, err := golden.Load(dir)
//	for _, s := range scenarios {
//		t.Run(s.Name, func(t *testing.T) {
//			golden.Run(t, s, startServer(t, s.Env, s.Proxy)) // an empty server
//		})
//	}
//
// A scenario is a story: its steps run in order on a server that starts empty
// with the scenario's environment, and later steps use values captured from
// earlier answers.
package golden

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// Scenario is one recorded story.
type Scenario struct {
	Name    string
	About   string
	Section string            // of the rulebooks
	Env     map[string]string // environment that the server must be started with
	Proxy   bool              // the server must believe X-Forwarded-For from 127.0.0.1
	Steps   []Step
	// Vars are values that the steps use as ${name} besides those captured: what
	// only the player of a scenario knows. They are not part of the file.
	Vars map[string]any
}

// Step is one exchange.
type Step struct {
	Number  int               `json:"step"`
	Note    string            `json:"note"`
	Actor   string            `json:"actor"`
	Request Request           `json:"request"`
	Want    Response          `json:"response"`
	Capture map[string]string `json:"capture"` // variable → JSON pointer into the answer
	Wait    float64           `json:"wait_s"`  // seconds before sending
	Retry   float64           `json:"retry_s"` // seconds to repeat until it matches
	Every   float64           `json:"retry_every_s"`
	Until   *struct {
		Status int `json:"status"`
		Max    int `json:"max"`
	} `json:"repeat_until"`
	Intended string `json:"intended"` // why ours differs from the original, if it does
}

// Request is what is sent. At most one of JSON, Raw and Base64 is given.
type Request struct {
	Method  string
	Path    string // below the base URL, percent-encoded
	URL     string // absolute, instead of Path
	Headers map[string]any
	JSON    any // numbers are json.Number, so that they are sent as recorded
	HasJSON bool
	Raw     *string
	Base64  *string
}

// Response is what must come back.
type Response struct {
	Status  []int
	Mode    string // exact, subset, error, status
	Headers map[string]any
	Body    any
}

// UnmarshalJSON distinguishes an explicit null from no body.
func (r *Request) UnmarshalJSON(text []byte) error {
	var raw struct {
		Method, Path, URL string
		Headers           map[string]any
		JSON              json.RawMessage
		Raw, Base64       *string
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}

	*r = Request{
		Method:  raw.Method,
		Path:    raw.Path,
		URL:     raw.URL,
		Headers: raw.Headers,
		Raw:     raw.Raw,
		Base64:  raw.Base64,
	}

	// A member that is null differs from one that is absent.
	var members map[string]json.RawMessage
	if err := json.Unmarshal(text, &members); err != nil {
		return err
	}

	body, given := members["json"]
	if !given {
		return nil
	}
	var err error
	r.HasJSON = true
	r.JSON, err = decode(body)
	return err
}

// UnmarshalJSON reads the status as a number or a list.
func (rs *Response) UnmarshalJSON(text []byte) error {
	var raw struct {
		Status  json.RawMessage
		Mode    string
		Headers map[string]any
		Body    json.RawMessage
	}
	if err := json.Unmarshal(text, &raw); err != nil {
		return err
	}

	*rs = Response{Mode: raw.Mode, Headers: raw.Headers}
	if rs.Mode == "" {
		rs.Mode = "exact"
	}
	var one int
	if json.Unmarshal(raw.Status, &one) == nil {
		rs.Status = []int{one}
	} else if err := json.Unmarshal(raw.Status, &rs.Status); err != nil {
		return fmt.Errorf("status %s: %w", raw.Status, err)
	}

	if raw.Body == nil {
		return nil
	}
	var err error
	rs.Body, err = decode(raw.Body)
	return err
}

// decode parses JSON with its numbers as written.
func decode(text []byte) (any, error) {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		return nil, err
	}

	if dec.More() {
		return nil, errors.New("more than one JSON value")
	}
	return v, nil
}

// Load reads every scenario of a folder, ordered by name. The tables of prices
// (kudos-*.jsonl) are skipped.
func Load(dir string) ([]*Scenario, error) {
	paths, err := filepath.Glob(filepath.Join(dir, "*.jsonl"))
	if err != nil {
		return nil, err
	}

	sort.Strings(paths)
	var all []*Scenario
	for _, path := range paths {
		if strings.HasPrefix(filepath.Base(path), "kudos-") {
			continue
		}
		s, err := LoadFile(path)
		if err != nil {
			return nil, err
		}
		all = append(all, s)
	}

	if len(all) == 0 {
		return nil, fmt.Errorf("no scenarios (*.jsonl) in %s", dir)
	}
	return all, nil
}

// LoadFile reads one scenario.
func LoadFile(path string) (*Scenario, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	s, err := parseScenario(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return s, nil
}

// maxLine bounds a line of a recording.
const maxLine = 16 << 20 // bytes

// parseScenario reads a recording: a line about the scenario, then a line for each
// step.
func parseScenario(text []byte) (*Scenario, error) {
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, maxLine)
	var s *Scenario
	steps := 0
	for lines.Scan() {
		line := bytes.TrimSpace(lines.Bytes())
		if len(line) == 0 {
			continue
		}

		var err error
		if s == nil {
			s, steps, err = parseHead(line)
		} else {
			err = s.addStep(line)
		}
		if err != nil {
			return nil, err
		}
	}

	if err := lines.Err(); err != nil {
		return nil, err
	}
	if s == nil || s.Name == "" {
		return nil, errors.New("no scenario in it")
	}
	if len(s.Steps) != steps {
		return nil, fmt.Errorf("%d steps, but the first line says %d", len(s.Steps), steps)
	}
	return s, nil
}

// parseHead reads the first line of a recording, which says how many steps follow.
func parseHead(line []byte) (s *Scenario, steps int, err error) {
	var head struct {
		Scenario, About, Section string
		Server                   struct {
			Env   map[string]string
			Proxy bool
		}
		Steps int
	}
	if err := json.Unmarshal(line, &head); err != nil {
		return nil, 0, fmt.Errorf("first line: %w", err)
	}

	return &Scenario{
		Name:    head.Scenario,
		About:   head.About,
		Section: head.Section,
		Env:     head.Server.Env,
		Proxy:   head.Server.Proxy,
	}, head.Steps, nil
}

func (s *Scenario) addStep(line []byte) error {
	var step Step
	if err := json.Unmarshal(line, &step); err != nil {
		return fmt.Errorf("step %d: %w", len(s.Steps)+1, err)
	}
	s.Steps = append(s.Steps, step)
	return nil
}
