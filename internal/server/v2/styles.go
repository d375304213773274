package v2

import (
	"cmp"
	"net/http"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
	"horde/internal/style"
)

// Limits of styles and collections (platform §1.6).
var (
	styleRates = server.Rates{
		{Calls: 90, Per: time.Minute, By: server.ByPath, Privileged: 300},
		{Calls: 2, Per: time.Second, By: server.ByPath, Privileged: 10},
	}
	rareStyleRates = server.Rates{
		{Calls: 20, Per: time.Hour, By: server.ByPath},
		{Calls: 2, Per: time.Second, By: server.ByPath, Privileged: 10},
	}
)

// stylesQuery are the parameters of the lists of styles.
var stylesQuery = []server.Param{
	server.TextParam("sort", "popular or age.").Or("popular"),
	server.IntParam("page", "Page of 25, from 1.").Or(1),
	server.TextParam("tag", "Only styles with this tag."),
	server.TextParam("model", "Only styles with this model."),
}

// styleRoutes declares styles and their examples (platform §3.12).
func (a *API) styleRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/styles/image", a.getImageStyles).Limit(styleRates).
			About("List the image styles", server.Agent).Query(stylesQuery...).Answer([]api.ImageStyle{}).
			Operation("get_image_style", ""),
		server.Post("/api/v2/styles/image", a.postStyle(horde.KindImage, api.ImageStyleSchema)).Limit(styleRates).
			About("Make an image style", server.Agent).Body(api.ImageStyleSchema).Answer(api.StyleModified{}).
			Operation("post_image_style", "400+ 401"),
		server.Get("/api/v2/styles/image/{style_id}", a.getImageStyle).Limit(rareStyleRates).
			About("See an image style", server.Agent).Answer(api.ImageStyle{}).
			Operation("get_single_image_style", ""),
		server.Patch("/api/v2/styles/image/{style_id}", a.patchStyle(horde.KindImage, api.ImageStylePatchSchema)).
			Limit(rareStyleRates).
			About("Change an image style", server.Agent).Body(api.ImageStylePatchSchema).Answer(api.StyleModified{}).
			Operation("patch_single_image_style", "400+ 401"),
		server.Delete("/api/v2/styles/image/{style_id}", a.deleteStyle(horde.KindImage)).Limit(rareStyleRates).
			About("Delete an image style", server.Key, server.Agent).Answer(api.Simple{}).
			Operation("delete_single_image_style", "400+ 401"),
		server.Get("/api/v2/styles/image_by_name/{style_name}", a.getImageStyleByName).
			About("See an image style by its name", server.Agent).Answer(api.ImageStyle{}).
			Operation("get_single_image_style_by_name", ""),

		server.Post("/api/v2/styles/image/{style_id}/example", a.postExample).Limit(styleRates).
			About("Add an example to an image style", server.Agent).Body(api.StyleExampleSchema).Answer(api.StyleModified{}).
			Operation("post_image_style_example", "400+ 401"),
		server.Patch("/api/v2/styles/image/{style_id}/example/{example_id}", a.patchExample).
			About("Change an example", server.Agent).Body(api.StyleExampleSchema).Answer(api.StyleModified{}).
			Operation("patch_single_image_style_example", "400+ 401"),
		server.Delete("/api/v2/styles/image/{style_id}/example/{example_id}", a.deleteExample).
			About("Delete an example", server.Key, server.Agent).Answer(api.Simple{}).
			Operation("delete_single_image_style_example", "400+ 401"),

		server.Get("/api/v2/styles/text", a.getTextStyles).Limit(rareStyleRates).
			About("List the text styles", server.Agent).Query(stylesQuery...).Answer([]api.TextStyle{}).
			Operation("get_text_style", ""),
		server.Post("/api/v2/styles/text", a.postStyle(horde.KindText, api.TextStyleSchema)).Limit(rareStyleRates).
			About("Make a text style", server.Agent).Body(api.TextStyleSchema).Answer(api.StyleModified{}).
			Operation("post_text_style", "400+ 401"),
		server.Get("/api/v2/styles/text/{style_id}", a.getTextStyle).Limit(styleRates).
			About("See a text style", server.Agent).Answer(api.TextStyle{}).
			Operation("get_single_text_style", ""),
		server.Patch("/api/v2/styles/text/{style_id}", a.patchStyle(horde.KindText, api.TextStylePatchSchema)).
			Limit(styleRates).
			About("Change a text style", server.Agent).Body(api.TextStylePatchSchema).Answer(api.StyleModified{}).
			Operation("patch_single_text_style", "400+ 401"),
		server.Delete("/api/v2/styles/text/{style_id}", a.deleteStyle(horde.KindText)).Limit(styleRates).
			About("Delete a text style", server.Key, server.Agent).Answer(api.Simple{}).
			Operation("delete_single_text_style", "400+ 401"),
		server.Get("/api/v2/styles/text_by_name/{style_name}", a.getTextStyleByName).
			About("See a text style by its name", server.Agent).Answer(api.TextStyle{}).
			Operation("get_single_image_style_by_name", ""),
	}
}

// listing reads the query of a list of styles or collections.
func listing(r *http.Request, kind horde.Kind) (style.Listing, error) {
	query := r.URL.Query()
	page, err := server.QueryInt(query.Get("page"), "page", 1)
	return style.Listing{
		Kind:  kind,
		Sort:  cmp.Or(query.Get("sort"), "popular"),
		Page:  page,
		Tag:   query.Get("tag"),
		Model: query.Get("model"),
	}, err
}

// getImageStyles lists public image styles (platform §3.12).
func (a *API) getImageStyles(w http.ResponseWriter, r *http.Request) error {
	found, err := a.listStyles(r, horde.KindImage)
	if err != nil {
		return err
	}

	list := make([]api.ImageStyle, len(found))
	for i, v := range found {
		if list[i], err = a.Styles.ImageDetails(r.Context(), v); err != nil {
			return err
		}
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// getTextStyles lists public text styles.
func (a *API) getTextStyles(w http.ResponseWriter, r *http.Request) error {
	found, err := a.listStyles(r, horde.KindText)
	if err != nil {
		return err
	}

	list := make([]api.TextStyle, len(found))
	for i, v := range found {
		if list[i], err = a.Styles.TextDetails(v); err != nil {
			return err
		}
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// listStyles finds the styles of a kind that a call asks for.
func (a *API) listStyles(r *http.Request, kind horde.Kind) ([]*style.Style, error) {
	l, err := listing(r, kind)
	if err != nil {
		return nil, err
	}
	return a.Styles.List(r.Context(), l)
}

// getImageStyle shows an image style.
func (a *API) getImageStyle(w http.ResponseWriter, r *http.Request) error {
	v, err := a.Styles.Get(r.Context(), horde.KindImage, r.PathValue("style_id"))
	return a.replyImageStyle(w, r, v, err)
}

// getImageStyleByName shows the image style of a name.
func (a *API) getImageStyleByName(w http.ResponseWriter, r *http.Request) error {
	v, err := a.Styles.Named(r.Context(), horde.KindImage, r.PathValue("style_name"))
	return a.replyImageStyle(w, r, v, err)
}

// replyImageStyle answers with an image style.
func (a *API) replyImageStyle(w http.ResponseWriter, r *http.Request, v *style.Style, err error) error {
	if err != nil {
		return err
	}
	details, err := a.Styles.ImageDetails(r.Context(), v)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &details)
}

// getTextStyle shows a text style.
func (a *API) getTextStyle(w http.ResponseWriter, r *http.Request) error {
	v, err := a.Styles.Get(r.Context(), horde.KindText, r.PathValue("style_id"))
	return a.replyTextStyle(w, r, v, err)
}

// getTextStyleByName shows the text style of a name.
func (a *API) getTextStyleByName(w http.ResponseWriter, r *http.Request) error {
	v, err := a.Styles.Named(r.Context(), horde.KindText, r.PathValue("style_name"))
	return a.replyTextStyle(w, r, v, err)
}

// replyTextStyle answers with a text style.
func (a *API) replyTextStyle(w http.ResponseWriter, r *http.Request, v *style.Style, err error) error {
	if err != nil {
		return err
	}
	details, err := a.Styles.TextDetails(v)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &details)
}

// readStyle reads a style's body. Name, info and tags are sanitised and lose a
// NUL that way.
func readStyle(w http.ResponseWriter, r *http.Request, schema *api.Schema) (api.StyleInput, error) {
	in, err := server.Decode[api.StyleInput](w, r, schema)
	if err != nil {
		return in, err
	}
	return in, server.RefuseNUL(&in, "name", "info", "tags")
}

// postStyle makes a style of a kind.
func (a *API) postStyle(kind horde.Kind, schema *api.Schema) server.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := readStyle(w, r, schema)
		if err != nil {
			return err
		}
		id, warnings, err := a.Styles.Create(r.Context(), kind, in, server.APIKey(r))
		if err != nil {
			return err
		}
		return replyStyle(w, r, kind, id, warnings)
	}
}

// patchStyle changes a style of a kind: what is absent stays.
func (a *API) patchStyle(kind horde.Kind, schema *api.Schema) server.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		in, err := readStyle(w, r, schema)
		if err != nil {
			return err
		}
		id, warnings, err := a.Styles.Modify(r.Context(), kind, r.PathValue("style_id"), in, server.APIKey(r))
		if err != nil {
			return err
		}
		return replyStyle(w, r, kind, id, warnings)
	}
}

// replyStyle answers that a style was made or changed; text styles have no warnings.
func replyStyle(w http.ResponseWriter, r *http.Request, kind horde.Kind, id string, warnings []api.Warning) error {
	answer := api.StyleModified{ID: id, Message: "OK"}
	if kind == horde.KindImage {
		list := make([]api.StyleWarning, len(warnings))
		for i := range warnings {
			list[i] = api.StyleWarning{Code: &warnings[i].Code, Message: &warnings[i].Message}
		}
		answer.Warnings = &list
	}
	return server.Reply(w, r, http.StatusOK, &answer)
}

// deleteStyle removes a style of a kind.
func (a *API) deleteStyle(kind horde.Kind) server.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		if err := server.RequireKey(r); err != nil {
			return err
		}
		if err := a.Styles.Delete(r.Context(), kind, r.PathValue("style_id"), server.APIKey(r)); err != nil {
			return err
		}
		return server.ReplyOK(w, r)
	}
}

// postExample adds an example to an image style.
func (a *API) postExample(w http.ResponseWriter, r *http.Request) error {
	in, err := readExample(w, r)
	if err != nil {
		return err
	}
	id, err := a.Styles.AddExample(r.Context(), r.PathValue("style_id"), in, server.APIKey(r))
	return replyExample(w, r, id, err)
}

// patchExample changes an example of an image style.
func (a *API) patchExample(w http.ResponseWriter, r *http.Request) error {
	in, err := readExample(w, r)
	if err != nil {
		return err
	}
	style, example := r.PathValue("style_id"), r.PathValue("example_id")
	id, err := a.Styles.ModifyExample(r.Context(), style, example, in, server.APIKey(r))
	return replyExample(w, r, id, err)
}

// readExample reads the body of an example.
func readExample(w http.ResponseWriter, r *http.Request) (api.StyleExampleInput, error) {
	in, err := server.Decode[api.StyleExampleInput](w, r, api.StyleExampleSchema)
	if err != nil {
		return in, err
	}
	return in, server.RefuseNUL(&in)
}

// replyExample answers that an example was added or changed, with one empty warning as
// the original does.
func replyExample(w http.ResponseWriter, r *http.Request, id string, err error) error {
	if err != nil {
		return err
	}
	answer := api.StyleModified{ID: id, Message: "OK", Warnings: &[]api.StyleWarning{{}}}
	return server.Reply(w, r, http.StatusOK, &answer)
}

// deleteExample removes an example of an image style.
func (a *API) deleteExample(w http.ResponseWriter, r *http.Request) error {
	if err := server.RequireKey(r); err != nil {
		return err
	}
	style, example := r.PathValue("style_id"), r.PathValue("example_id")
	if err := a.Styles.DeleteExample(r.Context(), style, example, server.APIKey(r)); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}
