package v2

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/rating"
	"horde/internal/server"
)

// ratingRates limit the rating of a request (platform §1.6).
var ratingRates = server.Rates{{Calls: 5, Per: time.Minute, By: server.ByPath}}

// ratingRoutes declares the rating of a request (generation §1.13).
func (a *API) ratingRoutes() []server.Route {
	return []server.Route{
		server.Post("/api/v2/generate/rate/{id}", a.postRating).Limit(ratingRates).
			About("Rate the images of a shared request", server.Agent).Body(api.AestheticsSchema).
			Answer(api.Submitted{}).
			Operation("post_aesthetics", "400 401 404"),
	}
}

// postRating takes what a requester thinks of the images (generation §1.13). Whoever
// knows the id of the request may rate it.
func (a *API) postRating(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.Aesthetics](w, r, api.AestheticsSchema)
	if err != nil {
		return err
	}

	rater := rating.Rater{ClientAgent: server.ClientAgent(r), Addr: server.ClientAddr(r).String()}
	reward, err := a.Ratings.Rate(r.Context(), r.PathValue("id"), in, rater)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &api.Submitted{Reward: api.Float(reward.Float())})
}
