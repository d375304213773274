package v2

import (
	"net/http"

	"horde/api"
	"horde/internal/content"
	"horde/internal/horde"
	"horde/internal/server"
)

// documentRoutes declares the documents of the horde (platform §3.11).
func (a *API) documentRoutes() []server.Route {
	format := server.TextParam("format", "html or markdown.").Or(api.HTML)
	return []server.Route{
		server.Get("/api/v2/documents/terms", a.getDocument(content.Terms)).
			About("Read the terms of use", server.Agent).Query(format).Answer(api.HordeDocument{}).
			Operation("get_docs_terms", "400"),
		server.Get("/api/v2/documents/privacy", a.getDocument(content.Privacy)).
			About("Read the privacy notice", server.Agent).Query(format).Answer(api.HordeDocument{}).
			Operation("get_docs_privacy", "400"),
		server.Get("/api/v2/documents/sponsors", a.getDocument(content.Sponsors)).
			About("Read who sponsors the horde", server.Agent).Query(format).Answer(api.HordeDocument{}).
			Operation("get_docs_sponsors", "400"),
	}
}

// getDocument shows a document in the format that the query asks for
// (platform §3.11).
func (a *API) getDocument(name string) server.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		format := api.HTML
		if query := r.URL.Query(); query.Has("format") {
			format = query.Get("format")
		}
		if format != api.HTML && format != api.Markdown {
			return horde.Errorf(horde.BadRequest, "format must be html or markdown.")
		}

		page, err := a.Documents.Page(r.Context(), name)
		if err != nil {
			return err
		}

		var answer api.HordeDocument
		if format == api.Markdown {
			answer.Markdown = &page.Markdown
		} else {
			answer.HTML = &page.HTML
		}
		return server.Reply(w, r, http.StatusOK, &answer)
	}
}
