package v2

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/server"
	"horde/internal/server/domain"
	"horde/internal/server/pyjson"
)

// modesRates limit what is asked of the switches (platform §1.6).
var modesRates = server.Rates{{Calls: 30, Per: time.Minute, By: server.ByAddress}}

// modeRoutes declares the switches of the whole horde (platform §3.9).
func (a *API) modeRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/status/modes", a.getModes).Limit(modesRates).
			About("See the switches of the horde", server.OptionalKey).Answer(api.Modes{}).
			Operation("get_horde_modes", ""),
		server.Put("/api/v2/status/modes", a.putModes).Limit(modesRates).
			About("Switch modes of the horde", server.Key).Body(api.ModifyModesSchema).Answer(api.ModifyModes{}).
			Operation("put_horde_modes", "401 403"),
	}
}

// getModes shows the switches of the whole horde (platform §3.9). Whoever
// sends a key must be a moderator, and sees all of them.
func (a *API) getModes(w http.ResponseWriter, r *http.Request) error {
	now := a.Switches.Modes()
	modes := api.Modes{Maintenance: now.Maintenance, InviteOnly: now.InviteOnly}

	if key := server.APIKey(r); key != "" {
		caller, err := a.Accounts.ByKey(r.Context(), key)
		if err != nil {
			return err
		}
		if !caller.Is(account.Moderator) {
			return domain.ErrNotModerator
		}
		modes.Raid = &now.Raid
	}
	return server.Reply(w, r, http.StatusOK, &modes)
}

// putModes switches modes. The first that is refused ends it; what came before
// stays.
func (a *API) putModes(w http.ResponseWriter, r *http.Request) error {
	body, err := server.LenientObject(w, r)
	if err != nil {
		return err
	}
	if err := server.RequireKey(r); err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	in := api.ModifyModes{
		Maintenance: pyjson.Bool(body, "maintenance_mode"),
		InviteOnly:  pyjson.Bool(body, "invite_only_mode"),
		Raid:        pyjson.Bool(body, "raid_mode"),
	}
	if in == (api.ModifyModes{}) {
		none := horde.Errorf(horde.NoHordeModSelected, "No mode to change was given.")
		return explainUnselected(none, r, body, api.ModifyModesSchema)
	}

	// Who may not switch one mode is told so, but only after what he may switch was.
	var refusal error
	switch {
	case in.Maintenance != nil && !a.Accounts.Admin(caller):
		return horde.Errorf(horde.NotAdmin, "Only the administrators of this horde put all of it into maintenance. "+
			"Moderators can put single workers into it.")
	case (in.InviteOnly != nil || in.Raid != nil) && !caller.Is(account.Moderator):
		refusal = domain.ErrNotModerator
		in.InviteOnly, in.Raid = nil, nil
	}

	if in.Maintenance != nil || refusal == nil {
		if err := a.switchModes(r, caller, in); err != nil {
			return err
		}
	}
	if refusal != nil {
		return refusal
	}
	return server.Reply(w, r, http.StatusOK, &in)
}

// switchModes changes modes. Maintenance takes away what waits of images and text.
func (a *API) switchModes(r *http.Request, by *account.User, in api.ModifyModes) error {
	change := moderation.Change{Maintenance: in.Maintenance, InviteOnly: in.InviteOnly, Raid: in.Raid}
	now, err := a.Switches.Change(r.Context(), change)
	if err != nil {
		return err
	}

	done := account.Act{
		By:     by,
		Action: "modes switched",
		Target: "horde",
		Detail: fmt.Sprintf("maintenance %t, invite only %t, raid %t", now.Maintenance, now.InviteOnly, now.Raid),
	}
	if err := a.Accounts.Record(r.Context(), done); err != nil {
		return err
	}

	if in.Maintenance != nil && *in.Maintenance {
		// It is decided by now, whether the caller stays or not.
		return a.Queue.EmptyAll(context.WithoutCancel(r.Context()))
	}
	return nil
}
