package ext

import (
	"fmt"
	"net/http"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/server"
)

// documentRoutes declares how administrators change the documents of the horde.
func (a *API) documentRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/ext/v1/documents", a.getDocuments).Limit(adminRates).
			About("See where the documents come from", server.Key).Answer([]api.DocumentSource{}),
		server.Put("/api/ext/v1/documents/{name}", a.putDocument).Limit(adminRates).
			About("Replace a document").Body(api.DocumentSchema).Answer(api.Simple{}),
		server.Delete("/api/ext/v1/documents/{name}", a.deleteDocument).Limit(adminRates).
			About("Restore the default of a document", server.Key).Answer(api.Simple{}),
	}
}

// getDocuments shows administrators where each document comes from.
func (a *API) getDocuments(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.Admin(r); err != nil {
		return err
	}
	list, err := a.Documents.List(r.Context())
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// putDocument replaces a document.
func (a *API) putDocument(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.DocumentInput](w, r, api.DocumentSchema)
	if err != nil {
		return err
	}
	caller, err := a.Admin(r)
	if err != nil {
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
	if err := a.Documents.Put(r.Context(), name, format, *text); err != nil {
		return err
	}
	done := account.Act{
		By:     caller,
		Action: "document replaced",
		Target: name,
		Detail: fmt.Sprintf("%d bytes of %s", len(*text), format),
	}
	if err := a.Accounts.Record(r.Context(), done); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}

// deleteDocument restores the default of a document.
func (a *API) deleteDocument(w http.ResponseWriter, r *http.Request) error {
	caller, err := a.Admin(r)
	if err != nil {
		return err
	}
	name := r.PathValue("name")
	if err := a.Documents.Restore(r.Context(), name); err != nil {
		return err
	}
	done := account.Act{By: caller, Action: "document restored", Target: name}
	if err := a.Accounts.Record(r.Context(), done); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}
