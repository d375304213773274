package site

import (
	"html/template"
	"net/http"

	"horde/internal/server"
	"horde/web"
)

// documentPage is what document.html shows: a document of the horde, sanitised.
type documentPage struct {
	web.Frame
	Text template.HTML
}

// showDocument is the page of a document.
func (s *Site) showDocument(name, title string) server.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		page, err := s.Texts.Page(r.Context(), name)
		if err != nil {
			return err
		}
		shown := documentPage{Frame: s.frame(title), Text: template.HTML(page.HTML)}
		return writePage(w, http.StatusOK, "document", shown, web.DocumentPolicy)
	}
}
