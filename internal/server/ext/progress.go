package ext

import (
	"net/http"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
)

// progressRoutes declares the reports from inside a job.
func (a *API) progressRoutes() []server.Route {
	return []server.Route{
		server.Post("/api/ext/v1/jobs/{id}/progress", a.postProgress).Limit(server.WorkerRates).Unmasked().
			About("Report the progress of a job").Body(api.ProgressSchema).
			AnswerWith(http.StatusNoContent, nil).AnswerWith(http.StatusGone, api.Error{}),
	}
}

// postProgress takes a worker's report from inside a job.
func (a *API) postProgress(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.Progress](w, r, api.ProgressSchema)
	if err != nil {
		return err
	}

	err = a.Queue.Progress(r.Context(), server.APIKey(r), r.PathValue("id"), in)
	if code := horde.CodeOf(err); code == horde.AbortedGen || code == horde.RequestExpired {
		return server.RefusedAs(err, http.StatusGone) // the worker can stop
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
