package server

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
)

// teamRates are shared by all calls of a team (platform §1.6).
var teamRates = rates{{calls: 30, per: time.Minute, by: byPath}}

// teamRoutes are the lines of the routes table for teams of workers.
func (s *Server) teamRoutes() []route {
	const all, id = "/api/v2/teams", "/api/v2/teams/{team_id}"
	one, changed := map[int]any{http.StatusOK: api.TeamDetails{}}, map[int]any{http.StatusOK: api.ModifiedTeam{}}
	return []route{
		{
			method: http.MethodGet, pattern: all, handle: s.getTeams, limits: teamRates,
			doc: &doc{summary: "List the teams", agent: true, answers: map[int]any{http.StatusOK: []api.TeamDetails{}}},
		},
		{
			method: http.MethodPost, pattern: all, handle: s.postTeam, limits: teamRates,
			doc: &doc{summary: "Create a team", agent: true, body: api.CreateTeamSchema, answers: changed},
		},
		{
			method: http.MethodGet, pattern: id, handle: s.getTeam, limits: teamRates,
			doc: &doc{summary: "See a team", mayKey: true, agent: true, answers: one},
		},
		{
			method: http.MethodPatch, pattern: id, handle: s.patchTeam, limits: teamRates,
			doc: &doc{summary: "Change a team", mayKey: true, agent: true, body: api.ModifyTeamSchema, answers: changed},
		},
		{
			method: http.MethodDelete, pattern: id, handle: s.deleteTeam, limits: teamRates,
			doc: &doc{summary: "Delete a team", mayKey: true, agent: true, answers: map[int]any{http.StatusOK: api.DeletedTeam{}}},
		},
	}
}

// getTeams lists all teams (platform §3.6).
func (s *Server) getTeams(w http.ResponseWriter, r *http.Request) error {
	list, err := s.Fleet.Teams(r.Context())
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, list)
}

// getTeam shows a team. A key that is sent must be a moderator's, though the answer
// is the same.
func (s *Server) getTeam(w http.ResponseWriter, r *http.Request) error {
	team, err := s.Fleet.Team(r.Context(), r.PathValue("team_id"))
	if err != nil {
		return err
	}
	if key := apiKey(r); key != "" {
		caller, err := s.Accounts.ByKey(r.Context(), key)
		if err != nil {
			return err
		}
		if !caller.Is(account.Moderator) {
			return horde.Errorf(horde.NotModerator, "Ask without an API key: a key says that a moderator asks.")
		}
	}
	return reply(w, r, http.StatusOK, &team)
}

// postTeam creates a team.
func (s *Server) postTeam(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.TeamInput](w, r, api.CreateTeamSchema)
	if err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	done, err := s.Fleet.CreateTeam(r.Context(), caller, in)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &done)
}

// patchTeam changes a team.
func (s *Server) patchTeam(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.TeamInput](w, r, api.ModifyTeamSchema)
	if err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	done, err := s.Fleet.ModifyTeam(r.Context(), caller, r.PathValue("team_id"), in)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &done)
}

// deleteTeam removes a team; its members stay, without one.
func (s *Server) deleteTeam(w http.ResponseWriter, r *http.Request) error {
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	done, err := s.Fleet.DeleteTeam(r.Context(), caller, r.PathValue("team_id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &done)
}
