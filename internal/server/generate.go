package server

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/queue"
	"horde/internal/server/pyjson"
)

// postImageRequest takes a request for pictures (generation §1.1).
func (s *Server) postImageRequest(w http.ResponseWriter, r *http.Request) error {
	in, raw, err := decodeRaw[api.ImageRequest](w, r, api.ImageRequestSchema)
	if err != nil {
		return err
	}
	params, err := pyjson.Marshal(raw["params"])
	if err != nil {
		return err
	}
	answer, err := s.Queue.Accept(r.Context(), queue.Ask{Body: in, RawParams: params, From: from(r)})
	return s.replyAnswer(w, r, answer, err)
}

// from is where a call comes from.
func from(r *http.Request) queue.From {
	return queue.From{Key: apiKey(r), ClientAgent: clientAgent(r), Addr: ClientAddr(r), Proxy: NetworkAddr(r)}
}

// replyAnswer tells what became of a request. Its caller may be vouched for though
// it was refused.
func (s *Server) replyAnswer(w http.ResponseWriter, r *http.Request, answer queue.Answer, err error) error {
	if answer.Vouched && s.Vouch != nil {
		s.Vouch(NetworkAddr(r))
	}
	if err != nil {
		return err
	}
	if answer.DryRun != nil {
		return reply(w, r, http.StatusOK, answer.DryRun)
	}
	return reply(w, r, http.StatusAccepted, answer.Accepted)
}

// getCheck tells how far a request is (generation §1.10).
func (s *Server) getCheck(w http.ResponseWriter, r *http.Request) error {
	c, err := s.Queue.Check(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	if _, refused := s.Addresses.Refused(ClientAddr(r)); refused && clientAgent(r) == unknownAgent {
		return horde.Errorf(horde.Forbidden, "Your network address is in timeout. Programs that name themselves in the header Client-Agent may still look at their requests.")
	}
	return reply(w, r, http.StatusOK, &c)
}

// getImageStatus is the check with the finished pictures (generation §1.11).
func (s *Server) getImageStatus(w http.ResponseWriter, r *http.Request) error {
	st, err := s.Queue.Status(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, s.forClient(r, st))
}

// deleteImageRequest cancels a request and answers its status from before
// (generation §1.12).
func (s *Server) deleteImageRequest(w http.ResponseWriter, r *http.Request) error {
	st, err := s.Queue.Cancel(r.Context(), r.PathValue("id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, s.forClient(r, st))
}

// forClient puts pictures inline for clients that take only https links, when
// ours are not (clients §0 row 7): they would read the link as base64.
func (s *Server) forClient(r *http.Request, st api.ImageStatus) api.ImageStatus {
	agent := clientAgent(r)
	if !strings.HasPrefix(agent, "Lucid Creations:") && !strings.HasPrefix(agent, "dunkeroni") {
		return st
	}
	for i, g := range st.Generations {
		if strings.HasPrefix(g.Img, "http://") {
			st.Generations[i].Img = s.Queue.Inline(r.Context(), g)
		}
	}
	return st
}

// maxPopWait is the longest that a pop may ask to wait, in seconds.
const maxPopWait = 60

// postPop gives a worker something to do (generation §1.14).
func (s *Server) postPop(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.ImagePop](w, r, api.ImagePopSchema)
	if err != nil {
		return err
	}
	owner, err := s.popOwner(r, in.PriorityUsernames)
	if err != nil {
		return err
	}
	offer, err := s.Fleet.CheckInImage(r.Context(), owner, in, NetworkAddr(r).String())
	if err != nil {
		return err
	}
	ctx, wait, done := s.longPoll(w, r)
	defer done()
	job, err := s.Queue.Pop(ctx, offer, wait)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, job)
}

// longPoll is how long a pop wants to wait, and the context to wait in: it also
// ends with the server. The connection's time limits are lifted for as long.
func (s *Server) longPoll(w http.ResponseWriter, r *http.Request) (context.Context, time.Duration, context.CancelFunc) {
	wait := preferredWait(r)
	if wait == 0 {
		return r.Context(), 0, func() {}
	}
	ctx, cancel := s.untilEnding(r.Context())
	setReadTimeout(w, 0)
	stream(w, time.Now().Add(wait+answerTime))
	return ctx, wait, cancel
}

// preferredWait reads "Prefer: wait=N" (RFC 7240), in seconds.
func preferredWait(r *http.Request) time.Duration {
	for _, header := range r.Header["Prefer"] {
		for part := range strings.SplitSeq(header, ",") {
			if n, ok := strings.CutPrefix(strings.TrimSpace(part), "wait="); ok {
				seconds, err := strconv.Atoi(n)
				if err == nil && seconds > 0 {
					return time.Duration(min(seconds, maxPopWait)) * time.Second
				}
			}
		}
	}
	return 0
}

// postSubmit takes a finished job (generation §1.20).
func (s *Server) postSubmit(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.ImageSubmit](w, r, api.ImageSubmitSchema)
	if err != nil {
		return err
	}
	if err := refuseNUL(&in); err != nil {
		return err
	}
	reward, err := s.Queue.Submit(r.Context(), apiKey(r), in)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Submitted{Reward: api.Float(reward)})
}
