package httpd

import (
	"bytes"
	"html/template"
	"net/http"
	"strings"

	"horde/internal/horde"
)

// The pages that need no script: registration and the description of the API.
// Programs read the key out of <code class="ah-api-key">KEY</code>.

const pageHead = `<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{{.Title}}</title>
<style>
:root{color-scheme:light dark;font:16px/1.5 system-ui,sans-serif}
body{max-width:44rem;margin:2rem auto;padding:0 1rem}
code{background:#8883;padding:.1em .3em;border-radius:.2em;overflow-wrap:anywhere}
.ah-api-key{font-size:1.25rem;user-select:all}
input,button{font:inherit;padding:.4em .7em}
table{border-collapse:collapse}td{padding:.15em .8em .15em 0;vertical-align:top}
.error{color:#c33}
</style></head><body>
`

var pages = template.Must(template.New("register").Parse(pageHead + `<h1>Join {{.Title}}</h1>
{{if .Error}}<p class="error" role="alert">{{.Error}}</p>{{end}}
{{if .Key}}<p>Welcome, <strong>{{.Alias}}</strong>. This is your API key:</p>
<p><code class="ah-api-key">{{.Key}}</code></p>
<p>It is shown this once only, and nobody can recover it. Keep it as you keep a password.</p>
{{else}}<form method="post" action="/register">
<p><label>Name that others see<br><input name="username" maxlength="30" value="{{.Username}}" autocomplete="username"></label></p>
<p><button>Get an API key</button></p></form>
<p>The account is pseudonymous: no mail address, no password. Without one you can use the anonymous key <code>0000000000</code>.</p>{{end}}
</body></html>
`))

func init() {
	template.Must(pages.New("api").Parse(pageHead + `<h1>{{.Title}} API</h1>
<p>The machine-readable description is <a href="/api/swagger.json">swagger.json</a> (Swagger 2.0), that of what this server has beyond it <a href="/api/ext/openapi.json">openapi.json</a> (OpenAPI 3.1). A key for the header <code>apikey</code> comes from <a href="/register">/register</a>.</p>
<table>{{range .Routes}}<tr><td><code>{{.Method}}</code></td><td><code>{{.Path}}</code></td><td>{{.Summary}}</td></tr>
{{end}}</table>
</body></html>
`))
}

type registerPage struct {
	Title, Error, Key, Alias, Username string
}

func (s *Server) getRegister(w http.ResponseWriter, _ *http.Request) error {
	return s.page(w, "register", registerPage{Title: s.Title})
}

// postRegister makes a pseudonymous account (platform rulebook §8.1). What the
// domain refuses is shown on the page, whose status is 200 in every case.
func (s *Server) postRegister(w http.ResponseWriter, r *http.Request) error {
	p := registerPage{Title: s.Title}
	raw, err := readForm(w, r)
	if err != nil {
		return err
	}
	p.Username = strings.ToValidUTF8(raw, "\ufffd")
	if s.Register == nil {
		p.Error = "Registration is closed on this server."
		return s.page(w, "register", p)
	}
	p.Key, p.Alias, err = s.Register(r.Context(), p.Username, NetworkAddr(r))
	if horde.CodeOf(err) != "" {
		p.Error, err = detailOf(err), nil
	}
	if err != nil {
		return err
	}
	return s.page(w, "register", p)
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

func (s *Server) page(w http.ResponseWriter, name string, data any) error {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name, data); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'")
	w.WriteHeader(http.StatusOK)
	_, _ = w.Write(out.Bytes())
	return nil
}

// serviceInfo is the answer of /.well-known/serviceinfo (platform rulebook §8.5).
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

func (s *Server) getServiceInfo(w http.ResponseWriter, _ *http.Request) error {
	info := serviceInfo{Version: "0.2", API: map[string]serviceAPI{"aihorde": {
		Name: "AI Horde API", Version: apiVersion, BaseURL: s.PublicURL + "/api/v2", RelURL: "/api/v2", Documentation: s.PublicURL + "/api",
	}}}
	info.Software.Name = s.Title
	info.Software.Version = s.Version
	info.Software.Repository = s.Repository
	info.Software.Homepage = s.PublicURL
	info.Software.Logo = s.PublicURL + "/favicon.svg"
	return replyPlain(w, http.StatusOK, info)
}

func (s *Server) getAPIRoot(w http.ResponseWriter, _ *http.Request) error {
	w.Header().Set("Location", "/api/")
	w.WriteHeader(http.StatusPermanentRedirect)
	return nil
}

// apiPage is where the page of the API lies among the files of the web page.
const apiPage = "/apidocs/index.html"

// getAPIPage serves the page on which calls can be tried out; a server without the
// web page lists its routes instead.
func (s *Server) getAPIPage(w http.ResponseWriter, r *http.Request) error {
	if s.Pages != nil {
		ask := r.Clone(r.Context())
		ask.URL.Path, ask.URL.RawPath = apiPage, ""
		if s.Pages(w, ask) {
			return nil
		}
	}
	type line struct{ Method, Path, Summary string }
	var page struct {
		Title  string
		Routes []line
	}
	page.Title = s.Title
	for _, rt := range s.table {
		if rt.doc != nil {
			page.Routes = append(page.Routes, line{rt.method, rt.pattern, rt.doc.summary})
		}
	}
	return s.page(w, "api", page)
}
