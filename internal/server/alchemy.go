package server

import (
	"context"
	"net/http"
	"strings"
	"time"

	"horde/api"
	"horde/internal/alchemy"
	"horde/internal/horde"
	"horde/internal/server/pyjson"
)

// maxAlchemyResult is the most bytes that a delivery of a form may have; pictures
// are uploaded beside it.
const maxAlchemyResult = 4 << 20

// postAlchemyRequest takes a request for forms about a picture
// (generation §3.1).
func (s *Server) postAlchemyRequest(w http.ResponseWriter, r *http.Request) error {
	in, raw, err := decodeRaw[api.AlchemyRequest](w, r, api.AlchemyRequestSchema)
	if err != nil {
		return err
	}
	in.TrustedWorkers = pyjson.Bool(raw, "trusted_workers")
	in.Forms = alchemyForms(raw)
	accepted, err := s.Alchemy.Accept(r.Context(), alchemy.Ask{
		Body:  in,
		Key:   apiKey(r),
		Addr:  ClientAddr(r),
		Texts: func() error { return refuseNUL(&in) },
	})
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusAccepted, accepted)
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

// getAlchemyStatus tells how far a request is (generation §3.2).
func (s *Server) getAlchemyStatus(w http.ResponseWriter, r *http.Request) error {
	st, err := s.Alchemy.Status(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &st)
}

// deleteAlchemyRequest cancels a request and answers its status after it (generation §3.2).
func (s *Server) deleteAlchemyRequest(w http.ResponseWriter, r *http.Request) error {
	st, err := s.Alchemy.Cancel(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &st)
}

// postAlchemyPop gives an alchemist something to do (generation §3.3).
func (s *Server) postAlchemyPop(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.AlchemyPop](w, r, api.AlchemyPopSchema)
	if err != nil {
		return err
	}
	for _, name := range in.PriorityUsernames {
		if !strings.Contains(name, "#") {
			return horde.Errorf(horde.InvalidPriorityUsername, "The priority username %q lacks its number. Use the form name#id.", clip(name, 60))
		}
	}
	owner, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	offer, err := s.Fleet.CheckInForms(r.Context(), owner, in, NetworkAddr(r).String())
	if err != nil {
		return err
	}
	wait, ctx := preferredWait(r), r.Context()
	if wait > 0 {
		var cancel context.CancelFunc
		ctx, cancel = s.untilEnding(ctx)
		defer cancel()
		setReadTimeout(w, 0)
		stream(w, time.Now().Add(wait+answerTime))
	}
	job, err := s.Alchemy.Pop(ctx, offer, wait)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.AlchemyAnswer{AlchemyJob: job, Messages: s.Fleet.MessagesFor(offer.Worker.ID)})
}

// postAlchemySubmit takes a finished form (generation §3.4). The route has no schema layer.
func (s *Server) postAlchemySubmit(w http.ResponseWriter, r *http.Request) error {
	body, err := looseObjectOf(w, r, maxAlchemyResult)
	if err != nil {
		return err
	}
	if err := requireKey(r); err != nil {
		return err
	}
	in, err := alchemySubmit(body)
	if err != nil {
		return err
	}
	if err := refuseNUL(&in); err != nil {
		return err
	}
	reward, err := s.Alchemy.Submit(r.Context(), apiKey(r), in)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Submitted{Reward: api.Float(reward)})
}

// alchemySubmit reads the members as an argument parser: the first one that is
// missing or wrong is reported.
func alchemySubmit(body map[string]any) (in api.AlchemySubmit, err error) {
	const missing = " Missing required parameter in the JSON body"
	var ok bool
	if in.ID, ok = pyjson.Text(body, "id"); !ok {
		return in, invalidField("id", "Id of the form."+missing)
	}
	switch result := body["result"].(type) {
	case nil:
		return in, invalidField("result", "What the worker made of the form."+missing)
	case map[string]any:
		in.Result = result
	default:
		return in, invalidField("result", "The result must be an object, such as {\"caption\": \"…\"}.")
	}
	in.State, _ = pyjson.Text(body, "state")
	return in, nil
}
