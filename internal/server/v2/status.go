package v2

import (
	_ "embed" // news.json
	"encoding/json"
	"net/http"
	"runtime"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/server"
)

// statusRoutes declares what can be asked of the horde as a whole (platform §3.9).
func (a *API) statusRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/status/heartbeat", a.getHeartbeat).Limit(server.Unlimited).Unmasked().
			About("See whether this node lives", server.Agent).Answer(api.Heartbeat{}).
			Operation("get_heartbeat", ""),
		server.Get("/api/v2/status/performance", a.getPerformance).
			About("See how the horde performs", server.Agent).Answer(api.Performance{}).
			Operation("get_horde_load", ""),
		server.Get("/api/v2/status/news", a.getNews).
			About("Read the news", server.Agent).Answer([]api.Newspiece{}).
			Operation("get_horde_news", ""),
	}
}

// getHeartbeat says that this node lives (platform §3.9). It is cheap and never limited.
func (a *API) getHeartbeat(w http.ResponseWriter, r *http.Request) error {
	h := api.Heartbeat{
		Message:      "OK",
		Version:      a.Version,
		Threads:      runtime.GOMAXPROCS(0),
		ActiveCount:  server.ActiveCalls(r),
		DBConnection: true,
	}
	if a.Ready != nil && a.Ready(r.Context()) != nil {
		h.Message, h.DBConnection = "DOWN", false
	}
	return server.ReplyPlain(w, http.StatusOK, &h)
}

// getPerformance sums the horde up.
func (a *API) getPerformance(w http.ResponseWriter, r *http.Request) error {
	p, err := a.Queue.Performance(r.Context())
	if err != nil {
		return err
	}
	p.QueuedForms = api.Float(a.Alchemy.Open())
	return server.Reply(w, r, http.StatusOK, &p)
}

//go:embed news.json
var newsFile []byte

// news are the news of this program, the newest first.
var news = func() []api.Newspiece {
	var list []api.Newspiece
	if err := json.Unmarshal(newsFile, &list); err != nil {
		panic("news.json: " + err.Error())
	}
	slices.SortStableFunc(list, func(a, b api.Newspiece) int { return strings.Compare(b.DatePublished, a.DatePublished) })
	return list
}()

// getNews lists the news.
func (a *API) getNews(w http.ResponseWriter, r *http.Request) error {
	return server.Reply(w, r, http.StatusOK, news)
}
