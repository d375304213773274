package server

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/rating"
)

// ratingRates limits the rating of a request (platform §1.6).
var ratingRates = rates{{calls: 5, per: time.Minute, by: byPath}}

// ratingRoutes are the lines of the routes table for ratings.
func (s *Server) ratingRoutes() []route {
	return []route{
		{method: http.MethodPost, pattern: "/api/v2/generate/rate/{id}", handle: s.postRating, limits: ratingRates,
			doc: &doc{summary: "Rate the pictures of a shared request", agent: true, body: api.AestheticsSchema,
				answers: map[int]any{http.StatusOK: api.Submitted{}}}},
	}
}

// postRating takes what a requester thinks of the pictures
// (generation §1.13). Knowing the request's id is the right to do so.
func (s *Server) postRating(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.Aesthetics](w, r, api.AestheticsSchema)
	if err != nil {
		return err
	}
	got, err := s.Ratings.Rate(r.Context(), r.PathValue("id"), in, rating.Rater{ClientAgent: clientAgent(r), Addr: ClientAddr(r).String()})
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Submitted{Reward: api.Float(got.Float())})
}
