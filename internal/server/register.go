package server

import (
	"net/http"
	"strings"

	"horde/internal/horde"
)

// getRegister shows the form. Programs read the key out of
// <code class="ah-api-key">KEY</code> of the answer to it.
func (s *Server) getRegister(w http.ResponseWriter, _ *http.Request) error {
	return s.page(w, http.StatusOK, "register", registerPage{Frame: s.frame("Get an API key")})
}

// postRegister makes a pseudonymous account (platform §8.1). What the
// domain refuses is shown on the page, whose status is 200 in every case.
func (s *Server) postRegister(w http.ResponseWriter, r *http.Request) error {
	p := registerPage{Frame: s.frame("Get an API key")}
	raw, err := readForm(w, r)
	if err != nil {
		return err
	}
	p.Username = strings.ToValidUTF8(raw, "\ufffd")
	if s.Register == nil {
		p.Error = "Registration is closed on this server."
		return s.page(w, http.StatusOK, "register", p)
	}
	p.Key, p.Alias, err = s.Register(r.Context(), p.Username, NetworkAddr(r))
	if horde.CodeOf(err) != "" {
		p.Error, err = detailOf(err), nil
	}
	if err != nil {
		return err
	}
	return s.page(w, http.StatusOK, "register", p)
}

// readForm reads the field username of a small form.
func readForm(w http.ResponseWriter, r *http.Request) (string, error) {
	const limit = 16 << 10
	if r.ContentLength > limit {
		return "", tooLarge(limit)
	}
	setReadTimeout(w, bodyTime)
	defer setReadTimeout(w, 0)
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseMultipartForm(limit); err != nil && err != http.ErrNotMultipart {
		return "", readError(err, limit)
	}
	return r.PostForm.Get("username"), nil
}

// serviceInfo is the answer of /.well-known/serviceinfo (platform §8.5).
type serviceInfo struct {
	Version  string `json:"version"`
	Software struct {
		Name       string `json:"name"`
		Version    string `json:"version"`
		Repository string `json:"repository"`
		Homepage   string `json:"homepage"`
		Logo       string `json:"logo"`
	} `json:"software"`
	API map[string]serviceAPI `json:"api"`
}

type serviceAPI struct {
	Name          string `json:"name"`
	Version       string `json:"version"`
	BaseURL       string `json:"base_url"`
	RelURL        string `json:"rel_url"`
	Documentation string `json:"documentation"`
}

func (s *Server) getServiceInfo(w http.ResponseWriter, r *http.Request) error {
	base := horde.BaseOf(r.Context())
	info := serviceInfo{Version: "0.2", API: map[string]serviceAPI{"aihorde": {
		Name: "AI Horde API", Version: apiVersion, BaseURL: base + "/api/v2", RelURL: "/api/v2", Documentation: base + "/api",
	}}}
	info.Software.Name = s.Title
	info.Software.Version = s.Version
	info.Software.Repository = s.Repository
	info.Software.Homepage = base
	info.Software.Logo = base + "/favicon.svg"
	return replyPlain(w, http.StatusOK, info)
}

func (s *Server) getAPIRoot(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Location", "/api/")
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}
