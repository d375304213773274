package v2

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/server"
)

// workerRates limit what is asked of one worker (platform §1.6).
var workerRates = server.Rates{{Calls: 30, Per: time.Minute, By: server.ByPath}}

// workerRoutes declares what can be asked of workers (platform §3.4).
func (a *API) workerRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/workers", a.getWorkers).
			About("List the workers that are online", server.OptionalKey, server.Agent).
			Query(server.TextParam("type", "image, text or interrogation."), server.TextParam("name", "Name of a worker.")).
			Answer([]api.WorkerDetails{}).
			Operation("get_workers", ""),
		server.Get("/api/v2/workers/{worker_id}", a.getWorker).Limit(workerRates).
			About("See a worker", server.OptionalKey, server.Agent).Answer(api.WorkerDetails{}).
			Operation("get_worker_single", "401 403 404"),
		server.Put("/api/v2/workers/{worker_id}", a.putWorker).Limit(workerRates).
			About("Change a worker", server.Key, server.Agent).Body(api.ModifyWorkerSchema).Answer(api.ModifiedWorker{}).
			Operation("put_worker_single", "400 401 403 404"),
		server.Delete("/api/v2/workers/{worker_id}", a.deleteWorker).Limit(workerRates).
			About("Delete a worker", server.OptionalKey, server.Agent).Answer(api.DeletedWorker{}).
			Operation("delete_worker_single", "401 403 404"),
		server.Get("/api/v2/workers/name/{worker_name}", a.getWorkerByName).
			About("See a worker by its name", server.OptionalKey, server.Agent).Answer(api.WorkerDetails{}).
			Operation("get_worker_single_name", "401 403 404"),
	}
}

// oversight is what the caller may see of workers: moderators all, everybody else, owners
// too, what is public. Keys that are nobody's are passed over.
func (a *API) oversight(r *http.Request) (account.Privilege, error) {
	key := server.APIKey(r)
	if key == "" {
		return account.Public, nil
	}

	user, err := a.Accounts.ByKey(r.Context(), key)
	switch {
	case horde.CodeOf(err) != "":
		return account.Public, nil
	case err != nil:
		return account.Public, err
	case user.Is(account.Moderator):
		return account.Oversight, nil
	}
	return account.Public, nil
}

// getWorkers lists the workers that are online (platform §3.4).
func (a *API) getWorkers(w http.ResponseWriter, r *http.Request) error {
	privilege, err := a.oversight(r)
	if err != nil {
		return err
	}

	query := r.URL.Query()
	workers := a.Fleet.List(fleet.Listing{Kind: horde.Kind(query.Get("type")), Name: query.Get("name")})
	return server.ReplyList(w, r, func(yield func(api.WorkerDetails) bool) {
		for _, worker := range workers {
			if !yield(a.Fleet.Details(worker, privilege)) {
				return
			}
		}
	})
}

// getWorker shows a worker, online or not.
func (a *API) getWorker(w http.ResponseWriter, r *http.Request) error {
	worker, err := a.Fleet.Find(r.Context(), r.PathValue("worker_id"))
	if err != nil {
		return err
	}
	return a.replyWorker(w, r, worker)
}

// getWorkerByName shows the worker of exactly this name.
func (a *API) getWorkerByName(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("worker_name")
	worker, err := a.Fleet.FindByName(r.Context(), name)
	if err != nil {
		return err
	}
	if worker == nil {
		return horde.Errorf(horde.WorkerNotFound, "Worker with name '%s' not found.", server.Clip(name, 100))
	}
	return a.replyWorker(w, r, worker)
}

// replyWorker answers with what the caller sees of a worker.
func (a *API) replyWorker(w http.ResponseWriter, r *http.Request, worker *fleet.Worker) error {
	privilege, err := a.oversight(r)
	if err != nil {
		return err
	}
	details := a.Fleet.Details(worker, privilege)
	return server.Reply(w, r, http.StatusOK, &details)
}

// putWorker changes a worker.
func (a *API) putWorker(w http.ResponseWriter, r *http.Request) error {
	in, body, err := server.DecodeRaw[api.ModifyWorker](w, r, api.ModifyWorkerSchema)
	if err != nil {
		return err
	}

	// An unknown worker is refused before the key is looked at.
	worker, err := a.Fleet.Find(r.Context(), r.PathValue("worker_id"))
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

	done, err := a.Fleet.Modify(r.Context(), caller, worker, in)
	if err != nil {
		return explainUnselected(err, r, body, api.ModifyWorkerSchema)
	}
	return server.Reply(w, r, http.StatusOK, &done)
}

// deleteWorker removes a worker.
func (a *API) deleteWorker(w http.ResponseWriter, r *http.Request) error {
	worker, err := a.Fleet.Find(r.Context(), r.PathValue("worker_id"))
	if err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	if err := a.Fleet.Delete(r.Context(), caller, worker); err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &api.DeletedWorker{ID: worker.ID, Name: worker.Name})
}
