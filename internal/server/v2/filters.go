package v2

import (
	"fmt"
	"math"
	"net/http"

	"horde/api"
	"horde/internal/account"
	"horde/internal/server"
	"horde/internal/server/pyjson"
)

// filterRoutes declares the prompt filters. All are for moderators (platform §3.8).
func (a *API) filterRoutes() []server.Route {
	ofType := server.IntParam("filter_type", "Only filters of this type.")

	return []server.Route{
		server.Get("/api/v2/filters", a.getFilters).
			About("List the prompt filters", server.Key, server.Agent).
			Query(ofType, server.TextParam("contains", "Only filters with this text in pattern or description.")).
			Answer([]api.ShownFilter{}).
			Operation("get_filters", "400 401 403"),
		server.Put("/api/v2/filters", a.putFilter).
			About("Add a prompt filter", server.Agent).Body(api.PutFilterSchema).
			AnswerWith(http.StatusCreated, api.FilterDetails{}).
			Operation("put_filters", "400 401 403"),
		server.Post("/api/v2/filters", a.postFilterTest).
			About("See what the filters find in a prompt", server.Key, server.Agent).
			Body(api.FilterTestSchema).Answer(api.FilterPromptSuspicion{}).
			Operation("post_filters", "400 401 403"),
		server.Get("/api/v2/filters/regex", a.getFilterRegexes).
			About("See all patterns of each type as one", server.Key, server.Agent).
			Query(ofType).Answer([]api.FilterRegex{}).
			Operation("get_filter_regex", "400 401 403"),
		server.Get("/api/v2/filters/{filter_id}", a.getFilter).
			About("See a prompt filter", server.Key, server.Agent).Answer(api.ShownFilter{}).
			Operation("get_filter_single", "400 401 403"),
		server.Patch("/api/v2/filters/{filter_id}", a.patchFilter).
			About("Change a prompt filter", server.Agent).Body(api.PatchFilterSchema).Answer(api.FilterDetails{}).
			Operation("patch_filter_single", "400 401 403"),
		server.Delete("/api/v2/filters/{filter_id}", a.deleteFilter).
			About("Delete a prompt filter", server.Key, server.Agent).Answer(api.Simple{}).
			Operation("delete_filter_single", "400 401 403"),
	}
}

// filterQuery is the filter_type of a query, 0 for all, of a caller who is a
// moderator.
func (a *API) filterQuery(r *http.Request) (int, error) {
	if err := server.RequireKey(r); err != nil {
		return 0, err
	}

	kind, err := server.QueryInt(r.URL.Query().Get("filter_type"), "filter_type", 0)
	if err == nil {
		_, err = a.Moderator(r)
	}
	return kind, err
}

// getFilters lists the filters.
func (a *API) getFilters(w http.ResponseWriter, r *http.Request) error {
	kind, err := a.filterQuery(r)
	if err != nil {
		return err
	}

	found, err := a.Filters.List(r.Context(), kind, r.URL.Query().Get("contains"))
	if err != nil {
		return err
	}

	list := make([]api.ShownFilter, len(found))
	for i, f := range found {
		list[i] = api.ShownFilter(f)
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// putFilter adds a filter, or shows the one that is there already.
func (a *API) putFilter(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.PutFilter](w, r, api.PutFilterSchema)
	if err != nil {
		return err
	}
	caller, err := a.Moderator(r)
	if err != nil {
		return err
	}
	if err := server.RefuseNUL(&in); err != nil {
		return err
	}

	f, err := a.Filters.Put(r.Context(), caller.ID, in)
	if err != nil {
		return err
	}
	if err := a.recordFilter(r, caller, "filter added", f); err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusCreated, &f)
}

// postFilterTest says how suspicious a prompt is.
func (a *API) postFilterTest(w http.ResponseWriter, r *http.Request) error {
	body, err := server.LenientObject(w, r)
	if err != nil {
		return err
	}
	if err := server.RequireKey(r); err != nil {
		return err
	}

	prompt, ok := pyjson.Text(body, "prompt")
	if !ok {
		return server.InvalidField("prompt", "The prompt to look at. Missing required parameter in the JSON body")
	}
	kind, err := pyjson.Int(body, "filter_type", 0)
	if err != nil {
		return err
	}
	if _, err := a.Moderator(r); err != nil {
		return err
	}

	found := a.Filters.Test(prompt, int(min(max(kind, math.MinInt32), math.MaxInt32)))
	return server.Reply(w, r, http.StatusOK, &found)
}

// getFilterRegexes shows the patterns in use, joined by type.
func (a *API) getFilterRegexes(w http.ResponseWriter, r *http.Request) error {
	kind, err := a.filterQuery(r)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, a.Filters.Regexes(kind))
}

// getFilter shows one filter.
func (a *API) getFilter(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.Moderator(r); err != nil {
		return err
	}
	f, err := a.Filters.Filter(r.Context(), r.PathValue("filter_id"))
	if err != nil {
		return err
	}
	shown := api.ShownFilter(f)
	return server.Reply(w, r, http.StatusOK, &shown)
}

// patchFilter changes a filter: what is absent or empty stays.
func (a *API) patchFilter(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.PatchFilter](w, r, api.PatchFilterSchema)
	if err != nil {
		return err
	}
	caller, err := a.Moderator(r)
	if err != nil {
		return err
	}
	if err := server.RefuseNUL(&in); err != nil {
		return err
	}

	f, err := a.Filters.Modify(r.Context(), caller.ID, r.PathValue("filter_id"), in)
	if err != nil {
		return err
	}
	if err := a.recordFilter(r, caller, "filter changed", f); err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &f)
}

// deleteFilter removes a filter.
func (a *API) deleteFilter(w http.ResponseWriter, r *http.Request) error {
	caller, err := a.Moderator(r)
	if err != nil {
		return err
	}
	id := r.PathValue("filter_id")
	if err := a.Filters.Delete(r.Context(), id); err != nil {
		return err
	}
	done := account.Act{By: caller, Action: "filter deleted", Target: "filter " + id}
	if err := a.Accounts.Record(r.Context(), done); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}

// recordFilter keeps what a moderator did to a filter.
func (a *API) recordFilter(r *http.Request, by *account.User, action string, f api.FilterDetails) error {
	return a.Accounts.Record(r.Context(), account.Act{
		By:     by,
		Action: action,
		Target: fmt.Sprintf("filter %s", f.ID),
		Detail: fmt.Sprintf("type %d: %s", f.FilterType, f.Regex),
	})
}
