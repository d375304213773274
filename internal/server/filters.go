package server

import (
	"math"
	"net/http"
	"strconv"
	"strings"

	"horde/api"
	"horde/internal/server/pyjson"
)

// filterRoutes are the lines of the routes table for prompt filters. All are for
// moderators (platform §3.8).
func (s *Server) filterRoutes() []route {
	const one = "/api/v2/filters/{filter_id}"
	kind := queryParam{"filter_type", &api.Schema{Type: api.Integer, Description: "Only filters of this type."}}
	contains := queryParam{"contains", &api.Schema{Type: api.String, Description: "Only filters with this text in pattern or description."}}
	details := map[int]any{http.StatusOK: api.FilterDetails{}}
	return []route{
		{method: http.MethodGet, pattern: "/api/v2/filters", handle: s.getFilters,
			doc: &doc{summary: "List the prompt filters", key: true, agent: true, query: []queryParam{kind, contains},
				answers: map[int]any{http.StatusOK: []api.ShownFilter{}}}},
		{method: http.MethodPut, pattern: "/api/v2/filters", handle: s.putFilter,
			doc: &doc{summary: "Add a prompt filter", agent: true, body: api.PutFilterSchema,
				answers: map[int]any{http.StatusCreated: api.FilterDetails{}}}},
		{method: http.MethodPost, pattern: "/api/v2/filters", handle: s.postFilterTest,
			doc: &doc{summary: "See what the filters find in a prompt", key: true, agent: true, body: api.FilterTestSchema,
				answers: map[int]any{http.StatusOK: api.FilterPromptSuspicion{}}}},
		{method: http.MethodGet, pattern: "/api/v2/filters/regex", handle: s.getFilterRegexes,
			doc: &doc{summary: "See all patterns of each type as one", key: true, agent: true, query: []queryParam{kind},
				answers: map[int]any{http.StatusOK: []api.FilterRegex{}}}},
		{method: http.MethodGet, pattern: one, handle: s.getFilter,
			doc: &doc{summary: "See a prompt filter", key: true, agent: true, answers: map[int]any{http.StatusOK: api.ShownFilter{}}}},
		{method: http.MethodPatch, pattern: one, handle: s.patchFilter,
			doc: &doc{summary: "Change a prompt filter", agent: true, body: api.PatchFilterSchema, answers: details}},
		{method: http.MethodDelete, pattern: one, handle: s.deleteFilter,
			doc: &doc{summary: "Delete a prompt filter", key: true, agent: true, answers: map[int]any{http.StatusOK: api.Simple{}}}},
		{method: http.MethodGet, pattern: "/api/ext/v1/refused-prompts", handle: s.getRefusedPrompts,
			doc: &doc{summary: "Read the prompts that the filters refused", key: true,
				query: []queryParam{{"page", &api.Schema{Type: api.Integer, Description: "Page of 50, from 1.", Default: 1}},
					{"user", &api.Schema{Type: api.String, Description: "Whose prompts: name#id or id; default: everybody's."}}},
				answers: map[int]any{http.StatusOK: []api.RefusedPrompt{}}}},
	}
}

// filterQuery is the filter_type of a query, 0 for all, of a caller who is a
// moderator.
func (s *Server) filterQuery(r *http.Request) (int, error) {
	if err := requireKey(r); err != nil {
		return 0, err
	}
	kind, err := queryInt(r.URL.Query().Get("filter_type"), "filter_type", 0)
	if err == nil {
		_, err = s.moderator(r)
	}
	return kind, err
}

// getFilters lists the filters.
func (s *Server) getFilters(w http.ResponseWriter, r *http.Request) error {
	kind, err := s.filterQuery(r)
	if err != nil {
		return err
	}
	found, err := s.Filters.List(r.Context(), kind, r.URL.Query().Get("contains"))
	if err != nil {
		return err
	}
	list := make([]api.ShownFilter, len(found))
	for i, f := range found {
		list[i] = api.ShownFilter(f)
	}
	return reply(w, r, http.StatusOK, list)
}

// putFilter adds a filter, or shows the one that is there already.
func (s *Server) putFilter(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.PutFilter](w, r, api.PutFilterSchema)
	if err != nil {
		return err
	}
	caller, err := s.moderator(r)
	if err != nil {
		return err
	}
	if err := refuseNUL(&in); err != nil {
		return err
	}
	f, err := s.Filters.Put(r.Context(), caller.ID, in)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusCreated, &f)
}

// postFilterTest says how suspicious a prompt is.
func (s *Server) postFilterTest(w http.ResponseWriter, r *http.Request) error {
	body, err := looseObject(w, r)
	if err != nil {
		return err
	}
	if err := requireKey(r); err != nil {
		return err
	}
	prompt, ok := pyjson.Text(body, "prompt")
	if !ok {
		return invalidField("prompt", "The prompt to look at. Missing required parameter in the JSON body")
	}
	kind, err := pyjson.Int(body, "filter_type", 0)
	if err != nil {
		return err
	}
	if _, err := s.moderator(r); err != nil {
		return err
	}
	found := s.Filters.Test(prompt, int(min(max(kind, math.MinInt32), math.MaxInt32)))
	return reply(w, r, http.StatusOK, &found)
}

// getFilterRegexes shows the patterns in use, joined by type.
func (s *Server) getFilterRegexes(w http.ResponseWriter, r *http.Request) error {
	kind, err := s.filterQuery(r)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, s.Filters.Regexes(kind))
}

// getFilter shows one filter.
func (s *Server) getFilter(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.moderator(r); err != nil {
		return err
	}
	f, err := s.Filters.Filter(r.Context(), r.PathValue("filter_id"))
	if err != nil {
		return err
	}
	shown := api.ShownFilter(f)
	return reply(w, r, http.StatusOK, &shown)
}

// patchFilter changes a filter: what is absent or empty stays.
func (s *Server) patchFilter(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.PatchFilter](w, r, api.PatchFilterSchema)
	if err != nil {
		return err
	}
	caller, err := s.moderator(r)
	if err != nil {
		return err
	}
	if err := refuseNUL(&in); err != nil {
		return err
	}
	f, err := s.Filters.Modify(r.Context(), caller.ID, r.PathValue("filter_id"), in)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &f)
}

// deleteFilter removes a filter.
func (s *Server) deleteFilter(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.moderator(r); err != nil {
		return err
	}
	if err := s.Filters.Delete(r.Context(), r.PathValue("filter_id")); err != nil {
		return err
	}
	return replyOK(w, r)
}

// getRefusedPrompts lists what the filters refused, 50 a page: of all users, or
// of the one whose alias or number is given.
func (s *Server) getRefusedPrompts(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	page, err := queryInt(query.Get("page"), "page", 1)
	if err != nil {
		return err
	}
	if _, err := s.moderator(r); err != nil {
		return err
	}
	user := int64(-1)
	if text := query.Get("user"); text != "" {
		number := text[strings.LastIndexByte(text, '#')+1:]
		if user, err = strconv.ParseInt(number, 10, 64); err != nil || user < 0 {
			return invalidField("user", "is no alias (name#id) and no number of a user")
		}
	}
	list, err := s.Filters.Refused(r.Context(), user, page)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, list)
}
