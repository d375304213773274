package v2

import (
	"net/http"

	"horde/api"
	"horde/internal/fleet"
	"horde/internal/server"
)

// messageRoutes declares messages to workers (platform §3.5).
func (a *API) messageRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/workers/messages", a.getMessages).
			About("List messages to workers", server.Key, server.Agent).
			Query(
				server.TextParam("user_id", "Number of who wrote them."),
				server.TextParam("worker_id", "Id of the worker that they are to."),
				server.TextParam("validity", "active, expired or all.").Or("active"),
				server.IntParam("page", "Page of 50, from 1.").Or(1),
			).Answer([]api.Message{}).
			Operation("get_worker_messages", "401 403 404"),
		server.Post("/api/v2/workers/messages", a.postMessage).
			About("Send a message to a worker", server.Agent).Body(api.NewMessageSchema).Answer(api.Message{}).
			Operation("post_worker_messages", "401 403 404"),
		server.Get("/api/v2/workers/messages/{message_id}", a.getMessage).
			About("See a message to a worker", server.Agent).Answer(api.Message{}).
			Operation("get_single_worker_message", ""),
		server.Delete("/api/v2/workers/messages/{message_id}", a.deleteMessage).
			About("Delete a message to a worker", server.Key, server.Agent).Answer(api.Simple{}).
			Operation("delete_single_worker_message", ""),
	}
}

// getMessages lists messages, to the workers of the caller or, for moderators, to all.
func (a *API) getMessages(w http.ResponseWriter, r *http.Request) error {
	if err := server.RequireKey(r); err != nil {
		return err
	}
	query := r.URL.Query()
	page, err := server.QueryInt(query.Get("page"), "page", 1)
	if err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	l := fleet.MessageListing{
		User:     query.Get("user_id"),
		Worker:   query.Get("worker_id"),
		Validity: "active",
		Page:     page,
	}
	if query.Has("validity") {
		l.Validity = query.Get("validity")
	}
	list, err := a.Fleet.Messages(r.Context(), caller, l)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// postMessage sends a message to a worker.
func (a *API) postMessage(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.NewMessage](w, r, api.NewMessageSchema)
	if err != nil {
		return err
	}
	if err := server.RefuseNUL(&in); err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	m, err := a.Fleet.SendMessage(r.Context(), caller, in)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &m)
}

// getMessage shows a message to whoever knows its id.
func (a *API) getMessage(w http.ResponseWriter, r *http.Request) error {
	m, err := a.Fleet.Message(r.Context(), r.PathValue("message_id"))
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &m)
}

// deleteMessage takes a message back.
func (a *API) deleteMessage(w http.ResponseWriter, r *http.Request) error {
	if err := server.RequireKey(r); err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	if err := a.Fleet.DeleteMessage(r.Context(), caller, r.PathValue("message_id")); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}
