package ext

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/server"
)

// failureRates limit what is asked of one worker.
var failureRates = server.Rates{{Calls: 30, Per: time.Minute, By: server.ByPath}}

// workerRoutes declares what owners see of their workers.
func (a *API) workerRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/ext/v1/workers/{worker_id}/failures", a.getWorkerFailures).Limit(failureRates).
			About("See how the last jobs of a worker went; for its owner and moderators", server.Key).
			Answer(api.WorkerFailures{}),
	}
}

// getWorkerFailures shows the owner of a worker, or a moderator, how its last jobs went.
func (a *API) getWorkerFailures(w http.ResponseWriter, r *http.Request) error {
	if err := server.RequireKey(r); err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	worker, err := a.Fleet.Find(r.Context(), r.PathValue("worker_id"))
	if err != nil {
		return err
	}

	failures, err := a.Fleet.Failures(caller, worker)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &failures)
}
