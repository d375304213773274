// Package server is the toolkit of the HTTP front: what every call has in common,
// whatever API it belongs to (platform §1, generation §0). It knows no rules of the
// domain and no route; those are declared beside their handlers, one package per API:
//
//   - v2: the contract, /api/v2
//   - ext: what is beyond the contract, /api/ext/v1
//   - site: pages, descriptions of the API, health, metrics, links to images
//   - domain: the rooms that the handlers call, and who is calling
//   - swagger: the machine-readable documents of the route table
//   - pyjson: JSON as leniently as the original's server reads it
//   - front: puts all of them together
//
// The way of a call through this package:
//
//   - server.go: Options, Server, start and stop of the listener
//   - middleware.go: headers, request ids, panics, log, metrics
//   - address.go, base.go: who is asking, behind which proxies, and how they reached us
//   - route.go: the form in which routes are declared
//   - router.go: from a call to its route; OPTIONS, 404, 405
//   - sanitize_path.go: paths and queries without what no database keeps
//   - limits.go: how often a route may be called
//   - decode.go, query.go: bodies, read and checked by the schemas of package api
//   - longpoll.go, streams.go, eventstream.go: calls that wait, and calls that go on
//   - respond.go, mask.go: answers and the X-Fields mask
//   - errors.go: how refusals and failures are answered
//
// A route and its handler have this form:
//
//	func (a *API) thingRoutes() []server.Route {
//		return []server.Route{
//			server.Post("/api/v2/things", a.postThing).Limit(thingRates).
//				About("Make a thing", server.Key, server.Agent).Body(api.ThingSchema).Answer(api.Thing{}).
//				Operation("post_thing", "400 401"),
//		}
//	}
//
//	func (a *API) postThing(w http.ResponseWriter, r *http.Request) error {
//		in, err := server.Decode[api.ThingInput](w, r, api.ThingSchema)
//		if err != nil {
//			return err
//		}
//
//		out, err := a.Things.Make(r.Context(), server.APIKey(r), in)
//		if err != nil {
//			return err
//		}
//		return server.Reply(w, r, http.StatusOK, out)
//	}
//
// Errors are returned, not written: a *horde.Error becomes the answer of its code,
// everything else a 500 that shows nothing.
package server
