package v2

import (
	"context"
	"net/http"
	"time"

	"horde/api"
	"horde/internal/queue"
	"horde/internal/server"
	"horde/internal/server/domain"
	"horde/internal/server/pyjson"
)

// textStatusRates limit how often one text generation is asked for (generation §8).
var textStatusRates = server.Rates{{Calls: 60, Per: time.Minute, By: server.ByPath}}

// textRoutes declares what requesters and workers call for text generation
// (generation §2).
func (a *API) textRoutes() []server.Route {
	return []server.Route{
		server.Post("/api/v2/generate/text/async", a.postTextRequest).Limit(server.RequestRates).ShedFirst().
			About("Ask for text generation", server.Agent).Body(api.TextRequestSchema).
			AnswerWith(http.StatusAccepted, api.Accepted{}).Answer(api.DryRun{}).
			Operation("post_text_async_generate", "400+ 401 429 503"),
		server.Get("/api/v2/generate/text/status/{id}", a.getTextStatus).Limit(textStatusRates).
			About("See how far a text generation is, with its texts", server.Agent).Answer(api.TextStatus{}).
			Operation("get_text_async_status", "404"),
		server.Delete("/api/v2/generate/text/status/{id}", a.deleteTextRequest).Limit(textStatusRates).
			About("Cancel a text generation", server.Agent).Answer(api.TextStatus{}).
			Operation("delete_text_async_status", "404"),
		server.Post("/api/v2/generate/text/pop", a.postTextPop).Limit(server.WorkerRates).
			About("Take text generations as a worker").Body(api.TextPopSchema).Answer(api.TextJob{}).
			Operation("post_text_job_pop", "400 401 403"),
		server.Post("/api/v2/generate/text/submit", a.postTextSubmit).Limit(server.WorkerRates).
			About("Deliver a finished text").Body(api.TextSubmitSchema).Answer(api.Submitted{}).
			Operation("post_text_job_submit", "400 401 403 404"),
	}
}

// postTextRequest takes a request for text generation (generation §2.1).
func (a *API) postTextRequest(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.TextRequest](w, r, api.TextRequestSchema)
	if err != nil {
		return err
	}
	answer, err := a.Queue.AcceptText(r.Context(), queue.TextRequest{Body: in, From: domain.From(r)})
	return a.replyAnswer(w, r, answer, err)
}

// getTextStatus answers how far a text generation is, with the finished texts
// (generation §2.6).
func (a *API) getTextStatus(w http.ResponseWriter, r *http.Request) error {
	if err := a.reserveTextStatus(r); err != nil {
		return err
	}
	st, err := a.Queue.TextStatus(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &st)
}

// deleteTextRequest cancels a request and answers its status from before.
func (a *API) deleteTextRequest(w http.ResponseWriter, r *http.Request) error {
	if err := a.reserveTextStatus(r); err != nil {
		return err
	}
	st, err := a.Queue.CancelText(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &st)
}

// reserveTextStatus makes sure that there is room for the texts of a request.
func (a *API) reserveTextStatus(r *http.Request) error {
	return server.ReserveAnswer(r, func(ctx context.Context) (int64, error) {
		return a.Queue.TextStatusBytes(ctx, r.PathValue("id"))
	})
}

// postTextPop gives a text worker a job (generation §2.7). Members that are cleaned may
// hold a NUL.
func (a *API) postTextPop(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.TextPop](w, r, api.TextPopSchema)
	if err != nil {
		return err
	}
	if err := server.RefuseNUL(&in, "name", "bridge_agent", "softprompts", "priority_usernames"); err != nil {
		return err
	}

	owner, err := a.popOwner(r, in.PriorityUsernames)
	if err != nil {
		return err
	}
	offer, err := a.Fleet.CheckInText(r.Context(), owner, in, server.NetworkAddr(r).String())
	if err != nil {
		return err
	}

	ctx, wait, done := server.LongPoll(r)
	defer done()
	job, err := a.Queue.PopText(ctx, offer, wait)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, job)
}

// postTextSubmit takes a finished text (generation §2.8). The text may hold a NUL, which
// is replaced; seed is no part of the schema.
func (a *API) postTextSubmit(w http.ResponseWriter, r *http.Request) error {
	in, raw, err := server.DecodeRaw[api.TextSubmit](w, r, api.TextSubmitSchema)
	if err != nil {
		return err
	}
	if in.Seed, err = pyjson.Int(raw, "seed", 0); err != nil {
		return err
	}
	if err := server.RefuseNUL(&in, "generation"); err != nil {
		return err
	}

	reward, err := a.Queue.SubmitText(r.Context(), server.APIKey(r), in)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &api.Submitted{Reward: api.Float(reward)})
}
