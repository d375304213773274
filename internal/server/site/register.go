package site

import (
	"net/http"
	"strings"

	"horde/internal/horde"
	"horde/internal/server"
	"horde/web"
)

// registerPage is what register.html shows: the form, or the key of a new account.
type registerPage struct {
	web.Frame
	Error, Key, Alias, Username string
}

// getRegister shows the form. Programs read the key out of
// <code class="ah-api-key">KEY</code> of the answer to it.
func (s *Site) getRegister(w http.ResponseWriter, _ *http.Request) error {
	return s.page(w, http.StatusOK, "register", registerPage{Frame: s.frame("Get an API key")})
}

// maxForm is the most that a form may have, in bytes.
const maxForm = 16 << 10

// postRegister makes a pseudonymous account (platform §8.1). What the
// domain refuses is shown on the page, whose status is 200 in every case.
func (s *Site) postRegister(w http.ResponseWriter, r *http.Request) error {
	if err := server.ReadForm(w, r, maxForm); err != nil {
		return err
	}
	p := registerPage{
		Frame:    s.frame("Get an API key"),
		Username: strings.ToValidUTF8(r.PostForm.Get("username"), "\ufffd"),
	}
	if s.Register == nil {
		p.Error = "Registration is closed on this server."
		return s.page(w, http.StatusOK, "register", p)
	}

	var err error
	p.Key, p.Alias, err = s.Register(r.Context(), p.Username, server.NetworkAddr(r))
	if horde.CodeOf(err) != "" {
		p.Error, err = server.DetailOf(err), nil
	}
	if err != nil {
		return err
	}
	return s.page(w, http.StatusOK, "register", p)
}
