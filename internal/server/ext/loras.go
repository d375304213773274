package ext

import (
	"net/http"

	"horde/api"
	"horde/engine/pocket/loras"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/server"
)

// loraRoutes declares what anybody may know of the LoRAs of the built-in model. Which
// others a worker can get, only the worker knows.
func (a *API) loraRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/ext/v1/loras", a.getLoras).
			About("List the LoRAs of the built-in model").Answer([]api.LoraInfo{}),
		server.Get("/api/ext/v1/loras/{name}/sample", a.getLoraSample).Unmasked().
			About("See what a LoRA does: a JPEG image").AnswerWith(http.StatusOK, nil),
	}
}

// getLoras lists the built-in LoRAs, and how many workers are there for each.
func (a *API) getLoras(w http.ResponseWriter, r *http.Request) error {
	workers := 0
	a.Fleet.Online(horde.KindImage, func(w *fleet.Worker) bool {
		if w.Settings.AllowLora && !w.Maintenance && !w.Paused && w.Offers(loras.Baseline) {
			workers++
		}
		return true
	})

	list := []api.LoraInfo{}
	for _, l := range loras.BuiltIn() {
		list = append(list, api.LoraInfo{
			Name:         l.Name,
			Title:        l.Title,
			Version:      l.Version,
			ModelID:      l.ModelID,
			VersionID:    l.VersionID,
			Baseline:     loras.Baseline,
			TriggerWords: l.Triggers,
			License:      l.License,
			Sample:       "/api/ext/v1/loras/" + l.Name + "/sample",
			Workers:      workers,
		})
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// getLoraSample answers with an image that the LoRA changed.
func (a *API) getLoraSample(w http.ResponseWriter, r *http.Request) error {
	sample := loras.Sample(r.PathValue("name"))
	if sample == nil {
		return horde.Errorf(horde.NotFound, "There is no LoRA with this name.")
	}
	w.Header().Set("Content-Type", "image/jpeg")
	w.Header().Set("Cache-Control", "public, max-age=86400")
	_, err := w.Write(sample)
	return err
}
