package server

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/style"
)

// Limits of styles and collections (platform §1.6).
var (
	styleRates = rates{
		{calls: 90, per: time.Minute, by: byPath, privileged: 300},
		{calls: 2, per: time.Second, by: byPath, privileged: 10},
	}
	rareStyleRates = rates{
		{calls: 20, per: time.Hour, by: byPath},
		{calls: 2, per: time.Second, by: byPath, privileged: 10},
	}
)

// styleRoutes are the lines of the routes table for styles.
func (s *Server) styleRoutes() []route {
	image, text := api.ImageStyle{}, api.TextStyle{}
	done, gone := map[int]any{http.StatusOK: api.StyleModified{}}, map[int]any{http.StatusOK: api.Simple{}}
	one := func(v any) map[int]any { return map[int]any{http.StatusOK: v} }
	query := []queryParam{
		{"sort", &api.Schema{Type: api.String, Description: "popular or age.", Default: "popular"}},
		{"page", &api.Schema{Type: api.Integer, Description: "Page of 25, from 1.", Default: 1}},
		{"tag", &api.Schema{Type: api.String, Description: "Only styles with this tag."}},
		{"model", &api.Schema{Type: api.String, Description: "Only styles with this model."}},
	}
	const (
		images, texts = "/api/v2/styles/image", "/api/v2/styles/text"
		imageID       = images + "/{style_id}"
		textID        = texts + "/{style_id}"
		examples      = imageID + "/example"
		exampleID     = examples + "/{example_id}"
	)
	return []route{
		{method: http.MethodGet, pattern: images, handle: s.getImageStyles, limits: styleRates,
			doc: &doc{summary: "List the image styles", agent: true, query: query, answers: one([]api.ImageStyle{})}},
		{method: http.MethodPost, pattern: images, handle: s.postStyle(style.Image, api.ImageStyleSchema), limits: styleRates,
			doc: &doc{summary: "Make an image style", agent: true, body: api.ImageStyleSchema, answers: done}},
		{method: http.MethodGet, pattern: imageID, handle: s.getImageStyle, limits: rareStyleRates,
			doc: &doc{summary: "See an image style", agent: true, answers: one(image)}},
		{method: http.MethodPatch, pattern: imageID, handle: s.patchStyle(style.Image, api.ImageStylePatchSchema), limits: rareStyleRates,
			doc: &doc{summary: "Change an image style", agent: true, body: api.ImageStylePatchSchema, answers: done}},
		{method: http.MethodDelete, pattern: imageID, handle: s.deleteStyle(style.Image), limits: rareStyleRates,
			doc: &doc{summary: "Delete an image style", key: true, agent: true, answers: gone}},
		{method: http.MethodGet, pattern: "/api/v2/styles/image_by_name/{style_name}", handle: s.getImageStyleByName,
			doc: &doc{summary: "See an image style by its name", agent: true, answers: one(image)}},
		{method: http.MethodPost, pattern: examples, handle: s.postExample, limits: styleRates,
			doc: &doc{summary: "Add an example to an image style", agent: true, body: api.StyleExampleSchema, answers: done}},
		{method: http.MethodPatch, pattern: exampleID, handle: s.patchExample,
			doc: &doc{summary: "Change an example", agent: true, body: api.StyleExampleSchema, answers: done}},
		{method: http.MethodDelete, pattern: exampleID, handle: s.deleteExample,
			doc: &doc{summary: "Delete an example", key: true, agent: true, answers: gone}},

		{method: http.MethodGet, pattern: texts, handle: s.getTextStyles, limits: rareStyleRates,
			doc: &doc{summary: "List the text styles", agent: true, query: query, answers: one([]api.TextStyle{})}},
		{method: http.MethodPost, pattern: texts, handle: s.postStyle(style.Text, api.TextStyleSchema), limits: rareStyleRates,
			doc: &doc{summary: "Make a text style", agent: true, body: api.TextStyleSchema, answers: done}},
		{method: http.MethodGet, pattern: textID, handle: s.getTextStyle, limits: styleRates,
			doc: &doc{summary: "See a text style", agent: true, answers: one(text)}},
		{method: http.MethodPatch, pattern: textID, handle: s.patchStyle(style.Text, api.TextStylePatchSchema), limits: styleRates,
			doc: &doc{summary: "Change a text style", agent: true, body: api.TextStylePatchSchema, answers: done}},
		{method: http.MethodDelete, pattern: textID, handle: s.deleteStyle(style.Text), limits: styleRates,
			doc: &doc{summary: "Delete a text style", key: true, agent: true, answers: gone}},
		{method: http.MethodGet, pattern: "/api/v2/styles/text_by_name/{style_name}", handle: s.getTextStyleByName,
			doc: &doc{summary: "See a text style by its name", agent: true, answers: one(text)}},
	}
}

// listing reads the query of a list of styles or collections.
func listing(r *http.Request, kind string) (style.Listing, error) {
	query := r.URL.Query()
	page, err := queryInt(query.Get("page"), "page", 1)
	l := style.Listing{Kind: kind, Sort: query.Get("sort"), Page: page, Tag: query.Get("tag"), Model: query.Get("model")}
	if l.Sort == "" {
		l.Sort = "popular"
	}
	return l, err
}

// getImageStyles lists public image styles (platform §3.12).
func (s *Server) getImageStyles(w http.ResponseWriter, r *http.Request) error {
	found, err := s.listStyles(r, style.Image)
	if err != nil {
		return err
	}
	list := make([]api.ImageStyle, len(found))
	for i, v := range found {
		if list[i], err = s.Styles.ImageDetails(r.Context(), v); err != nil {
			return err
		}
	}
	return reply(w, r, http.StatusOK, list)
}

// getTextStyles lists public text styles.
func (s *Server) getTextStyles(w http.ResponseWriter, r *http.Request) error {
	found, err := s.listStyles(r, style.Text)
	if err != nil {
		return err
	}
	list := make([]api.TextStyle, len(found))
	for i, v := range found {
		if list[i], err = s.Styles.TextDetails(v); err != nil {
			return err
		}
	}
	return reply(w, r, http.StatusOK, list)
}

func (s *Server) listStyles(r *http.Request, kind string) ([]*style.Style, error) {
	l, err := listing(r, kind)
	if err != nil {
		return nil, err
	}
	return s.Styles.List(r.Context(), l)
}

func (s *Server) getImageStyle(w http.ResponseWriter, r *http.Request) error {
	v, err := s.Styles.Get(r.Context(), style.Image, r.PathValue("style_id"))
	return s.replyImageStyle(w, r, v, err)
}

func (s *Server) getImageStyleByName(w http.ResponseWriter, r *http.Request) error {
	v, err := s.Styles.Named(r.Context(), style.Image, r.PathValue("style_name"))
	return s.replyImageStyle(w, r, v, err)
}

func (s *Server) replyImageStyle(w http.ResponseWriter, r *http.Request, v *style.Style, err error) error {
	if err != nil {
		return err
	}
	details, err := s.Styles.ImageDetails(r.Context(), v)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &details)
}

func (s *Server) getTextStyle(w http.ResponseWriter, r *http.Request) error {
	v, err := s.Styles.Get(r.Context(), style.Text, r.PathValue("style_id"))
	return s.replyTextStyle(w, r, v, err)
}

func (s *Server) getTextStyleByName(w http.ResponseWriter, r *http.Request) error {
	v, err := s.Styles.Named(r.Context(), style.Text, r.PathValue("style_name"))
	return s.replyTextStyle(w, r, v, err)
}

func (s *Server) replyTextStyle(w http.ResponseWriter, r *http.Request, v *style.Style, err error) error {
	if err != nil {
		return err
	}
	details, err := s.Styles.TextDetails(v)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &details)
}

// readStyle reads a style's body. Name, info and tags are sanitised and lose a
// NUL that way.
func readStyle(w http.ResponseWriter, r *http.Request, schema *api.Schema) (api.StyleInput, error) {
	in, err := decode[api.StyleInput](w, r, schema)
	if err != nil {
		return in, err
	}
	return in, refuseNUL(&in, "name", "info", "tags")
}

// postStyle makes a style of a kind.
func (s *Server) postStyle(kind string, schema *api.Schema) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := readStyle(w, r, schema)
		if err != nil {
			return err
		}
		id, warnings, err := s.Styles.Create(r.Context(), kind, in, apiKey(r))
		if err != nil {
			return err
		}
		return replyStyle(w, r, kind, id, warnings)
	}
}

// patchStyle changes a style of a kind: what is absent stays.
func (s *Server) patchStyle(kind string, schema *api.Schema) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := readStyle(w, r, schema)
		if err != nil {
			return err
		}
		id, warnings, err := s.Styles.Modify(r.Context(), kind, r.PathValue("style_id"), in, apiKey(r))
		if err != nil {
			return err
		}
		return replyStyle(w, r, kind, id, warnings)
	}
}

// replyStyle tells that a style was made or changed; text styles have no
// warnings.
func replyStyle(w http.ResponseWriter, r *http.Request, kind, id string, warnings []api.Warning) error {
	answer := api.StyleModified{ID: id, Message: "OK"}
	if kind == style.Image {
		list := make([]api.StyleWarning, len(warnings))
		for i := range warnings {
			list[i] = api.StyleWarning{Code: &warnings[i].Code, Message: &warnings[i].Message}
		}
		answer.Warnings = &list
	}
	return reply(w, r, http.StatusOK, &answer)
}

// deleteStyle removes a style of a kind.
func (s *Server) deleteStyle(kind string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := requireKey(r); err != nil {
			return err
		}
		if err := s.Styles.Delete(r.Context(), kind, r.PathValue("style_id"), apiKey(r)); err != nil {
			return err
		}
		return reply(w, r, http.StatusOK, &api.Simple{Message: "OK"})
	}
}

// postExample adds an example to an image style.
func (s *Server) postExample(w http.ResponseWriter, r *http.Request) error {
	in, err := readExample(w, r)
	if err != nil {
		return err
	}
	id, err := s.Styles.AddExample(r.Context(), r.PathValue("style_id"), in, apiKey(r))
	return replyExample(w, r, id, err)
}

// patchExample changes an example of an image style.
func (s *Server) patchExample(w http.ResponseWriter, r *http.Request) error {
	in, err := readExample(w, r)
	if err != nil {
		return err
	}
	id, err := s.Styles.ModifyExample(r.Context(), r.PathValue("style_id"), r.PathValue("example_id"), in, apiKey(r))
	return replyExample(w, r, id, err)
}

func readExample(w http.ResponseWriter, r *http.Request) (api.StyleExampleInput, error) {
	in, err := decode[api.StyleExampleInput](w, r, api.StyleExampleSchema)
	if err != nil {
		return in, err
	}
	return in, refuseNUL(&in)
}

func replyExample(w http.ResponseWriter, r *http.Request, id string, err error) error {
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.StyleModified{ID: id, Message: "OK", Warnings: &[]api.StyleWarning{{}}})
}

// deleteExample removes an example of an image style.
func (s *Server) deleteExample(w http.ResponseWriter, r *http.Request) error {
	if err := requireKey(r); err != nil {
		return err
	}
	if err := s.Styles.DeleteExample(r.Context(), r.PathValue("style_id"), r.PathValue("example_id"), apiKey(r)); err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Simple{Message: "OK"})
}
