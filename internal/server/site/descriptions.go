package site

import (
	"fmt"
	"net/http"
	"strconv"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
	"horde/internal/server/swagger"
	"horde/web"
)

// descriptionRoutes declares the descriptions of the API, for people and programs.
func (s *Site) descriptionRoutes() []server.Route {
	return []server.Route{
		server.Get("/.well-known/serviceinfo", s.getServiceInfo).Unmasked(),
		server.Get("/api", s.getAPIRoot).Unmasked(),
		server.Get("/api/{$}", s.getAPIPage).Unmasked(),
		server.Get("/api/swagger.json", s.getContract).Unmasked(),
		server.Get("/api/ext/v1/swagger.json", s.sendDescription(swagger.ExtensionsFile)).Unmasked(),
		server.Get("/api/ext/openapi.json", s.sendDescription(swagger.ExtensionsOpen)).Unmasked(),
		server.Get("/api/ext/contract.json", s.sendDescription(swagger.ContractOpen)).Unmasked(),
	}
}

// apiPage is what api.html shows.
type apiPage struct {
	web.Frame
	Routes []apiLine
}

type apiLine struct{ Method, Path, Summary string }

// getAPIPage serves the page on which calls can be tried out; a server without the
// files of the web page lists its routes instead.
func (s *Site) getAPIPage(w http.ResponseWriter, _ *http.Request) error {
	p := apiPage{Frame: s.frame("API")}
	if s.TryOut {
		p.Whole = true
		return s.page(w, http.StatusOK, "tryout", p)
	}

	for _, rt := range s.API.Routes() {
		if rt.Doc != nil {
			p.Routes = append(p.Routes, apiLine{rt.Method, rt.Pattern, rt.Doc.Summary})
		}
	}
	return s.page(w, http.StatusOK, "api", p)
}

// getContract sends the contract's document. Clients check it word by word, so what
// makes it easier to try calls out comes only when asked for, with examples=true;
// level asks for another level than the server's.
func (s *Site) getContract(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	level := api.Level(query.Get("level"))
	if level != "" && !level.Known() {
		return horde.Errorf(horde.BadRequest, "There is no such level: ask for one of %v.", api.Levels)
	}

	examples := swagger.WithoutExamples
	if wanted, _ := strconv.ParseBool(query.Get("examples")); wanted {
		examples = swagger.WithExamples
	}
	server.SendJSON(w, http.StatusOK, s.API.Contract(level, examples))
	return nil
}

// sendDescription sends a document that is the same for all.
func (s *Site) sendDescription(file string) server.Handler {
	return func(w http.ResponseWriter, _ *http.Request) error {
		raw, ok := s.API.File(file)
		if !ok {
			return fmt.Errorf("there is no document %s", file)
		}
		server.SendJSON(w, http.StatusOK, raw)
		return nil
	}
}

func (s *Site) getAPIRoot(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Location", "/api/")
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}
