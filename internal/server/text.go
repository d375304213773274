package server

import (
	"net/http"

	"horde/api"
	"horde/internal/queue"
	"horde/internal/server/pyjson"
)

// postTextRequest takes a request for texts (generation §2.1).
func (s *Server) postTextRequest(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.TextRequest](w, r, api.TextRequestSchema)
	if err != nil {
		return err
	}
	answer, err := s.Queue.AcceptText(r.Context(), queue.TextAsk{Body: in, From: from(r)})
	return s.replyAnswer(w, r, answer, err)
}

// getTextStatus tells how far a request for texts is, with the finished ones
// (generation §2.6).
func (s *Server) getTextStatus(w http.ResponseWriter, r *http.Request) error {
	st, err := s.Queue.TextStatus(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &st)
}

// deleteTextRequest cancels a request and answers its status from before.
func (s *Server) deleteTextRequest(w http.ResponseWriter, r *http.Request) error {
	st, err := s.Queue.CancelText(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &st)
}

// postTextPop gives a text worker something to do (generation §2.7). What of it is cleaned
// may hold a NUL.
func (s *Server) postTextPop(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.TextPop](w, r, api.TextPopSchema)
	if err != nil {
		return err
	}
	if err := refuseNUL(&in, "name", "bridge_agent", "softprompts", "priority_usernames"); err != nil {
		return err
	}
	owner, err := s.popOwner(r, in.PriorityUsernames)
	if err != nil {
		return err
	}
	offer, err := s.Fleet.CheckInText(r.Context(), owner, in, NetworkAddr(r).String())
	if err != nil {
		return err
	}
	ctx, wait, done := s.longPoll(w, r)
	defer done()
	job, err := s.Queue.PopText(ctx, offer, wait)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, job)
}

// postTextSubmit takes a finished text (generation §2.8). The text may hold a NUL, which is
// replaced; seed is no part of the schema.
func (s *Server) postTextSubmit(w http.ResponseWriter, r *http.Request) error {
	in, raw, err := decodeRaw[api.TextSubmit](w, r, api.TextSubmitSchema)
	if err != nil {
		return err
	}
	if in.Seed, err = pyjson.Int(raw, "seed", 0); err != nil {
		return err
	}
	if err := refuseNUL(&in, "generation"); err != nil {
		return err
	}
	reward, err := s.Queue.SubmitText(r.Context(), apiKey(r), in)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Submitted{Reward: api.Float(reward)})
}
