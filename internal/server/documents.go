package server

import (
	"html/template"
	"net/http"

	"horde/api"
	"horde/internal/content"
	"horde/internal/horde"
	"horde/web"
)

// documentRoutes are the lines of the routes table for the documents of the horde.
func (s *Server) documentRoutes() []route {
	format := []queryParam{{"format", &api.Schema{Type: api.String, Description: "html or markdown.", Default: api.HTML}}}
	answers := map[int]any{http.StatusOK: api.HordeDocument{}}
	read := func(name, summary string) route {
		return route{
			method: http.MethodGet, pattern: "/api/v2/documents/" + name, handle: s.getDocument(name),
			doc: &doc{summary: summary, agent: true, query: format, answers: answers},
		}
	}
	const one = "/api/ext/v1/documents/{name}"
	return []route{
		{method: http.MethodGet, pattern: "/terms", handle: s.showDocument(content.Terms, "Terms of use"), plain: true},
		{method: http.MethodGet, pattern: "/privacy", handle: s.showDocument(content.Privacy, "Privacy"), plain: true},
		{method: http.MethodGet, pattern: "/sponsors", handle: s.showDocument(content.Sponsors, "Sponsors"), plain: true},
		read(content.Terms, "Read the terms of use"),
		read(content.Privacy, "Read the privacy notice"),
		read(content.Sponsors, "Read who sponsors the horde"),
		{
			method: http.MethodGet, pattern: "/api/ext/v1/documents", handle: s.getDocuments, limits: referenceRates,
			doc: &doc{summary: "See where the documents come from", key: true, answers: map[int]any{http.StatusOK: []api.DocumentSource{}}},
		},
		{
			method: http.MethodPut, pattern: one, handle: s.putDocument, limits: referenceRates,
			doc: &doc{summary: "Replace a document", body: api.DocumentSchema, answers: map[int]any{http.StatusOK: api.Simple{}}},
		},
		{
			method: http.MethodDelete, pattern: one, handle: s.deleteDocument, limits: referenceRates,
			doc: &doc{summary: "Restore the default of a document", key: true, answers: map[int]any{http.StatusOK: api.Simple{}}},
		},
	}
}

// getDocument shows a document in the format that the query asks for
// (platform §3.11).
func (s *Server) getDocument(name string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		format := api.HTML
		if query := r.URL.Query(); query.Has("format") {
			format = query.Get("format")
		}
		if format != api.HTML && format != api.Markdown {
			return horde.Errorf(horde.BadRequest, "format must be html or markdown.")
		}

		page, err := s.Documents.Page(r.Context(), name)
		if err != nil {
			return err
		}
		var answer api.HordeDocument
		if format == api.Markdown {
			answer.Markdown = &page.Markdown
		} else {
			answer.HTML = &page.HTML
		}
		return reply(w, r, http.StatusOK, &answer)
	}
}

// showDocument is the page of a document.
func (s *Server) showDocument(name, title string) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		page, err := s.Documents.Page(r.Context(), name)
		if err != nil {
			return err
		}
		return writePage(w, http.StatusOK, "document", documentPage{Frame: s.frame(title), Text: template.HTML(page.HTML)}, web.DocumentPolicy)
	}
}

// getDocuments tells administrators where each document comes from.
func (s *Server) getDocuments(w http.ResponseWriter, r *http.Request) error {
	if err := s.admin(r); err != nil {
		return err
	}
	list, err := s.Documents.List(r.Context())
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, list)
}

// putDocument replaces a document.
func (s *Server) putDocument(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.DocumentInput](w, r, api.DocumentSchema)
	if err != nil {
		return err
	}
	if err := s.admin(r); err != nil {
		return err
	}
	format, text := api.Markdown, in.Markdown
	switch {
	case (in.HTML == nil) == (in.Markdown == nil):
		return horde.Errorf(horde.BadRequest, "Give the document as html or as markdown: one of them.")
	case in.HTML != nil:
		format, text = api.HTML, in.HTML
	}

	name := r.PathValue("name")
	if err := s.Documents.Put(r.Context(), name, format, *text); err != nil {
		return err
	}
	s.log.Info("document replaced", "document", name, "format", format, "bytes", len(*text))
	return reply(w, r, http.StatusOK, &api.Simple{Message: "OK"})
}

// deleteDocument restores the default of a document.
func (s *Server) deleteDocument(w http.ResponseWriter, r *http.Request) error {
	if err := s.admin(r); err != nil {
		return err
	}
	if err := s.Documents.Restore(r.Context(), r.PathValue("name")); err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Simple{Message: "OK"})
}
