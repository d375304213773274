package site

import (
	"net/http"

	"horde/internal/horde"
	"horde/internal/server"
	"horde/internal/server/swagger"
)

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

// getServiceInfo says what runs here, in the form that directories of services read.
func (s *Site) getServiceInfo(w http.ResponseWriter, r *http.Request) error {
	base := horde.BaseOf(r.Context())
	info := serviceInfo{
		Version: "0.2",
		API: map[string]serviceAPI{"aihorde": {
			Name:          "AI Horde API",
			Version:       swagger.Version,
			BaseURL:       base + "/api/v2",
			RelURL:        "/api/v2",
			Documentation: base + "/api",
		}},
	}
	info.Software.Name = s.Title
	info.Software.Version = s.Version
	info.Software.Repository = s.Repository
	info.Software.Homepage = base
	info.Software.Logo = base + "/favicon.svg"
	return server.ReplyPlain(w, http.StatusOK, info)
}
