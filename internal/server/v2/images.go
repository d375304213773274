package v2

import (
	"context"
	"io"
	"net/http"
	"strings"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/queue"
	"horde/internal/server"
	"horde/internal/server/domain"
	"horde/internal/server/pyjson"
)

// imageStatusRates limit how often the images of one request are fetched
// (generation §8).
var imageStatusRates = server.Rates{{Calls: 10, Per: time.Minute, By: server.ByPath}}

// imageRoutes declares what requesters and workers call for images (generation §1).
func (a *API) imageRoutes() []server.Route {
	return []server.Route{
		server.Post("/api/v2/generate/async", a.postImageRequest).Limit(server.RequestRates).ShedFirst().
			About("Ask for images", server.Agent).Body(api.ImageRequestSchema).
			AnswerWith(http.StatusAccepted, api.Accepted{}).Answer(api.DryRun{}).
			Operation("post_image_async_generate", "400+ 401 429 503"),
		server.Get("/api/v2/generate/check/{id}", a.getCheck).Limit(server.CheckRates).
			About("See how far a request is", server.Agent).Answer(api.Check{}).
			Operation("get_image_async_check", "404"),
		server.Get("/api/v2/generate/status/{id}", a.getImageStatus).Limit(imageStatusRates).
			About("Fetch the images of a request", server.Agent).Answer(api.ImageStatus{}).
			Operation("get_image_async_status", "404"),
		server.Delete("/api/v2/generate/status/{id}", a.deleteImageRequest).Limit(imageStatusRates).
			About("Cancel a request", server.Agent).Answer(api.ImageStatus{}).
			Operation("delete_image_async_status", "404"),
		server.Post("/api/v2/generate/pop", a.postImagePop).Limit(server.WorkerRates).
			About("Take jobs as a worker").Body(api.ImagePopSchema).Answer(api.ImageJob{}).
			Operation("post_image_job_pop", "400 401 403"),
		server.Post("/api/v2/generate/submit", a.postImageSubmit).Limit(server.WorkerRates).
			About("Deliver a finished job").Body(api.ImageSubmitSchema).Answer(api.Submitted{}).
			Operation("post_image_job_submit", "400 401 403 404"),
	}
}

// postImageRequest takes a request for images (generation §1.1).
func (a *API) postImageRequest(w http.ResponseWriter, r *http.Request) error {
	in, raw, err := server.DecodeRaw[api.ImageRequest](w, r, api.ImageRequestSchema)
	if err != nil {
		return err
	}
	// What is in no schema may matter to a worker, so params are kept as they came.
	params, err := pyjson.Marshal(raw["params"])
	if err != nil {
		return err
	}

	answer, err := a.Queue.Accept(r.Context(), queue.ImageRequest{Body: in, RawParams: params, From: domain.From(r)})
	return a.replyAnswer(w, r, answer, err)
}

// replyAnswer answers what became of a request.
func (a *API) replyAnswer(w http.ResponseWriter, r *http.Request, answer queue.Answer, err error) error {
	// Even a caller who is refused may get the higher rate limits.
	if answer.Favoured && a.Vouch != nil {
		a.Vouch(server.NetworkAddr(r))
	}

	if err != nil {
		return err
	}
	if answer.DryRun != nil {
		return server.Reply(w, r, http.StatusOK, answer.DryRun)
	}
	return server.Reply(w, r, http.StatusAccepted, answer.Accepted)
}

// textInTimeout refuses callers from an address in timeout who do not name themselves.
const textInTimeout = "Your network address is in timeout. " +
	"Programs that name themselves in the header Client-Agent may still look at their requests."

// getCheck answers how far a request is (generation §1.10).
func (a *API) getCheck(w http.ResponseWriter, r *http.Request) error {
	c, err := a.Queue.Check(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if _, refused := a.Addresses.Refused(server.ClientAddr(r)); refused && server.ClientAgent(r) == server.UnknownAgent {
		return horde.Errorf(horde.Forbidden, textInTimeout)
	}
	return server.Reply(w, r, http.StatusOK, &c)
}

// getImageStatus answers the check with the finished images (generation §1.11).
func (a *API) getImageStatus(w http.ResponseWriter, r *http.Request) error {
	images := a.inlines(r)
	st, err := a.Queue.StatusWith(r.Context(), r.PathValue("id"), a.show(r, images))
	if err != nil {
		return err
	}
	return server.ReplyWith(w, r, http.StatusOK, st, images)
}

// deleteImageRequest cancels a request and answers its status from before
// (generation §1.12).
func (a *API) deleteImageRequest(w http.ResponseWriter, r *http.Request) error {
	images := a.inlines(r)
	st, err := a.Queue.CancelWith(r.Context(), r.PathValue("id"), a.show(r, images))
	if err != nil {
		return err
	}
	return server.ReplyWith(w, r, http.StatusOK, st, images)
}

// inlines are the images that the answer to a call holds, by their jobs.
func (a *API) inlines(r *http.Request) *server.Inlines {
	return &server.Inlines{
		Open: func(job string) (io.ReadCloser, int64, error) { return a.Queue.OpenImage(r.Context(), job) },
		Link: func(job string) string { return a.Queue.Link(r.Context(), job) },
	}
}

// show returns how an answer shows images: nothing where a mask leaves them out. Clients
// that take only https links get those inline whose link is not (clients §0 row 7): they
// would read the link as base64.
func (a *API) show(r *http.Request, images *server.Inlines) queue.Show {
	if !server.Wants(r, "generations", "img") {
		return func(context.Context, string, bool) string { return "" }
	}

	agent := server.ClientAgent(r)
	onlyHTTPS := strings.HasPrefix(agent, "Lucid Creations:") || strings.HasPrefix(agent, "dunkeroni")
	return func(ctx context.Context, job string, byLink bool) string {
		if !byLink {
			return images.Place(job)
		}
		link := a.Queue.Link(ctx, job)
		if onlyHTTPS && strings.HasPrefix(link, "http://") {
			return images.Place(job)
		}
		return link
	}
}

// postImagePop gives a worker a job (generation §1.14).
func (a *API) postImagePop(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.ImagePop](w, r, api.ImagePopSchema)
	if err != nil {
		return err
	}

	owner, err := a.popOwner(r, in.PriorityUsernames)
	if err != nil {
		return err
	}
	offer, err := a.Fleet.CheckInImage(r.Context(), owner, in, server.NetworkAddr(r).String())
	if err != nil {
		return err
	}

	ctx, wait, done := server.LongPoll(r)
	defer done()
	job, err := a.Queue.Pop(ctx, offer, wait)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, job)
}

// postImageSubmit takes a finished job (generation §1.20).
func (a *API) postImageSubmit(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.ImageSubmit](w, r, api.ImageSubmitSchema)
	if err != nil {
		return err
	}
	if err := server.RefuseNUL(&in); err != nil {
		return err
	}

	reward, err := a.Queue.Submit(r.Context(), server.APIKey(r), in)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &api.Submitted{Reward: api.Float(reward)})
}

// popOwner finds the user whose worker pops. A malformed priority username is
// refused before the key is looked at (generation §1.14).
func (a *API) popOwner(r *http.Request, priority []string) (*account.User, error) {
	for _, name := range priority {
		if !strings.Contains(name, "#") {
			return nil, horde.Errorf(horde.InvalidPriorityUsername,
				"The priority username %q lacks its number. Use the form name#id.", server.Clip(name, 60))
		}
	}
	return a.Caller(r)
}
