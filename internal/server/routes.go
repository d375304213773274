package server

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"horde/api"
)

// routes is the table of everything the server answers. One line per method and
// pattern; the wildcards are those of http.ServeMux.
func (s *Server) routes() []route {
	measure := promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{})
	table := []route{
		{method: http.MethodGet, pattern: "/register", handle: s.getRegister, plain: true},
		{method: http.MethodPost, pattern: "/register", handle: s.postRegister, plain: true},
		{method: http.MethodGet, pattern: "/.well-known/serviceinfo", handle: s.getServiceInfo, plain: true},
		{method: http.MethodGet, pattern: "/api", handle: s.getAPIRoot, plain: true},
		{method: http.MethodGet, pattern: "/api/{$}", handle: s.getAPIPage, plain: true},
		{method: http.MethodGet, pattern: "/api/swagger.json", handle: s.getSwagger, plain: true},
		{method: http.MethodGet, pattern: "/api/ext/v1/swagger.json", handle: s.sendDocument("extensions.json"), plain: true},
		{method: http.MethodGet, pattern: "/api/ext/openapi.json", handle: s.sendDocument("openapi.json"), plain: true},
		{method: http.MethodGet, pattern: "/api/ext/contract.json", handle: s.sendDocument("contract.json"), plain: true},
		{method: http.MethodGet, pattern: "/healthz", handle: s.getHealth, limits: exempt, plain: true},
		{method: http.MethodGet, pattern: "/readyz", handle: s.getReady, limits: exempt, plain: true},

		{method: http.MethodPost, pattern: "/api/v2/generate/async", handle: s.postImageRequest, limits: asyncRates,
			doc: &doc{summary: "Ask for pictures", body: api.ImageRequestSchema, agent: true,
				answers: map[int]any{http.StatusAccepted: api.Accepted{}, http.StatusOK: api.DryRun{}}}},
		{method: http.MethodGet, pattern: "/api/v2/generate/check/{id}", handle: s.getCheck, limits: checkRates,
			doc: &doc{summary: "See how far a request is", agent: true, answers: map[int]any{http.StatusOK: api.Check{}}}},
		{method: http.MethodGet, pattern: "/api/v2/generate/status/{id}", handle: s.getImageStatus, limits: imageStatusRates,
			doc: &doc{summary: "Fetch the pictures of a request", agent: true, answers: map[int]any{http.StatusOK: api.ImageStatus{}}}},
		{method: http.MethodDelete, pattern: "/api/v2/generate/status/{id}", handle: s.deleteImageRequest, limits: imageStatusRates,
			doc: &doc{summary: "Cancel a request", agent: true, answers: map[int]any{http.StatusOK: api.ImageStatus{}}}},
		{method: http.MethodPost, pattern: "/api/v2/generate/pop", handle: s.postPop, limits: workerRates,
			doc: &doc{summary: "Take jobs as a worker", body: api.ImagePopSchema, answers: map[int]any{http.StatusOK: api.ImageJob{}}}},
		{method: http.MethodPost, pattern: "/api/v2/generate/submit", handle: s.postSubmit, limits: workerRates,
			doc: &doc{summary: "Deliver a finished job", body: api.ImageSubmitSchema, answers: map[int]any{http.StatusOK: api.Submitted{}}}},

		{method: http.MethodPost, pattern: "/api/v2/generate/text/async", handle: s.postTextRequest, limits: asyncRates,
			doc: &doc{summary: "Ask for texts", body: api.TextRequestSchema, agent: true,
				answers: map[int]any{http.StatusAccepted: api.Accepted{}, http.StatusOK: api.DryRun{}}}},
		{method: http.MethodGet, pattern: "/api/v2/generate/text/status/{id}", handle: s.getTextStatus, limits: textStatusRates,
			doc: &doc{summary: "See how far a request for texts is, with its texts", agent: true, answers: map[int]any{http.StatusOK: api.TextStatus{}}}},
		{method: http.MethodDelete, pattern: "/api/v2/generate/text/status/{id}", handle: s.deleteTextRequest, limits: textStatusRates,
			doc: &doc{summary: "Cancel a request for texts", agent: true, answers: map[int]any{http.StatusOK: api.TextStatus{}}}},
		{method: http.MethodPost, pattern: "/api/v2/generate/text/pop", handle: s.postTextPop, limits: workerRates,
			doc: &doc{summary: "Take texts to write as a worker", body: api.TextPopSchema, answers: map[int]any{http.StatusOK: api.TextJob{}}}},
		{method: http.MethodPost, pattern: "/api/v2/generate/text/submit", handle: s.postTextSubmit, limits: workerRates,
			doc: &doc{summary: "Deliver a finished text", body: api.TextSubmitSchema, answers: map[int]any{http.StatusOK: api.Submitted{}}}},

		{method: http.MethodPost, pattern: "/api/v2/interrogate/async", handle: s.postAlchemyRequest,
			doc: &doc{summary: "Ask for forms about a picture", body: api.AlchemyRequestSchema, agent: true,
				answers: map[int]any{http.StatusAccepted: api.AlchemyAccepted{}}}},
		{method: http.MethodGet, pattern: "/api/v2/interrogate/status/{id}", handle: s.getAlchemyStatus, limits: checkRates,
			doc: &doc{summary: "Fetch the results of an alchemy request", agent: true, answers: map[int]any{http.StatusOK: api.AlchemyStatus{}}}},
		{method: http.MethodDelete, pattern: "/api/v2/interrogate/status/{id}", handle: s.deleteAlchemyRequest, limits: checkRates,
			doc: &doc{summary: "Cancel an alchemy request", agent: true, answers: map[int]any{http.StatusOK: api.AlchemyStatus{}}}},
		{method: http.MethodPost, pattern: "/api/v2/interrogate/pop", handle: s.postAlchemyPop, limits: workerRates,
			doc: &doc{summary: "Take forms as a worker", body: api.AlchemyPopSchema, answers: map[int]any{http.StatusOK: api.AlchemyJob{}}}},
		{method: http.MethodPost, pattern: "/api/v2/interrogate/submit", handle: s.postAlchemySubmit, limits: workerRates,
			doc: &doc{summary: "Deliver a form", key: true, body: api.AlchemySubmitSchema, answers: map[int]any{http.StatusOK: api.Submitted{}}}},

		{method: http.MethodGet, pattern: "/api/v2/find_user", handle: s.getFindUser,
			doc: &doc{summary: "See whose an API key is", mayKey: true, agent: true, answers: map[int]any{http.StatusOK: api.UserDetails{}}}},
		{method: http.MethodPost, pattern: "/api/v2/dev/test-user", handle: s.postTestUser, plain: true},

		{method: http.MethodGet, pattern: "/api/v2/status/heartbeat", handle: s.getHeartbeat, limits: exempt, plain: true,
			doc: &doc{summary: "See whether this node lives", agent: true, answers: map[int]any{http.StatusOK: api.Heartbeat{}}}},
		{method: http.MethodGet, pattern: "/api/v2/status/performance", handle: s.getPerformance,
			doc: &doc{summary: "See how the horde performs", agent: true, answers: map[int]any{http.StatusOK: api.Performance{}}}},
		{method: http.MethodGet, pattern: "/api/v2/status/models", handle: s.getModels,
			doc: &doc{summary: "List the models in use", agent: true, query: modelsQuery, answers: map[int]any{http.StatusOK: []api.ActiveModel{}}}},

		{method: http.MethodPost, pattern: "/api/ext/v1/jobs/{id}/progress", handle: s.postProgress, limits: workerRates, plain: true,
			doc: &doc{summary: "Report the progress of a job", body: api.ProgressSchema,
				answers: map[int]any{http.StatusNoContent: nil, http.StatusGone: api.Error{}}}},
		{method: http.MethodGet, pattern: "/api/ext/v1/requests/{id}/events", handle: s.getEvents, limits: checkRates, plain: true,
			doc: &doc{summary: "Follow a request as server-sent events", answers: map[int]any{http.StatusOK: aloneEvents}}},
		{method: http.MethodGet, pattern: "/api/ext/v1/events", handle: s.getManyEvents, limits: checkRates, plain: true,
			doc: &doc{summary: "Follow several requests of all kinds in one stream of server-sent events", query: eventsQuery,
				answers: map[int]any{http.StatusOK: namedEvents}}},
	}
	table = append(table, s.adminRoutes()...)
	table = append(table, s.sharedKeyRoutes()...)
	table = append(table, s.styleRoutes()...)
	table = append(table, s.collectionRoutes()...)
	table = append(table, s.teamRoutes()...)
	table = append(table, s.statsRoutes()...)
	table = append(table, s.documentRoutes()...)
	table = append(table, s.ratingRoutes()...)
	table = append(table, s.priceRoutes()...)
	table = append(table, s.operationRoutes()...)
	table = append(table, s.referenceRoutes()...)
	table = append(table, s.historyRoutes()...)
	table = append(table, s.messageRoutes()...)
	table = append(table, s.filterRoutes()...)
	if !s.MetricsElsewhere {
		table = append(table, route{method: http.MethodGet, pattern: "/metrics", handle: wrap(measure), limits: exempt, plain: true})
	}
	if s.Blobs != nil {
		for _, m := range []string{http.MethodGet, http.MethodPut} {
			table = append(table, route{method: m, pattern: "/blob/{name}", handle: wrap(s.paged(s.Blobs)), limits: exempt, plain: true})
		}
	}
	return table
}

// wrap makes a handler of a plain http.Handler.
func wrap(h http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// getHealth tells that the process runs.
func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request) error {
	return replyPlain(w, http.StatusOK, map[string]string{"status": "ok"})
}

// getReady tells whether calls can be served; a load balancer takes the node out
// while it answers 503.
func (s *Server) getReady(w http.ResponseWriter, r *http.Request) error {
	if s.Ready != nil {
		if err := s.Ready(r.Context()); err != nil {
			s.log.Warn("not ready", "err", err)
			return replyPlain(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready"})
		}
	}
	return replyPlain(w, http.StatusOK, map[string]string{"status": "ok"})
}
