package ext

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
	"horde/internal/waiting"
)

// eventRoutes declares the streams of what happens to requests.
func (a *API) eventRoutes() []server.Route {
	ids := fmt.Sprintf("Ids of at most %d requests for images, text generation or alchemy, separated by commas.",
		api.MaxFollowed)
	return []server.Route{
		server.Get("/api/ext/v1/requests/{id}/events", a.getEvents).Limit(server.CheckRates).Unmasked().
			About("Follow a request as server-sent events").Answer(aloneEvents),
		server.Get("/api/ext/v1/events", a.getManyEvents).Limit(server.CheckRates).Unmasked().
			About("Follow several requests of all kinds in one stream of server-sent events").
			Query(server.TextParam("ids", ids)).Answer(namedEvents),
	}
}

// getEvents streams what happens to one request (api.EventStatus and others).
func (a *API) getEvents(w http.ResponseWriter, r *http.Request) error {
	id := r.PathValue("id")
	if _, err := a.Queue.Owner(r.Context(), id); err != nil {
		return err
	}
	return a.streamEvents(w, r, []string{id}, alone{})
}

// getManyEvents streams what happens to several requests of all kinds.
func (a *API) getManyEvents(w http.ResponseWriter, r *http.Request) error {
	ids, err := followed(r)
	if err != nil {
		return err
	}
	return a.streamEvents(w, r, ids, named{})
}

// followed reads the ids of requests that a call wants to follow, in the form in
// which they are kept, each once.
func followed(r *http.Request) ([]string, error) {
	var ids []string
	for _, list := range r.URL.Query()["ids"] {
		for id := range strings.SplitSeq(list, ",") {
			if id = horde.PlainID(strings.TrimSpace(id)); id == "" {
				continue
			}
			if !horde.IsID(id) {
				return nil, horde.Errorf(horde.BadRequest, "%q is no id of a request.", server.Clip(id, 64))
			}

			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
			if len(ids) > api.MaxFollowed {
				return nil, horde.Errorf(horde.BadRequest, "One stream follows at most %d requests.", api.MaxFollowed)
			}
		}
	}

	if len(ids) == 0 {
		return nil, horde.Errorf(horde.BadRequest, "Name the requests to follow: ?ids=ID,ID")
	}
	return ids, nil
}

// streamEvents tells of requests until each has ended or is gone, the reader leaves or
// reads too slowly, or the server begins to stop.
func (a *API) streamEvents(w http.ResponseWriter, r *http.Request, ids []string, t teller) error {
	leave, err := server.EnterStream(r)
	if err != nil {
		return err
	}
	defer leave()
	ctx, cancel := server.UntilEnding(r)
	defer cancel()

	// Whatever changes from here on wakes the follower.
	watch := waiting.NewWatch()
	_, stop, err := a.Queue.Follow(ctx, ids, watch)
	if err != nil {
		return err
	}
	defer stop()
	var alchemy []string
	if a.Alchemy != nil {
		found, stop, err := a.Alchemy.Follow(ctx, ids, watch)
		if err != nil {
			return err
		}
		defer stop()
		alchemy = found
	}

	f := &follower{api: a, teller: t, requests: map[string]*seen{}}
	for _, id := range ids {
		f.requests[id] = &seen{alchemy: slices.Contains(alchemy, id)}
	}
	f.out = server.NewEventStream(w)
	if r.Method != http.MethodHead {
		f.follow(ctx, ids, watch)
	}
	return nil
}
