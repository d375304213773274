package ext

import (
	"net/http"
	"strconv"
	"strings"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
)

// promptRoutes declares what moderators see of refused prompts.
func (a *API) promptRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/ext/v1/refused-prompts", a.getRefusedPrompts).
			About("Read the prompts that the filters refused", server.Key).
			Query(
				server.IntParam("page", "Page of 50, from 1.").Or(1),
				server.TextParam("user", "Whose prompts: name#id or id; default: everybody's."),
			).Answer([]api.RefusedPrompt{}),
	}
}

// getRefusedPrompts lists what the filters refused, 50 a page: of all users, or
// of the one whose alias or number is given.
func (a *API) getRefusedPrompts(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	page, err := server.QueryInt(query.Get("page"), "page", 1)
	if err != nil {
		return err
	}
	if _, err := a.Moderator(r); err != nil {
		return err
	}

	user := horde.UserID(-1) // everybody
	if text := query.Get("user"); text != "" {
		number := text[strings.LastIndexByte(text, '#')+1:]
		id, err := strconv.ParseInt(number, 10, 64)
		if err != nil || id < 0 {
			return server.InvalidField("user", "is no alias (name#id) and no number of a user")
		}
		user = horde.UserID(id)
	}

	list, err := a.Filters.Refused(r.Context(), user, page)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, list)
}
