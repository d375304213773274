package server

import (
	"context"
	_ "embed" // news.json
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/server/pyjson"
)

var errNotModerator = horde.Errorf(horde.NotModerator, "This is for the moderators of this horde.")

// getModes shows the switches of the whole horde (platform §3.9). Whoever
// sends a key must be a moderator, and sees all of them.
func (s *Server) getModes(w http.ResponseWriter, r *http.Request) error {
	now := s.Switches.Modes()
	modes := api.Modes{Maintenance: now.Maintenance, InviteOnly: now.InviteOnly}
	if key := apiKey(r); key != "" {
		caller, err := s.Accounts.ByKey(r.Context(), key)
		if err != nil {
			return err
		}
		if !caller.Is(account.Moderator) {
			return errNotModerator
		}
		modes.Raid = &now.Raid
	}
	return reply(w, r, http.StatusOK, &modes)
}

// putModes switches modes. The first that is refused ends it; what came before
// stays.
func (s *Server) putModes(w http.ResponseWriter, r *http.Request) error {
	body, err := looseObject(w, r)
	if err != nil {
		return err
	}
	if err := requireKey(r); err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	in := api.ModifyModes{
		Maintenance: pyjson.Bool(body, "maintenance_mode"), InviteOnly: pyjson.Bool(body, "invite_only_mode"),
		Raid: pyjson.Bool(body, "raid_mode"),
	}
	if in == (api.ModifyModes{}) {
		none := horde.Errorf(horde.NoHordeModSelected, "No mode to change was given.")
		return explainUnselected(none, r, body, api.ModifyModesSchema)
	}
	switch {
	case in.Maintenance != nil && !s.Accounts.Admin(caller):
		return horde.Errorf(horde.NotAdmin, "Only the administrators of this horde put all of it into maintenance. "+
			"Moderators can put single workers into it.")
	case (in.InviteOnly != nil || in.Raid != nil) && !caller.Is(account.Moderator):
		err = errNotModerator
		in.InviteOnly, in.Raid = nil, nil
	}
	if in.Maintenance != nil || err == nil {
		if err := s.switchModes(r, in); err != nil {
			return err
		}
	}
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &in)
}

func (s *Server) switchModes(r *http.Request, in api.ModifyModes) error {
	_, err := s.Switches.Change(r.Context(), moderation.Change{Maintenance: in.Maintenance, InviteOnly: in.InviteOnly, Raid: in.Raid})
	if err != nil {
		return err
	}
	if in.Maintenance != nil && *in.Maintenance {
		return s.Queue.EmptyAll(context.WithoutCancel(r.Context())) // as is decided by now
	}
	return nil
}

// getModel shows one model, in a list of at most one. A name with a slash is
// encoded twice by clients, so that it stays one part of the path.
func (s *Server) getModel(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("model_name")
	if once, err := url.PathUnescape(name); err == nil {
		name = once
	}
	list, err := s.Queue.Model(r.Context(), name)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, list)
}

//go:embed news.json
var newsFile []byte

// news are the news of this program, the newest first.
var news = func() []api.Newspiece {
	var list []api.Newspiece
	if err := json.Unmarshal(newsFile, &list); err != nil {
		panic("news.json: " + err.Error())
	}
	slices.SortStableFunc(list, func(a, b api.Newspiece) int { return strings.Compare(b.DatePublished, a.DatePublished) })
	return list
}()

func (s *Server) getNews(w http.ResponseWriter, r *http.Request) error {
	return reply(w, r, http.StatusOK, news)
}
