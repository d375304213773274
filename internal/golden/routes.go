package golden

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Call is a method and a path that a scenario sends, captured values as "x" and
// without the query.
type Call struct {
	Method, Path string
}

func (c Call) String() string { return c.Method + " " + c.Path }

// Calls lists what a scenario needs of a server, each once, in order of first
// use. Steps that ask for an unknown route on purpose (those whose rc may be
// anything) and absolute URLs need nothing; one with a wrong method needs the path,
// which is a call of OPTIONS.
func (s *Scenario) Calls() []Call {
	var all []Call
	for _, step := range s.Steps {
		path, _, _ := strings.Cut(step.Request.Path, "?")
		c := Call{step.Request.Method, variable.ReplaceAllString(path, "x")}
		if step.wantsNoRoute() {
			if slices.Contains(step.Want.Status, http.StatusNotFound) {
				continue
			}
			c.Method = http.MethodOptions
		}

		if path == "" {
			continue
		}
		if !slices.Contains(all, c) {
			all = append(all, c)
		}
	}
	return all
}

// wantsNoRoute reports whether a step asks for an unknown route or method on purpose.
func (step Step) wantsNoRoute() bool {
	notFound := slices.Contains(step.Want.Status, http.StatusNotFound)
	if !notFound && !slices.Contains(step.Want.Status, http.StatusMethodNotAllowed) {
		return false
	}
	if step.Want.Mode == "status" {
		return true
	}
	body, _ := step.Want.Body.(map[string]any)
	rc, given := body["rc"]
	return !given || rc == "<string>"
}

// Routes lists the calls of a scenario with ids and names of the path replaced by
// {}: "GET /api/v2/users/{}". It is for people to read; Missing decides.
func (s *Scenario) Routes() []string {
	var all []string
	for _, c := range s.Calls() {
		parts := strings.Split(c.Path, "/")
		for i, part := range parts {
			if i > 0 && isValue(part) {
				parts[i] = "{}"
			}
		}
		if r := c.Method + " " + strings.Join(parts, "/"); !slices.Contains(all, r) {
			all = append(all, r)
		}
	}

	slices.Sort(all)
	return all
}

// isValue reports whether a part of a path is an id rather than a word of the route.
// Only the versions among those words have a digit.
func isValue(part string) bool {
	if part == "x" || strings.Contains(part, "%") {
		return true
	}
	version := len(part) == 2 && part[0] == 'v'
	return !version && strings.ContainsAny(part, "0123456789")
}

// Missing lists the calls of a scenario that the server at baseURL has no route
// for. It asks with OPTIONS, which a server of the API answers for every route
// with the methods in Allow, and which changes nothing.
func (s *Scenario) Missing(ctx context.Context, baseURL string) ([]Call, error) {
	client := newClient()
	defer client.CloseIdleConnections()

	var missing []Call
	for _, c := range s.Calls() {
		has, err := hasRoute(ctx, client, strings.TrimSuffix(baseURL, "/"), c)
		if err != nil {
			return nil, err
		}
		if !has {
			missing = append(missing, c)
		}
	}
	return missing, nil
}

func hasRoute(ctx context.Context, client *http.Client, base string, c Call) (bool, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodOptions, base, nil)
	if err != nil {
		return false, err
	}

	u, err := url.Parse(base)
	if err != nil {
		return false, err
	}

	u.Opaque, u.Path = c.Path, ""
	req.URL = u
	resp, err := client.Do(req)
	if err != nil {
		return false, err
	}

	resp.Body.Close()
	if c.Method == http.MethodOptions {
		return resp.StatusCode == http.StatusOK, nil
	}
	for m := range strings.SplitSeq(resp.Header.Get("Allow"), ",") {
		if strings.TrimSpace(m) == c.Method && resp.StatusCode == http.StatusOK {
			return true, nil
		}
	}
	return false, nil
}
