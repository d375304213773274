package server

import (
	"net/http"

	"horde/api"
)

// collectionRoutes are the lines of the routes table for collections of styles.
func (s *Server) collectionRoutes() []route {
	one, done := map[int]any{http.StatusOK: api.Collection{}}, map[int]any{http.StatusOK: api.StyleModified{}}
	const all, id = "/api/v2/collections", "/api/v2/collections/{collection_id}"
	query := []queryParam{
		{"sort", &api.Schema{Type: api.String, Description: "popular or age.", Default: "popular"}},
		{"page", &api.Schema{Type: api.Integer, Description: "Page of 25, from 1.", Default: 1}},
		{"type", &api.Schema{Type: api.String, Description: "image, text or all.", Default: "all"}},
	}
	return []route{
		{method: http.MethodGet, pattern: all, handle: s.getCollections, limits: styleRates,
			doc: &doc{summary: "List the collections of styles", agent: true, query: query, answers: map[int]any{http.StatusOK: []api.Collection{}}}},
		{method: http.MethodPost, pattern: all, handle: s.postCollection, limits: styleRates,
			doc: &doc{summary: "Make a collection of styles", agent: true, body: api.CollectionSchema, answers: done}},
		{method: http.MethodGet, pattern: id, handle: s.getCollection, limits: styleRates,
			doc: &doc{summary: "See a collection", agent: true, answers: one}},
		{method: http.MethodPatch, pattern: id, handle: s.patchCollection, limits: styleRates,
			doc: &doc{summary: "Change a collection", agent: true, body: api.CollectionPatchSchema, answers: done}},
		{method: http.MethodDelete, pattern: id, handle: s.deleteCollection, limits: styleRates,
			doc: &doc{summary: "Delete a collection", key: true, agent: true, answers: map[int]any{http.StatusOK: api.Simple{}}}},
		{method: http.MethodGet, pattern: "/api/v2/collection_by_name/{collection_name}", handle: s.getCollectionByName,
			doc: &doc{summary: "See a collection by its name", agent: true, answers: one}},
	}
}

// getCollections lists public collections (platform §3.13).
func (s *Server) getCollections(w http.ResponseWriter, r *http.Request) error {
	kind := r.URL.Query().Get("type")
	if kind == "" {
		kind = "all"
	}
	l, err := listing(r, kind)
	if err != nil {
		return err
	}
	list, err := s.Styles.Collections(r.Context(), l)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, list)
}

func (s *Server) getCollection(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Styles.Collection(r.Context(), r.PathValue("collection_id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &c)
}

func (s *Server) getCollectionByName(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Styles.CollectionNamed(r.Context(), r.PathValue("collection_name"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &c)
}

// readCollection reads a collection's body. Name and info are sanitised and lose
// a NUL that way.
func readCollection(w http.ResponseWriter, r *http.Request, schema *api.Schema) (api.CollectionInput, error) {
	in, err := decode[api.CollectionInput](w, r, schema)
	if err != nil {
		return in, err
	}
	return in, refuseNUL(&in, "name", "info")
}

// postCollection makes a collection.
func (s *Server) postCollection(w http.ResponseWriter, r *http.Request) error {
	in, err := readCollection(w, r, api.CollectionSchema)
	if err != nil {
		return err
	}
	id, err := s.Styles.CreateCollection(r.Context(), in, apiKey(r))
	return replyCollection(w, r, id, err)
}

// patchCollection changes a collection: what is absent stays.
func (s *Server) patchCollection(w http.ResponseWriter, r *http.Request) error {
	in, err := readCollection(w, r, api.CollectionPatchSchema)
	if err != nil {
		return err
	}
	id, err := s.Styles.ModifyCollection(r.Context(), r.PathValue("collection_id"), in, apiKey(r))
	return replyCollection(w, r, id, err)
}

func replyCollection(w http.ResponseWriter, r *http.Request, id string, err error) error {
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.StyleModified{ID: id, Message: "OK", Warnings: &[]api.StyleWarning{}})
}

// deleteCollection removes a collection; its styles stay.
func (s *Server) deleteCollection(w http.ResponseWriter, r *http.Request) error {
	if err := requireKey(r); err != nil {
		return err
	}
	if err := s.Styles.DeleteCollection(r.Context(), r.PathValue("collection_id"), apiKey(r)); err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Simple{Message: "OK"})
}
