package server

import (
	"net/http"
	"time"

	"horde/api"
)

// Limits of the routes below (platform §1.6).
var (
	userRates     = rates{{calls: 60, per: time.Minute, by: byPath}}
	workerIDRates = rates{{calls: 30, per: time.Minute, by: byPath}}
	modesRates    = rates{{calls: 30, per: time.Minute, by: byAddr}}
	transferRates = rates{
		{calls: 1, per: time.Second, by: byKey},
		{calls: 90, per: time.Hour, by: byKey, privileged: 600},
	}
)

// adminRoutes are the lines of the routes table for users, workers and the
// switches of the horde.
func (s *Server) adminRoutes() []route {
	text := func(about string) *api.Schema { return &api.Schema{Type: api.String, Description: about} }
	whole := func(about string, standard int) *api.Schema {
		return &api.Schema{Type: api.Integer, Description: about, Default: standard}
	}
	user, worker := api.UserDetails{}, api.WorkerDetails{}
	return []route{
		{
			method: http.MethodGet, pattern: "/api/v2/users", handle: s.getUsers,
			doc: &doc{
				summary: "List the users", agent: true, answers: map[int]any{http.StatusOK: []api.ListedUser{}},
				query: []queryParam{{"page", whole("Page of 25, from 1.", 1)}, {"sort", &api.Schema{Type: api.String, Description: "kudos or age.", Default: "kudos"}}},
			},
		},
		{
			method: http.MethodGet, pattern: "/api/v2/users/{user_id}", handle: s.getUser, limits: userRates,
			doc: &doc{summary: "See a user", mayKey: true, agent: true, answers: map[int]any{http.StatusOK: user}},
		},
		{
			method: http.MethodPut, pattern: "/api/v2/users/{user_id}", handle: s.putUser, limits: userRates,
			doc: &doc{summary: "Change a user", key: true, agent: true, body: api.ModifyUserSchema, answers: map[int]any{http.StatusOK: api.ModifiedUser{}}},
		},
		{
			method: http.MethodDelete, pattern: "/api/v2/users/{user_id}", handle: s.deleteUser, limits: userRates,
			doc: &doc{summary: "Delete a user", key: true, agent: true, answers: map[int]any{http.StatusOK: api.Simple{}}},
		},
		{
			method: http.MethodPost, pattern: "/api/v2/kudos/transfer", handle: s.postTransfer, limits: transferRates,
			doc: &doc{summary: "Give kudos to another user", key: true, agent: true, once: true, body: api.KudosTransferSchema, answers: map[int]any{http.StatusOK: api.KudosTransferred{}}},
		},
		{
			method: http.MethodPost, pattern: "/api/v2/kudos/award", handle: s.postAward,
			doc: &doc{summary: "Award kudos to a user", key: true, body: api.KudosTransferSchema, answers: map[int]any{http.StatusOK: api.KudosAwarded{}}},
		},

		{
			method: http.MethodGet, pattern: "/api/v2/workers", handle: s.getWorkers,
			doc: &doc{
				summary: "List the workers that are online", mayKey: true, agent: true, answers: map[int]any{http.StatusOK: []api.WorkerDetails{}},
				query: []queryParam{{"type", text("image, text or interrogation.")}, {"name", text("Name of a worker.")}},
			},
		},
		{
			method: http.MethodGet, pattern: "/api/v2/workers/{worker_id}", handle: s.getWorker, limits: workerIDRates,
			doc: &doc{summary: "See a worker", mayKey: true, agent: true, answers: map[int]any{http.StatusOK: worker}},
		},
		{
			method: http.MethodGet, pattern: "/api/ext/v1/workers/{worker_id}/failures", handle: s.getWorkerFailures, limits: workerIDRates,
			doc: &doc{summary: "See how the last jobs of a worker went; for its owner and moderators", key: true, answers: map[int]any{http.StatusOK: api.WorkerFailures{}}},
		},
		{
			method: http.MethodPut, pattern: "/api/v2/workers/{worker_id}", handle: s.putWorker, limits: workerIDRates,
			doc: &doc{summary: "Change a worker", key: true, agent: true, body: api.ModifyWorkerSchema, answers: map[int]any{http.StatusOK: api.ModifiedWorker{}}},
		},
		{
			method: http.MethodDelete, pattern: "/api/v2/workers/{worker_id}", handle: s.deleteWorker, limits: workerIDRates,
			doc: &doc{summary: "Delete a worker", mayKey: true, agent: true, answers: map[int]any{http.StatusOK: api.DeletedWorker{}}},
		},
		{
			method: http.MethodGet, pattern: "/api/v2/workers/name/{worker_name}", handle: s.getWorkerByName,
			doc: &doc{summary: "See a worker by its name", mayKey: true, agent: true, answers: map[int]any{http.StatusOK: worker}},
		},

		{
			method: http.MethodGet, pattern: "/api/v2/status/modes", handle: s.getModes, limits: modesRates,
			doc: &doc{summary: "See the switches of the horde", mayKey: true, answers: map[int]any{http.StatusOK: api.Modes{}}},
		},
		{
			method: http.MethodPut, pattern: "/api/v2/status/modes", handle: s.putModes, limits: modesRates,
			doc: &doc{summary: "Switch modes of the horde", key: true, body: api.ModifyModesSchema, answers: map[int]any{http.StatusOK: api.ModifyModes{}}},
		},
		{
			method: http.MethodGet, pattern: "/api/v2/status/models/{model_name}", handle: s.getModel,
			doc: &doc{summary: "See one model in use", agent: true, answers: map[int]any{http.StatusOK: []api.ActiveModel{}}},
		},
		{
			method: http.MethodGet, pattern: "/api/v2/status/news", handle: s.getNews,
			doc: &doc{summary: "Read the news", agent: true, answers: map[int]any{http.StatusOK: []api.Newspiece{}}},
		},
	}
}
