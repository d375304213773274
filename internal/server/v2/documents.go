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
	read := func(pattern, document, summary string) server.Route {
		return server.Get(pattern, a.getDocument(document)).
			About(summary, server.Agent).
			Query(server.TextParam("format", "html or markdown.").Or(api.HTML)).
			Answer(api.HordeDocument{})
	}
	return []server.Route{
		read("/api/v2/documents/terms", content.Terms, "Read the terms of use"),
		read("/api/v2/documents/privacy", content.Privacy, "Read the privacy notice"),
		read("/api/v2/documents/sponsors", content.Sponsors, "Read who sponsors the horde"),
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
