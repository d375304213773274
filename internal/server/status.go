package server

import (
	"errors"
	"net/http"
	"runtime"
	"slices"
	"strconv"

	"horde/api"
	"horde/internal/horde"
)

// getHeartbeat tells that this node lives (platform §3.9). It is cheap
// and never limited.
func (s *Server) getHeartbeat(w http.ResponseWriter, r *http.Request) error {
	h := api.Heartbeat{Message: "OK", Version: s.Version, Threads: runtime.GOMAXPROCS(0), ActiveCount: s.metrics.active(), DBConnection: true}
	if s.Ready != nil && s.Ready(r.Context()) != nil {
		h.Message, h.DBConnection = "DOWN", false
	}
	return replyPlain(w, http.StatusOK, &h)
}

// getPerformance sums the horde up.
func (s *Server) getPerformance(w http.ResponseWriter, r *http.Request) error {
	p, err := s.Queue.Performance(r.Context())
	if err != nil {
		return err
	}
	p.QueuedForms = api.Float(s.Alchemy.Open())
	return reply(w, r, http.StatusOK, &p)
}

// modelsQuery are the parameters of getModels.
var modelsQuery = []queryParam{
	{"type", &api.Schema{Type: api.String, Description: "image or text.", Default: "image"}},
	{"min_count", &api.Schema{Type: api.Integer, Description: "Only models with at least so many threads."}},
	{"max_count", &api.Schema{Type: api.Integer, Description: "Only models with at most so many threads."}},
	{"model_state", &api.Schema{Type: api.String, Description: "known, custom or all.", Default: "all"}},
}

// getModels lists the models that are served or waited for.
func (s *Server) getModels(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	kind := query.Get("type")
	if kind == "" {
		kind = "image"
	}
	state := query.Get("model_state")
	if state != "" && state != "all" && state != "known" && state != "custom" {
		return horde.Errorf(horde.BadRequest, "model_state must be all, known or custom.")
	}
	low, err := queryInt(query.Get("min_count"), "min_count", 0)
	if err != nil {
		return err
	}
	high, err := queryInt(query.Get("max_count"), "max_count", int(^uint(0)>>1))
	if err != nil {
		return err
	}
	list, err := s.Queue.Models(r.Context(), kind)
	if err != nil {
		return err
	}
	snapshot := s.Catalog.Snapshot()
	known := snapshot.KnownImage
	if kind == "text" {
		known = snapshot.KnownText
	}
	list = slices.DeleteFunc(list, func(m api.ActiveModel) bool {
		is := known(m.Name)
		return m.Count < low || m.Count > high || state == "known" && !is || state == "custom" && is
	})
	return reply(w, r, http.StatusOK, list)
}

// queryInt reads a whole number from the query string, as the argument parser
// does.
func queryInt(text, name string, missing int) (int, error) {
	if text == "" {
		return missing, nil
	}
	n, err := strconv.Atoi(text)
	if errors.Is(err, strconv.ErrRange) {
		return n, nil // the nearest number; whoever uses it has bounds of its own
	}
	if err != nil {
		return 0, invalidField(name, "invalid literal for int() with base 10: '"+clip(text, 40)+"'")
	}
	return n, nil
}
