package v2

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/server"
)

// addressRoutes declares what moderators do about network addresses (platform §3.7).
func (a *API) addressRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/operations/ipaddr", a.getBlocks).
			About("List the ranges of addresses that are kept out", server.Key, server.Agent).Answer([]api.IPTimeout{}).
			Operation("get_operations_ip", "400 401 403"),
		server.Post("/api/v2/operations/ipaddr", a.postBan).
			About("Keep out an address or a range", server.Agent).Body(api.AddTimeoutIPSchema).Answer(api.Simple{}).
			Operation("post_operations_ip", "400 401 403"),
		server.Delete("/api/v2/operations/ipaddr", a.deleteBan).
			About("Let an address or a range in again", server.Agent).Body(api.DeleteTimeoutIPSchema).Answer(api.Simple{}).
			Operation("delete_operations_ip", "400 401 403"),
		server.Get("/api/v2/operations/ipaddr/{ipaddr}", a.getBans).
			About("See what keeps out an address", server.Key, server.Agent).Answer([]api.IPTimeout{}).
			Operation("get_operations_ip_single", "400 401 403"),
		server.Put("/api/v2/operations/block_worker_ipaddr/{worker_id}", a.putWorkerBan).
			About("Keep out the address of a worker", server.Agent).Body(api.AddWorkerTimeoutSchema).Answer(api.Simple{}).
			Operation("put_operations_block_worker_ip", "400 401 403"),
		server.Delete("/api/v2/operations/block_worker_ipaddr/{worker_id}", a.deleteWorkerBan).
			About("Let the address of a worker in again", server.Key, server.Agent).Answer(api.Simple{}).
			Operation("delete_operations_block_worker_ip", "400 401 403"),
	}
}

// replyBans answers with addresses that are kept out.
func replyBans(w http.ResponseWriter, r *http.Request, bans []moderation.Ban) error {
	list := make([]api.IPTimeout, len(bans))
	for i, b := range bans {
		list[i] = api.IPTimeout{IPAddr: b.Address, Seconds: b.Seconds}
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// getBlocks lists the ranges; timeouts of single addresses are not in it.
func (a *API) getBlocks(w http.ResponseWriter, r *http.Request) error {
	if _, err := a.Moderator(r); err != nil {
		return err
	}
	return replyBans(w, r, a.Addresses.Blocks())
}

// getBans shows the ranges that an address lies in and its own timeout.
func (a *API) getBans(w http.ResponseWriter, r *http.Request) error {
	bans, wrong := a.Addresses.BansOf(r.PathValue("ipaddr"))

	// What is no address is told to whoever has sent a key, be it a moderator's or not.
	if err := server.RequireKey(r); err != nil {
		return err
	}
	if wrong != nil {
		return wrong
	}
	if _, err := a.Moderator(r); err != nil {
		return err
	}
	return replyBans(w, r, bans)
}

// postBan keeps out an address or a range. What is neither is refused before the
// key is looked at.
func (a *API) postBan(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.AddTimeoutIP](w, r, api.AddTimeoutIPSchema)
	if err != nil {
		return err
	}
	target, err := moderation.ParseTarget(in.IPAddr)
	if err != nil {
		return err
	}
	caller, err := a.Moderator(r)
	if err != nil {
		return err
	}
	return a.ban(w, r, keptOut{target, caller}, time.Duration(in.Hours)*time.Hour)
}

// keptOut is what a moderator wants kept out, or let in again.
type keptOut struct {
	target    moderation.Target
	moderator *account.User
}

// ban keeps an address or a range out for some time.
func (a *API) ban(w http.ResponseWriter, r *http.Request, k keptOut, length time.Duration) error {
	if err := a.Addresses.Ban(r.Context(), k.target, length); err != nil {
		return err
	}
	done := account.Act{
		By:     k.moderator,
		Action: "address kept out",
		Target: k.target.String(),
		Detail: "for " + length.String(),
	}
	if err := a.Accounts.Record(r.Context(), done); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}

// deleteBan lets an address or a range in again; it need not be kept out.
func (a *API) deleteBan(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.DeleteTimeoutIP](w, r, api.DeleteTimeoutIPSchema)
	if err != nil {
		return err
	}
	target, err := moderation.ParseTarget(in.IPAddr)
	if err != nil {
		return err
	}
	caller, err := a.Moderator(r)
	if err != nil {
		return err
	}
	return a.unban(w, r, keptOut{target, caller})
}

// unban lets an address or a range in again.
func (a *API) unban(w http.ResponseWriter, r *http.Request, k keptOut) error {
	if err := a.Addresses.Unban(r.Context(), k.target); err != nil {
		return err
	}
	done := account.Act{By: k.moderator, Action: "address let in", Target: k.target.String()}
	if err := a.Accounts.Record(r.Context(), done); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}

// putWorkerBan keeps out the address that a worker last called from: of IPv6 its
// network of 64 bits.
func (a *API) putWorkerBan(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.AddWorkerTimeout](w, r, api.AddWorkerTimeoutSchema)
	if err != nil {
		return err
	}
	k, err := a.workerTarget(r)
	if err != nil {
		return err
	}
	return a.ban(w, r, k, time.Duration(in.Days)*24*time.Hour)
}

// deleteWorkerBan undoes putWorkerBan.
func (a *API) deleteWorkerBan(w http.ResponseWriter, r *http.Request) error {
	k, err := a.workerTarget(r)
	if err != nil {
		return err
	}
	return a.unban(w, r, k)
}

// workerTarget finds the address of the worker in the path, for a moderator. The key is
// looked at before the worker.
func (a *API) workerTarget(r *http.Request) (keptOut, error) {
	caller, err := a.Moderator(r)
	if err != nil {
		return keptOut{}, err
	}

	worker, err := a.Fleet.Find(r.Context(), r.PathValue("worker_id"))
	if err != nil {
		return keptOut{}, err
	}
	if err := a.Accounts.RefuseAbove(caller, worker.UserID); err != nil {
		return keptOut{}, err
	}
	target, ok := moderation.TargetOfWorker(worker.Addr)
	if !ok {
		return keptOut{}, horde.Errorf(horde.BadRequest, "The address of this worker is not known.")
	}
	return keptOut{target, caller}, nil
}
