package server

import (
	"net/http"

	"horde/api"
	"horde/internal/horde"
)

// postProgress takes a worker's report from inside a job.
func (s *Server) postProgress(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.Progress](w, r, api.ProgressSchema)
	if err != nil {
		return err
	}
	err = s.Queue.Progress(r.Context(), apiKey(r), r.PathValue("id"), in)
	if code := horde.CodeOf(err); code == horde.AbortedGen || code == horde.RequestExpired {
		return refusedAs{err, http.StatusGone} // the worker can stop
	}
	if err != nil {
		return err
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}
