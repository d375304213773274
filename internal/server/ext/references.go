package ext

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"unicode"

	"horde/api"
	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/server"
)

// referenceRoutes declares the model references: for administrators on the server's
// machine, who cannot open a database that the server holds.
func (a *API) referenceRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/ext/v1/references", a.getReferences).Limit(adminRates).Unmasked().
			About("List the kept model references", server.Key).Answer([]api.ModelReference{}),
		server.Put("/api/ext/v1/references/{kind}", a.putReference).Limit(adminRates).Unmasked().
			About("Load a model reference", server.Key).
			Query(server.TextParam("source", "Where the document came from, in words.")).
			Answer(api.ImportedReference{}),
		server.Delete("/api/ext/v1/references/{kind}", a.deleteReference).Limit(adminRates).Unmasked().
			About("Forget a model reference", server.Key).AnswerWith(http.StatusNoContent, nil),
	}
}

// adminHere refuses everybody but administrators who call from this machine.
func (a *API) adminHere(r *http.Request) (*account.User, error) {
	if !server.Loopback(server.NetworkAddr(r)) {
		return nil, horde.Errorf(horde.Forbidden, "This is only for calls from the server's own machine.")
	}
	return a.Admin(r)
}

// getReferences lists the model references that are kept.
func (a *API) getReferences(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.adminHere(r); err != nil {
		return err
	}
	list, err := a.Catalog.References(r.Context())
	if err != nil {
		return err
	}
	return server.ReplyPlain(w, http.StatusOK, list)
}

// putReference takes the body as the reference of a kind; the query's source says
// where it came from.
func (a *API) putReference(w http.ResponseWriter, r *http.Request) error {
	caller, err := a.adminHere(r)
	if err != nil {
		return err
	}
	doc, err := server.ReadBody(w, r, catalog.MaxDocument)
	if err != nil {
		return err
	}

	// The source is shown and logged: it is kept short and without control characters.
	source := strings.Map(printable, r.URL.Query().Get("source"))
	source = cmp.Or(strings.ToValidUTF8(server.Clip(source, maxSource), ""), "import")
	kind := r.PathValue("kind")
	t, err := a.Catalog.Import(r.Context(), kind, source, doc)
	if err != nil {
		return err
	}
	done := account.Act{
		By:     caller,
		Action: "model reference imported",
		Target: kind,
		Detail: fmt.Sprintf("%d models from %s, changed: %t", t.Models, source, t.Changed),
	}
	if err := a.Accounts.Record(r.Context(), done); err != nil {
		return err
	}
	return server.ReplyPlain(w, http.StatusOK, api.ImportedReference{
		Kind:    kind,
		Models:  t.Models,
		LeftOut: t.LeftOut,
		Changed: t.Changed,
	})
}

// maxSource is the most of a reference's source that is kept.
const maxSource = 500 // bytes

// printable drops control characters (strings.Map).
func printable(c rune) rune {
	if unicode.IsControl(c) {
		return -1
	}
	return c
}

// deleteReference forgets a model reference.
func (a *API) deleteReference(w http.ResponseWriter, r *http.Request) error {
	caller, err := a.adminHere(r)
	if err != nil {
		return err
	}
	kind := r.PathValue("kind")
	if err := a.Catalog.Remove(r.Context(), kind); err != nil {
		return err
	}
	done := account.Act{By: caller, Action: "model reference removed", Target: kind}
	if err := a.Accounts.Record(r.Context(), done); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
