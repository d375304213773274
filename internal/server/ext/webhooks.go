package ext

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/notify"
	"horde/internal/server"
)

// webhookRates limit how often a key looks after its webhooks.
var webhookRates = server.Rates{{Calls: 60, Per: time.Minute, By: server.ByKey}}

// webhookPage is how many webhooks a page has unless asked for otherwise.
const webhookPage = 50

// webhookRoutes declares what owners see of their webhooks.
func (a *API) webhookRoutes() []server.Route {
	state := &api.Schema{
		Type:        api.String,
		Enum:        []string{"pending", "failed", "dead"},
		Description: "Only these: not answered yet, to be tried again, given up.",
	}
	return []server.Route{
		server.Get("/api/ext/v1/webhooks", a.getWebhooks).Limit(webhookRates).
			About("See your webhooks that wait or were given up, newest first", server.Key, server.Agent).
			Query(
				server.Param{Name: "state", Schema: state},
				server.IntParam("limit", "Webhooks on a page, at most 100.").Or(webhookPage),
				server.TextParam("before", "The next of the page before."),
			).Answer(api.Webhooks{}),
		server.Post("/api/ext/v1/webhooks/{id}/replay", a.postReplay).Limit(webhookRates).
			About("Call a webhook again that failed", server.Key).Answer(api.Simple{}),
		server.Post("/api/ext/v1/webhooks/secret", a.postWebhookSecret).Limit(webhookRates).
			About("Get a new secret that your webhooks are signed with; the old one signs too for a day", server.Key).
			Answer(api.WebhookSecret{}),
	}
}

// webhookOwner returns the caller, who has to be somebody.
func (a *API) webhookOwner(r *http.Request) (*account.User, error) {
	if err := server.RequireKey(r); err != nil {
		return nil, err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return nil, err
	}
	if caller.Anonymous() {
		return nil, horde.Errorf(horde.AnonForbidden, "Anonymous webhooks are not shown, since anybody could read them.")
	}
	return caller, nil
}

// getWebhooks shows an owner the webhooks that were not taken.
func (a *API) getWebhooks(w http.ResponseWriter, r *http.Request) error {
	caller, err := a.webhookOwner(r)
	if err != nil {
		return err
	}

	query := r.URL.Query()
	limit, err := server.QueryInt(query.Get("limit"), "limit", webhookPage)
	if err != nil {
		return err
	}
	if limit < 1 || limit > notify.MaxPage {
		return server.InvalidField("limit", "a page has 1 to 100 webhooks")
	}
	state := query.Get("state")
	switch state {
	case "", "pending", "failed", "dead":
	default:
		return server.InvalidField("state", "one of pending, failed, dead")
	}

	list, err := a.Webhooks.List(r.Context(), caller.ID, state, query.Get("before"), limit)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// postReplay has a webhook called again that failed.
func (a *API) postReplay(w http.ResponseWriter, r *http.Request) error {
	caller, err := a.webhookOwner(r)
	if err != nil {
		return err
	}
	if err := a.Webhooks.Replay(r.Context(), caller.ID, horde.PlainID(r.PathValue("id"))); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}

// postWebhookSecret gives an owner a new secret.
func (a *API) postWebhookSecret(w http.ResponseWriter, r *http.Request) error {
	caller, err := a.webhookOwner(r)
	if err != nil {
		return err
	}
	secret, err := a.Webhooks.Rotate(r.Context(), caller.ID)
	if err != nil {
		return err
	}
	w.Header().Set("Cache-Control", "no-store")
	return server.Reply(w, r, http.StatusOK, api.WebhookSecret{Secret: secret})
}
