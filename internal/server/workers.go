package server

import (
	"net/http"

	"horde/api"
	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
)

// moderates tells whether the caller is a moderator. Keys that are nobody's are
// passed over: workers are public.
func (s *Server) moderates(r *http.Request) (bool, error) {
	key := apiKey(r)
	if key == "" {
		return false, nil
	}
	user, err := s.Accounts.ByKey(r.Context(), key)
	switch {
	case horde.CodeOf(err) != "":
		return false, nil
	case err != nil:
		return false, err
	}
	return user.Is(account.Moderator), nil
}

// getWorkers lists the workers that are online (platform §3.4).
func (s *Server) getWorkers(w http.ResponseWriter, r *http.Request) error {
	moderator, err := s.moderates(r)
	if err != nil {
		return err
	}
	query := r.URL.Query()
	workers := s.Fleet.List(fleet.Listing{Kind: query.Get("type"), Name: query.Get("name")})
	list := make([]api.WorkerDetails, len(workers))
	for i, worker := range workers {
		list[i] = s.Fleet.Details(worker, moderator)
	}
	return reply(w, r, http.StatusOK, list)
}

// getWorker shows a worker, online or not.
func (s *Server) getWorker(w http.ResponseWriter, r *http.Request) error {
	worker, err := s.Fleet.Find(r.Context(), r.PathValue("worker_id"))
	if err != nil {
		return err
	}
	return s.replyWorker(w, r, worker)
}

// getWorkerByName shows the worker of exactly this name.
func (s *Server) getWorkerByName(w http.ResponseWriter, r *http.Request) error {
	name := r.PathValue("worker_name")
	worker := s.Fleet.ByName(name)
	if worker == nil {
		return horde.Errorf(horde.WorkerNotFound, "Worker with name '%s' not found.", clip(name, 100))
	}
	return s.replyWorker(w, r, worker)
}

func (s *Server) replyWorker(w http.ResponseWriter, r *http.Request, worker *fleet.Worker) error {
	moderator, err := s.moderates(r)
	if err != nil {
		return err
	}
	details := s.Fleet.Details(worker, moderator)
	return reply(w, r, http.StatusOK, &details)
}

// getWorkerFailures tells the owner of a worker, or a moderator, how its last jobs
// went.
func (s *Server) getWorkerFailures(w http.ResponseWriter, r *http.Request) error {
	if err := requireKey(r); err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	worker, err := s.Fleet.Find(r.Context(), r.PathValue("worker_id"))
	if err != nil {
		return err
	}
	failures, err := s.Fleet.Failures(caller, worker)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &failures)
}

// putWorker changes a worker.
func (s *Server) putWorker(w http.ResponseWriter, r *http.Request) error {
	in, body, err := decodeRaw[api.ModifyWorker](w, r, api.ModifyWorkerSchema)
	if err != nil {
		return err
	}
	worker, err := s.Fleet.Find(r.Context(), r.PathValue("worker_id"))
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
	done, err := s.Fleet.Modify(r.Context(), caller, worker, in)
	if err != nil {
		return explainUnselected(err, r, body, api.ModifyWorkerSchema)
	}
	return reply(w, r, http.StatusOK, &done)
}

// deleteWorker removes a worker.
func (s *Server) deleteWorker(w http.ResponseWriter, r *http.Request) error {
	worker, err := s.Fleet.Find(r.Context(), r.PathValue("worker_id"))
	if err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	if err := s.Fleet.Delete(r.Context(), caller, worker); err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.DeletedWorker{ID: worker.ID, Name: worker.Name})
}
