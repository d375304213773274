package v2

import (
	"cmp"
	"net/http"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
)

// collectionRoutes declares collections of styles (platform §3.13).
func (a *API) collectionRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/collections", a.getCollections).Limit(styleRates).
			About("List the collections of styles", server.Agent).
			Query(
				server.TextParam("sort", "popular or age.").Or("popular"),
				server.IntParam("page", "Page of 25, from 1.").Or(1),
				server.TextParam("type", "image, text or all.").Or("all"),
			).Answer([]api.Collection{}).
			Operation("get_collection", ""),
		server.Post("/api/v2/collections", a.postCollection).Limit(styleRates).
			About("Make a collection of styles", server.Agent).Body(api.CollectionSchema).Answer(api.StyleModified{}).
			Operation("post_collection", "400+ 401"),
		server.Get("/api/v2/collections/{collection_id}", a.getCollection).Limit(styleRates).
			About("See a collection", server.Agent).Answer(api.Collection{}).
			Operation("get_single_collection", ""),
		server.Patch("/api/v2/collections/{collection_id}", a.patchCollection).Limit(styleRates).
			About("Change a collection", server.Agent).Body(api.CollectionPatchSchema).Answer(api.StyleModified{}).
			Operation("patch_single_collection", "400+ 401"),
		server.Delete("/api/v2/collections/{collection_id}", a.deleteCollection).Limit(styleRates).
			About("Delete a collection", server.Key, server.Agent).Answer(api.Simple{}).
			Operation("delete_single_collection", "400+ 401"),
		server.Get("/api/v2/collection_by_name/{collection_name}", a.getCollectionByName).
			About("See a collection by its name", server.Agent).Answer(api.Collection{}).
			Operation("get_single_collection_by_name", ""),
	}
}

// getCollections lists public collections (platform §3.13).
func (a *API) getCollections(w http.ResponseWriter, r *http.Request) error {
	l, err := listing(r, horde.Kind(cmp.Or(r.URL.Query().Get("type"), "all")))
	if err != nil {
		return err
	}

	list, err := a.Styles.Collections(r.Context(), l)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// getCollection shows a collection.
func (a *API) getCollection(w http.ResponseWriter, r *http.Request) error {
	c, err := a.Styles.Collection(r.Context(), r.PathValue("collection_id"))
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &c)
}

// getCollectionByName shows the collection of a name.
func (a *API) getCollectionByName(w http.ResponseWriter, r *http.Request) error {
	c, err := a.Styles.CollectionNamed(r.Context(), r.PathValue("collection_name"))
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &c)
}

// readCollection reads a collection's body. Name and info are sanitised and lose
// a NUL that way.
func readCollection(w http.ResponseWriter, r *http.Request, schema *api.Schema) (api.CollectionInput, error) {
	in, err := server.Decode[api.CollectionInput](w, r, schema)
	if err != nil {
		return in, err
	}
	return in, server.RefuseNUL(&in, "name", "info")
}

// postCollection makes a collection.
func (a *API) postCollection(w http.ResponseWriter, r *http.Request) error {
	in, err := readCollection(w, r, api.CollectionSchema)
	if err != nil {
		return err
	}
	id, err := a.Styles.CreateCollection(r.Context(), in, server.APIKey(r))
	return replyCollection(w, r, id, err)
}

// patchCollection changes a collection: what is absent stays.
func (a *API) patchCollection(w http.ResponseWriter, r *http.Request) error {
	in, err := readCollection(w, r, api.CollectionPatchSchema)
	if err != nil {
		return err
	}
	id, err := a.Styles.ModifyCollection(r.Context(), r.PathValue("collection_id"), in, server.APIKey(r))
	return replyCollection(w, r, id, err)
}

// replyCollection answers that a collection was made or changed.
func replyCollection(w http.ResponseWriter, r *http.Request, id string, err error) error {
	if err != nil {
		return err
	}
	answer := api.StyleModified{ID: id, Message: "OK", Warnings: &[]api.StyleWarning{}}
	return server.Reply(w, r, http.StatusOK, &answer)
}

// deleteCollection removes a collection; its styles stay.
func (a *API) deleteCollection(w http.ResponseWriter, r *http.Request) error {
	if err := server.RequireKey(r); err != nil {
		return err
	}
	if err := a.Styles.DeleteCollection(r.Context(), r.PathValue("collection_id"), server.APIKey(r)); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}
