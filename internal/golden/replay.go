package golden

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

const (
	maxAnswer    = 64 << 20 // bytes that are read of an answer
	maxClip      = 800      // bytes of it that a failure shows
	defaultEvery = 0.5      // seconds between two tries of a step
)

// Failure is a step that did not go as recorded.
type Failure struct {
	Step        Step
	Differences []string
	Status      int    // of the answer; 0: none came
	Answer      string // its beginning
}

func (f Failure) String() string {
	where := f.Step.Request.Path + f.Step.Request.URL
	return fmt.Sprintf("step %d %s %s — %s\n\t%s\n\tgot %d %s",
		f.Step.Number, f.Step.Request.Method, where, f.Step.Note,
		strings.Join(f.Differences, "\n\t"), f.Status, f.Answer)
}

// Run replays s against the empty server at baseURL and reports each step that
// fails. Later steps still run, as they do in replay.py.
func Run(t testing.TB, s *Scenario, baseURL string) {
	t.Helper()
	for _, f := range Replay(t.Context(), s, baseURL) {
		t.Errorf("%s: %v", s.Name, f)
	}
}

// Replay is Run without a test: the steps that failed, in order.
func Replay(ctx context.Context, s *Scenario, baseURL string) []Failure {
	p := player{base: strings.TrimSuffix(baseURL, "/"), vars: map[string]any{}, client: newClient()}
	maps.Copy(p.vars, s.Vars)
	defer p.client.CloseIdleConnections()

	var failed []Failure
	for _, step := range s.Steps {
		diffs, got := p.play(ctx, step)
		if len(diffs) > 0 {
			failed = append(failed, Failure{
				Step:        step,
				Differences: diffs,
				Status:      got.status,
				Answer:      clip(got.text, maxClip),
			})
		}
		if ctx.Err() != nil {
			break
		}
	}
	return failed
}

func newClient() *http.Client {
	return &http.Client{
		Timeout:       time.Minute,
		Transport:     &http.Transport{DisableCompression: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

type player struct {
	base   string
	vars   map[string]any
	client *http.Client
}

// answer is what came back.
type answer struct {
	status  int
	headers http.Header
	text    string
	json    any
	isJSON  bool
}

// play performs a step, again and again where it says so, and lists what differs.
func (p *player) play(ctx context.Context, step Step) ([]string, answer) {
	if err := sleep(ctx, step.Wait); err != nil {
		return []string{err.Error()}, answer{}
	}
	deadline := time.Now().Add(seconds(step.Retry))
	every := step.Every
	if every == 0 {
		every = defaultEvery
	}

	var diffs []string
	var got answer
	for tries := 1; ; tries++ {
		var err error
		if got, err = p.send(ctx, step.Request); err != nil {
			return []string{"no answer: " + err.Error()}, answer{}
		}

		if step.Until != nil && got.status != step.Until.Status && tries < step.Until.Max {
			continue
		}
		diffs = p.judge(step.Want, got)
		if len(diffs) == 0 || step.Until != nil || !time.Now().Before(deadline) || sleep(ctx, every) != nil {
			break
		}
	}

	for _, name := range slices.Sorted(maps.Keys(step.Capture)) {
		v, err := pointer(got.json, step.Capture[name])
		if err == nil {
			p.vars[name] = v
		} else if len(diffs) == 0 {
			diffs = []string{fmt.Sprintf("capture %s: %v", name, err)}
		}
	}
	return diffs, got
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

func sleep(ctx context.Context, s float64) error {
	if s <= 0 {
		return nil
	}
	timer := time.NewTimer(seconds(s))
	defer timer.Stop()

	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *player) send(ctx context.Context, r Request) (answer, error) {
	req, err := p.request(ctx, r)
	if err != nil {
		return answer{}, err
	}

	resp, err := p.client.Do(req)
	if err != nil {
		return answer{}, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return answer{}, err
	}

	a := answer{status: resp.StatusCode, headers: resp.Header, text: strings.ToValidUTF8(string(body), "\ufffd")}
	a.json, err = decode(body)
	a.isJSON = err == nil
	return a, nil
}

// request makes the request of a step. The path is sent byte for byte as recorded,
// whatever net/url makes of it.
func (p *player) request(ctx context.Context, r Request) (*http.Request, error) {
	target := p.base
	if r.URL != "" {
		target = asText(fill(r.URL, p.vars))
	}
	u, err := url.Parse(target)
	if err != nil {
		return nil, err
	}

	if r.URL == "" {
		u.Opaque, u.Path = fillPath(r.Path, p.vars), ""
	}
	body, isJSON, err := p.body(r)
	if err != nil {
		return nil, err
	}

	req, err := http.NewRequestWithContext(ctx, r.Method, p.base, body)
	if err != nil {
		return nil, err
	}

	req.URL, req.Host = u, u.Host
	for name, v := range r.Headers {
		req.Header[name] = []string{asText(fill(v, p.vars))} // in the case that was recorded
	}

	if isJSON && !hasHeader(req.Header, "Content-Type") {
		req.Header.Set("Content-Type", "application/json")
	}
	return req, nil
}

func hasHeader(h http.Header, name string) bool {
	for k := range h {
		if strings.EqualFold(k, name) {
			return true
		}
	}
	return false
}

func (p *player) body(r Request) (body io.Reader, isJSON bool, err error) {
	switch {
	case r.HasJSON:
		var buf bytes.Buffer
		enc := json.NewEncoder(&buf)
		enc.SetEscapeHTML(false)
		if err := enc.Encode(fill(r.JSON, p.vars)); err != nil {
			return nil, false, err
		}
		return bytes.NewReader(bytes.TrimSpace(buf.Bytes())), true, nil
	case r.Raw != nil:
		return strings.NewReader(asText(fill(*r.Raw, p.vars))), false, nil
	case r.Base64 != nil:
		b, err := base64.StdEncoding.DecodeString(*r.Base64)
		return bytes.NewReader(b), false, err
	}
	return nil, false, nil
}

// judge lists the differences between an answer and the recorded one.
func (p *player) judge(want Response, got answer) []string {
	var out []string
	if !slices.Contains(want.Status, got.status) {
		return []string{fmt.Sprintf("status: want %v, got %d", want.Status, got.status)}
	}
	for _, name := range sortedKeys(want.Headers) {
		v := fill(want.Headers[name], p.vars)
		values, present := got.headers[http.CanonicalHeaderKey(name)]
		switch {
		case v == nil && present:
			out = append(out, fmt.Sprintf("header %s: must be absent, got %q", name, values))
		case v == nil:
		case !present:
			out = append(out, fmt.Sprintf("header %s: missing", name))
		default:
			out = append(out, match(v, strings.Join(values, ", "), "header "+name, allMembers)...)
		}
	}

	if want.Mode == "status" {
		return out
	}
	if !got.isJSON {
		return append(out, "body: want JSON, got "+strconv.Quote(clip(got.text, 200)))
	}
	body := fill(want.Body, p.vars)
	if want.Mode == "error" {
		return append(out, matchError(body, got.json)...)
	}
	e := allMembers
	if want.Mode == "subset" {
		e = someMembers
	}
	return append(out, match(body, got.json, "", e)...)
}

var variable = regexp.MustCompile(`\$\{([A-Za-z0-9_.-]+)\}`)

// fill replaces each ${name} by its captured value: a string that is nothing but
// ${name} becomes the value itself. What was not captured stays as it is.
func fill(v any, vars map[string]any) any {
	switch v := v.(type) {
	case string:
		if m := variable.FindStringSubmatch(v); m != nil && m[0] == v {
			if value, ok := vars[m[1]]; ok {
				return value
			}
			return v
		}

		return substitute(v, vars, asText)
	case []any:
		out := make([]any, len(v))
		for i := range v {
			out[i] = fill(v[i], vars)
		}
		return out
	case map[string]any:
		out := make(map[string]any, len(v))
		for k, member := range v {
			out[asText(fill(k, vars))] = fill(member, vars)
		}
		return out
	}
	return v
}

func fillPath(path string, vars map[string]any) string {
	return substitute(path, vars, func(v any) string { return quote(asText(v)) })
}

func substitute(s string, vars map[string]any, write func(any) string) string {
	return variable.ReplaceAllStringFunc(s, func(found string) string {
		if v, ok := vars[found[2:len(found)-1]]; ok {
			return write(v)
		}
		return write(found)
	})
}

// quote percent-encodes everything but letters, digits, "_.-~" and "%".
func quote(s string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if c >= '0' && c <= '9' || c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || strings.IndexByte("_.-~%", c) >= 0 {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// asText is a value inside a string, as Python would write it there.
func asText(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case json.Number:
		return string(v)
	case nil:
		return "None"
	case bool:
		if v {
			return "True"
		}
		return "False"
	}
	return fmt.Sprint(v)
}

// pointer finds a value by JSON pointer.
func pointer(doc any, ptr string) (any, error) {
	missing := errors.New("nothing at " + ptr)
	for part := range strings.SplitSeq(ptr, "/") {
		if part == "" {
			continue
		}

		switch d := doc.(type) {
		case []any:
			i, err := strconv.Atoi(part)
			if err != nil || i < 0 || i >= len(d) {
				return nil, missing
			}
			doc = d[i]
		case map[string]any:
			v, ok := d[part]
			if !ok {
				return nil, missing
			}
			doc = v
		default:
			return nil, missing
		}
	}
	return doc, nil
}

func clip(s string, n int) string {
	if len(s) > n {
		return strings.ToValidUTF8(s[:n], "") + "…"
	}
	return s
}
