package server

import (
	"net/http"

	"horde/api"
	"horde/internal/fleet"
)

// messageRoutes are the lines of the routes table for messages to workers
// (platform §3.5).
func (s *Server) messageRoutes() []route {
	text := func(about string) *api.Schema { return &api.Schema{Type: api.String, Description: about} }
	const list, one = "/api/v2/workers/messages", "/api/v2/workers/messages/{message_id}"
	return []route{
		{method: http.MethodGet, pattern: list, handle: s.getMessages,
			doc: &doc{
				summary: "List messages to workers", key: true, agent: true, answers: map[int]any{http.StatusOK: []api.Message{}},
				query: []queryParam{{"user_id", text("Number of who wrote them.")}, {"worker_id", text("Id of the worker that they are to.")},
					{"validity", &api.Schema{Type: api.String, Description: "active, expired or all.", Default: "active"}},
					{"page", &api.Schema{Type: api.Integer, Description: "Page of 50, from 1.", Default: 1}}},
			}},
		{method: http.MethodPost, pattern: list, handle: s.postMessage,
			doc: &doc{summary: "Send a message to a worker", agent: true, body: api.NewMessageSchema, answers: map[int]any{http.StatusOK: api.Message{}}}},
		{method: http.MethodGet, pattern: one, handle: s.getMessage,
			doc: &doc{summary: "See a message to a worker", agent: true, answers: map[int]any{http.StatusOK: api.Message{}}}},
		{method: http.MethodDelete, pattern: one, handle: s.deleteMessage,
			doc: &doc{summary: "Delete a message to a worker", key: true, agent: true, answers: map[int]any{http.StatusOK: api.Simple{}}}},
	}
}

func (s *Server) getMessages(w http.ResponseWriter, r *http.Request) error {
	if err := requireKey(r); err != nil {
		return err
	}
	query := r.URL.Query()
	page, err := queryInt(query.Get("page"), "page", 1)
	if err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	l := fleet.MessageListing{User: query.Get("user_id"), Worker: query.Get("worker_id"), Validity: "active", Page: page}
	if query.Has("validity") {
		l.Validity = query.Get("validity")
	}
	list, err := s.Fleet.Messages(r.Context(), caller, l)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, list)
}

func (s *Server) postMessage(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.NewMessage](w, r, api.NewMessageSchema)
	if err != nil {
		return err
	}
	if err := refuseNUL(&in); err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	m, err := s.Fleet.SendMessage(r.Context(), caller, in)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &m)
}

// getMessage shows a message to whoever knows its id.
func (s *Server) getMessage(w http.ResponseWriter, r *http.Request) error {
	m, err := s.Fleet.Message(r.Context(), r.PathValue("message_id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &m)
}

func (s *Server) deleteMessage(w http.ResponseWriter, r *http.Request) error {
	if err := requireKey(r); err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	if err := s.Fleet.DeleteMessage(r.Context(), caller, r.PathValue("message_id")); err != nil {
		return err
	}
	return replyOK(w, r)
}
