package v2

import (
	"cmp"
	"math"
	"net/http"
	"net/url"
	"slices"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
)

// modelRoutes declares what can be asked of the models in use (platform §3.9).
func (a *API) modelRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/status/models", a.getModels).
			About("List the models in use", server.Agent).
			Query(
				server.TextParam("type", "image or text.").Or("image"),
				server.IntParam("min_count", "Only models with at least so many threads."),
				server.IntParam("max_count", "Only models with at most so many threads."),
				server.TextParam("model_state", "known, custom or all.").Or("all"),
			).Answer([]api.ActiveModel{}).
			Operation("get_models", "400"),
		server.Get("/api/v2/status/models/{model_name}", a.getModel).
			About("See one model in use", server.Agent).Answer([]api.ActiveModel{}).
			Operation("get_model_single", ""),
	}
}

// getModels lists the models that are served or waited for.
func (a *API) getModels(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	kind := cmp.Or(query.Get("type"), "image")
	state := query.Get("model_state")
	if state != "" && state != "all" && state != "known" && state != "custom" {
		return horde.Errorf(horde.BadRequest, "model_state must be all, known or custom.")
	}

	low, err := server.QueryInt(query.Get("min_count"), "min_count", 0)
	if err != nil {
		return err
	}
	high, err := server.QueryInt(query.Get("max_count"), "max_count", math.MaxInt)
	if err != nil {
		return err
	}

	list, err := a.Queue.Models(r.Context(), horde.Kind(kind))
	if err != nil {
		return err
	}

	snapshot := a.Catalog.Snapshot()
	known := snapshot.KnownImage
	if kind == "text" {
		known = snapshot.KnownText
	}

	list = slices.DeleteFunc(list, func(m api.ActiveModel) bool {
		is := known(m.Name)
		return m.Count < low || m.Count > high || state == "known" && !is || state == "custom" && is
	})
	return server.ReplyList(w, r, slices.Values(list))
}

// getModel shows one model, in a list of at most one. A name with a slash is
// encoded twice by clients, so that it stays one part of the path.
func (a *API) getModel(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("model_name")
	if once, err := url.PathUnescape(name); err == nil {
		name = once
	}

	list, err := a.Queue.Model(r.Context(), name)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, list)
}
