package v2

import (
	"context"
	"net/http"

	"horde/api"
	"horde/internal/alchemy"
	"horde/internal/server"
	"horde/internal/server/pyjson"
)

// alchemyRoutes declares what requesters and workers call for alchemy, whose word on
// the wire is "interrogate" (generation §3).
func (a *API) alchemyRoutes() []server.Route {
	return []server.Route{
		server.Post("/api/v2/interrogate/async", a.postAlchemyRequest).ShedFirst().
			About("Ask for forms about an image", server.Agent).Body(api.AlchemyRequestSchema).
			AnswerWith(http.StatusAccepted, api.AlchemyAccepted{}).
			Operation("post_interrogate", "400 401 429 503"),
		server.Get("/api/v2/interrogate/status/{id}", a.getAlchemyStatus).Limit(server.CheckRates).
			About("Fetch the results of an alchemy request", server.Agent).Answer(api.AlchemyStatus{}).
			Operation("get_interrogation_status", "404"),
		server.Delete("/api/v2/interrogate/status/{id}", a.deleteAlchemyRequest).Limit(server.CheckRates).
			About("Cancel an alchemy request", server.Agent).Answer(api.AlchemyStatus{}).
			Operation("delete_interrogation_status", "404"),
		server.Post("/api/v2/interrogate/pop", a.postAlchemyPop).Limit(server.WorkerRates).
			About("Take forms as a worker").Body(api.AlchemyPopSchema).Answer(api.AlchemyJob{}).
			Operation("post_interrogate_pop", "400 401 403"),
		server.Post("/api/v2/interrogate/submit", a.postAlchemySubmit).Limit(server.WorkerRates).
			About("Deliver a form", server.Key).Body(api.AlchemySubmitSchema).Answer(api.Submitted{}).
			Operation("post_interrogate_submit", "400 401 403 404"),
	}
}

// maxAlchemyResult is the most that the body of a delivery may have, whose result may be
// written with escapes; images are uploaded beside it.
const maxAlchemyResult = 1 << 20 // bytes

// postAlchemyRequest takes a request for forms about an image (generation §3.1).
func (a *API) postAlchemyRequest(w http.ResponseWriter, r *http.Request) error {
	in, raw, err := server.DecodeRaw[api.AlchemyRequest](w, r, api.AlchemyRequestSchema)
	if err != nil {
		return err
	}
	in.TrustedWorkers = pyjson.Bool(raw, "trusted_workers")
	in.Forms = alchemyForms(raw)

	accepted, err := a.Alchemy.Accept(r.Context(), alchemy.Request{
		Body:      in,
		Key:       server.APIKey(r),
		Addr:      server.ClientAddr(r),
		RefuseNUL: func() error { return server.RefuseNUL(&in) },
	})
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusAccepted, accepted)
}

// alchemyForms reads the forms of a body that fits its schema. What is no text in
// their payloads becomes one, as the original hands it on; a null is left out.
func alchemyForms(raw map[string]any) []api.AlchemyForm {
	list, _ := raw["forms"].([]any)
	forms := make([]api.AlchemyForm, 0, len(list))
	for _, item := range list {
		members, _ := item.(map[string]any)
		name, _ := members["name"].(string)
		form := api.AlchemyForm{Name: name, Payload: map[string]string{}}

		payload, _ := members["payload"].(map[string]any)
		for key := range payload {
			if text, ok := pyjson.Text(payload, key); ok {
				form.Payload[key] = text
			}
		}
		forms = append(forms, form)
	}
	return forms
}

// getAlchemyStatus answers how far a request is (generation §3.2).
func (a *API) getAlchemyStatus(w http.ResponseWriter, r *http.Request) error {
	if err := a.reserveAlchemyStatus(r); err != nil {
		return err
	}
	st, err := a.Alchemy.Status(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &st)
}

// deleteAlchemyRequest cancels a request and answers its status after that
// (generation §3.2).
func (a *API) deleteAlchemyRequest(w http.ResponseWriter, r *http.Request) error {
	if err := a.reserveAlchemyStatus(r); err != nil {
		return err
	}
	st, err := a.Alchemy.Cancel(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &st)
}

// reserveAlchemyStatus makes sure that there is room for the results of a request.
func (a *API) reserveAlchemyStatus(r *http.Request) error {
	return server.ReserveAnswer(r, func(ctx context.Context) (int64, error) {
		return a.Alchemy.StatusBytes(ctx, r.PathValue("id"))
	})
}

// postAlchemyPop gives an alchemist a form (generation §3.3).
func (a *API) postAlchemyPop(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.AlchemyPop](w, r, api.AlchemyPopSchema)
	if err != nil {
		return err
	}

	owner, err := a.popOwner(r, in.PriorityUsernames)
	if err != nil {
		return err
	}
	offer, err := a.Fleet.CheckInForms(r.Context(), owner, in, server.NetworkAddr(r).String())
	if err != nil {
		return err
	}

	ctx, wait, done := server.LongPoll(r)
	defer done()
	job, err := a.Alchemy.Pop(ctx, offer, wait)
	if err != nil {
		return err
	}

	answer := api.AlchemyAnswer{AlchemyJob: job, Messages: a.Fleet.MessagesFor(offer.Worker.ID)}
	return server.Reply(w, r, http.StatusOK, &answer)
}

// postAlchemySubmit takes a finished form (generation §3.4). The route has no schema
// layer.
func (a *API) postAlchemySubmit(w http.ResponseWriter, r *http.Request) error {
	body, err := server.LenientObjectOf(w, r, maxAlchemyResult)
	if err != nil {
		return err
	}
	if err := server.RequireKey(r); err != nil {
		return err
	}

	in, err := alchemySubmit(body)
	if err != nil {
		return err
	}
	if err := server.RefuseNUL(&in); err != nil {
		return err
	}

	reward, err := a.Alchemy.Submit(r.Context(), server.APIKey(r), in)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &api.Submitted{Reward: api.Float(reward)})
}

// alchemySubmit reads the members as an argument parser: the first one that is
// missing or wrong is reported.
func alchemySubmit(body map[string]any) (in api.AlchemySubmit, err error) {
	const missing = " Missing required parameter in the JSON body"
	var ok bool
	if in.ID, ok = pyjson.Text(body, "id"); !ok {
		return in, server.InvalidField("id", "Id of the form."+missing)
	}

	switch result := body["result"].(type) {
	case nil:
		return in, server.InvalidField("result", "What the worker made of the form."+missing)
	case map[string]any:
		in.Result = result
	default:
		return in, server.InvalidField("result", "The result must be an object, such as {\"caption\": \"…\"}.")
	}

	in.State, _ = pyjson.Text(body, "state")
	return in, nil
}
