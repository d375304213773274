package v2

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/server"
)

// teamRates are shared by all calls of a team (platform §1.6).
var teamRates = server.Rates{{Calls: 30, Per: time.Minute, By: server.ByPath}}

// teamRoutes declares what can be asked of teams of workers (platform §3.6).
func (a *API) teamRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/teams", a.getTeams).Limit(teamRates).
			About("List the teams", server.Agent).Answer([]api.TeamDetails{}).
			Operation("get_teams", ""),
		server.Post("/api/v2/teams", a.postTeam).Limit(teamRates).
			About("Create a team", server.Agent).Body(api.CreateTeamSchema).Answer(api.ModifiedTeam{}).
			Operation("post_teams", "400 401 403"),
		server.Get("/api/v2/teams/{team_id}", a.getTeam).Limit(teamRates).
			About("See a team", server.OptionalKey, server.Agent).Answer(api.TeamDetails{}).
			Operation("get_team_single", "401 403 404"),
		server.Patch("/api/v2/teams/{team_id}", a.patchTeam).Limit(teamRates).
			About("Change a team", server.OptionalKey, server.Agent).Body(api.ModifyTeamSchema).Answer(api.ModifiedTeam{}).
			Operation("patch_team_single", "400 401 403 404"),
		server.Delete("/api/v2/teams/{team_id}", a.deleteTeam).Limit(teamRates).
			About("Delete a team", server.OptionalKey, server.Agent).Answer(api.DeletedTeam{}).
			Operation("delete_team_single", "401 403 404"),
	}
}

// getTeams lists all teams (platform §3.6).
func (a *API) getTeams(w http.ResponseWriter, r *http.Request) error {
	return server.ReplyRead(w, r, a.Fleet.Teams(r.Context()))
}

// getTeam shows a team. A key that is sent must be a moderator's, though the answer
// is the same.
func (a *API) getTeam(w http.ResponseWriter, r *http.Request) error {
	team, err := a.Fleet.Team(r.Context(), r.PathValue("team_id"))
	if err != nil {
		return err
	}

	if key := server.APIKey(r); key != "" {
		caller, err := a.Accounts.ByKey(r.Context(), key)
		if err != nil {
			return err
		}
		if !caller.Is(account.Moderator) {
			return horde.Errorf(horde.NotModerator, "Ask without an API key: a key says that a moderator asks.")
		}
	}
	return server.Reply(w, r, http.StatusOK, &team)
}

// postTeam creates a team.
func (a *API) postTeam(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.TeamInput](w, r, api.CreateTeamSchema)
	if err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	done, err := a.Fleet.CreateTeam(r.Context(), caller, in)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &done)
}

// patchTeam changes a team.
func (a *API) patchTeam(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.TeamInput](w, r, api.ModifyTeamSchema)
	if err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	done, err := a.Fleet.ModifyTeam(r.Context(), caller, r.PathValue("team_id"), in)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &done)
}

// deleteTeam removes a team; its members stay, without one.
func (a *API) deleteTeam(w http.ResponseWriter, r *http.Request) error {
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}
	done, err := a.Fleet.DeleteTeam(r.Context(), caller, r.PathValue("team_id"))
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &done)
}
