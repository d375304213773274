package server

import (
	"net/http"
	"strings"
	"time"
	"unicode"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/horde"
)

// Routes of our own for the model references: for administrators on the server's
// machine, who cannot open a database that the server holds.

var referenceRates = rates{{calls: 30, per: time.Minute, by: byAddr}}

func (s *Server) referenceRoutes() []route {
	const one = "/api/ext/v1/references/{kind}"
	return []route{
		{
			method: http.MethodGet, pattern: "/api/ext/v1/references", handle: s.getReferences, limits: referenceRates, plain: true,
			doc: &doc{summary: "List the kept model references", key: true, answers: map[int]any{http.StatusOK: []api.ModelReference{}}},
		},
		{
			method: http.MethodPut, pattern: one, handle: s.putReference, limits: referenceRates, plain: true,
			doc: &doc{summary: "Load a model reference", key: true,
				query:   []queryParam{{"source", &api.Schema{Type: api.String, Description: "Where the document came from, in words."}}},
				answers: map[int]any{http.StatusOK: api.ImportedReference{}}},
		},
		{
			method: http.MethodDelete, pattern: one, handle: s.deleteReference, limits: referenceRates, plain: true,
			doc: &doc{summary: "Forget a model reference", key: true, answers: map[int]any{http.StatusNoContent: nil}},
		},
	}
}

// adminHere refuses everybody but administrators who call from this machine.
func (s *Server) adminHere(r *http.Request) error {
	if !loopback(NetworkAddr(r)) {
		return horde.Errorf(horde.Forbidden, "This is only for calls from the server's own machine.")
	}
	return s.admin(r)
}

// admin refuses everybody but administrators.
func (s *Server) admin(r *http.Request) error {
	if err := requireKey(r); err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	if !s.Accounts.Admin(caller) {
		return horde.Errorf(horde.NotAdmin, "This is for the administrators of this horde: the accounts that ADMINS names.")
	}
	return nil
}

func (s *Server) getReferences(w http.ResponseWriter, r *http.Request) error {
	if err := s.adminHere(r); err != nil {
		return err
	}
	list, err := s.Catalog.References(r.Context())
	if err != nil {
		return err
	}
	return replyPlain(w, http.StatusOK, list)
}

// putReference takes the body as the reference of a kind; the query's source says
// where it came from.
func (s *Server) putReference(w http.ResponseWriter, r *http.Request) error {
	if err := s.adminHere(r); err != nil {
		return err
	}
	doc, err := readBody(w, r, catalog.MaxDocument)
	if err != nil {
		return err
	}
	source := r.URL.Query().Get("source")
	source = strings.ToValidUTF8(clip(strings.Map(printable, source), maxSource), "")
	if source == "" {
		source = "import"
	}
	kind := r.PathValue("kind")
	t, err := s.Catalog.Import(r.Context(), kind, source, doc)
	if err != nil {
		return err
	}
	s.log.Info("model reference imported", "reference", kind, "source", source, "models", t.Models, "changed", t.Changed)
	return replyPlain(w, http.StatusOK, api.ImportedReference{Kind: kind, Models: t.Models, LeftOut: t.LeftOut, Changed: t.Changed})
}

const maxSource = 500 // characters

func printable(c rune) rune {
	if unicode.IsControl(c) {
		return -1
	}
	return c
}

func (s *Server) deleteReference(w http.ResponseWriter, r *http.Request) error {
	if err := s.adminHere(r); err != nil {
		return err
	}
	if err := s.Catalog.Remove(r.Context(), r.PathValue("kind")); err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
