// Package server is the HTTP front of a horde: it parses a call, makes one call
// of a domain package and writes the answer. It owns what every route has in
// common, as platform §1 and generation §0 describe it:
//
//   - server.go: Options, Server, start and stop of the listener
//   - routes.go: the one table of all routes
//   - router.go: from a request to its route; OPTIONS, 404, 405
//   - middleware.go: headers, request ids, panics, log, metrics, rate limits
//   - address.go: who is asking, behind which proxies
//   - decode.go: bodies, read and checked by the schemas of package api
//   - respond.go, mask.go: answers and the X-Fields mask
//   - errors.go: the table from return codes to statuses
//   - swagger*.go, openapi.go: the machine-readable documents, made from the routes
//     table, the schemas and the Go types of package api
//
// A handler has the form
//
//	func (s *Server) postThing(w http.ResponseWriter, r *http.Request) error {
//		in, err := decode[api.Thing](w, r, api.ThingSchema)
//		if err != nil {
//			return err
//		}
//		out, err := s.Things.Make(r.Context(), apiKey(r), in)
//		if err != nil {
//			return err
//		}
//		return reply(w, r, http.StatusOK, out)
//	}
//
// and gets its line in routes.go. Errors are returned, not written: a
// *horde.Error becomes the answer of its code, everything else a 500 that shows
// nothing.
package server
