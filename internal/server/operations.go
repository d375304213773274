package server

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
)

// operationRoutes are the lines of the routes table for what moderators do about
// network addresses (platform §3.7).
func (s *Server) operationRoutes() []route {
	const list, worker = "/api/v2/operations/ipaddr", "/api/v2/operations/block_worker_ipaddr/{worker_id}"
	done, timeouts := map[int]any{http.StatusOK: api.Simple{}}, map[int]any{http.StatusOK: []api.IPTimeout{}}
	return []route{
		{method: http.MethodGet, pattern: list, handle: s.getBlocks,
			doc: &doc{summary: "List the ranges of addresses that are kept out", key: true, agent: true, answers: timeouts}},
		{method: http.MethodPost, pattern: list, handle: s.postBan,
			doc: &doc{summary: "Keep out an address or a range", agent: true, body: api.AddTimeoutIPSchema, answers: done}},
		{method: http.MethodDelete, pattern: list, handle: s.deleteBan,
			doc: &doc{summary: "Let an address or a range in again", agent: true, body: api.DeleteTimeoutIPSchema, answers: done}},
		{method: http.MethodGet, pattern: list + "/{ipaddr}", handle: s.getBans,
			doc: &doc{summary: "See what keeps out an address", key: true, agent: true, answers: timeouts}},
		{method: http.MethodPut, pattern: worker, handle: s.putWorkerBan,
			doc: &doc{summary: "Keep out the address of a worker", agent: true, body: api.AddWorkerTimeoutSchema, answers: done}},
		{method: http.MethodDelete, pattern: worker, handle: s.deleteWorkerBan,
			doc: &doc{summary: "Let the address of a worker in again", key: true, agent: true, answers: done}},
	}
}

// moderator is the caller, who has to be a moderator.
func (s *Server) moderator(r *http.Request) (*account.User, error) {
	if err := requireKey(r); err != nil {
		return nil, err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err == nil && !caller.Is(account.Moderator) {
		err = errNotModerator
	}
	return caller, err
}

func replyOK(w http.ResponseWriter, r *http.Request) error {
	return reply(w, r, http.StatusOK, &api.Simple{Message: "OK"})
}

func replyBans(w http.ResponseWriter, r *http.Request, bans []moderation.Ban) error {
	list := make([]api.IPTimeout, len(bans))
	for i, b := range bans {
		list[i] = api.IPTimeout{IPAddr: b.Address, Seconds: b.Seconds}
	}
	return reply(w, r, http.StatusOK, list)
}

// getBlocks lists the ranges; timeouts of single addresses are not in it.
func (s *Server) getBlocks(w http.ResponseWriter, r *http.Request) error {
	if _, err := s.moderator(r); err != nil {
		return err
	}
	return replyBans(w, r, s.Addresses.Blocks())
}

// getBans shows the ranges that an address lies in and its own timeout.
func (s *Server) getBans(w http.ResponseWriter, r *http.Request) error {
	bans, wrong := s.Addresses.BansOf(r.PathValue("ipaddr"))
	if err := requireKey(r); err != nil {
		return err
	}
	if wrong != nil {
		return wrong
	}
	if _, err := s.moderator(r); err != nil {
		return err
	}
	return replyBans(w, r, bans)
}

// postBan keeps out an address or a range. What is neither is refused before the
// key is looked at.
func (s *Server) postBan(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.AddTimeoutIP](w, r, api.AddTimeoutIPSchema)
	if err != nil {
		return err
	}
	target, err := moderation.ParseTarget(in.IPAddr)
	if err != nil {
		return err
	}
	caller, err := s.moderator(r)
	if err != nil {
		return err
	}
	return s.ban(w, r, caller, target, time.Duration(in.Hours)*time.Hour)
}

func (s *Server) ban(w http.ResponseWriter, r *http.Request, caller *account.User, t moderation.Target, length time.Duration) error {
	if err := s.Addresses.Ban(r.Context(), t, length); err != nil {
		return err
	}
	s.log.InfoContext(r.Context(), "address kept out", "address", t.String(), "for", length, "moderator", caller.Alias())
	return replyOK(w, r)
}

// deleteBan lets an address or a range in again; it need not be kept out.
func (s *Server) deleteBan(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.DeleteTimeoutIP](w, r, api.DeleteTimeoutIPSchema)
	if err != nil {
		return err
	}
	target, err := moderation.ParseTarget(in.IPAddr)
	if err != nil {
		return err
	}
	caller, err := s.moderator(r)
	if err != nil {
		return err
	}
	return s.lift(w, r, caller, target)
}

func (s *Server) lift(w http.ResponseWriter, r *http.Request, caller *account.User, t moderation.Target) error {
	if err := s.Addresses.Unban(r.Context(), t); err != nil {
		return err
	}
	s.log.InfoContext(r.Context(), "address let in", "address", t.String(), "moderator", caller.Alias())
	return replyOK(w, r)
}

// putWorkerBan keeps out the address that a worker last called from: of IPv6 its
// network of 64 bits.
func (s *Server) putWorkerBan(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.AddWorkerTimeout](w, r, api.AddWorkerTimeoutSchema)
	if err != nil {
		return err
	}
	caller, target, err := s.workerTarget(r)
	if err != nil {
		return err
	}
	return s.ban(w, r, caller, target, time.Duration(in.Days)*24*time.Hour)
}

// deleteWorkerBan undoes putWorkerBan.
func (s *Server) deleteWorkerBan(w http.ResponseWriter, r *http.Request) error {
	caller, target, err := s.workerTarget(r)
	if err != nil {
		return err
	}
	return s.lift(w, r, caller, target)
}

// workerTarget is the address of the worker in the path, and the moderator who
// asks; the key is looked at before the worker.
func (s *Server) workerTarget(r *http.Request) (caller *account.User, t moderation.Target, err error) {
	if caller, err = s.moderator(r); err != nil {
		return nil, t, err
	}
	worker, err := s.Fleet.Find(r.Context(), r.PathValue("worker_id"))
	if err != nil {
		return nil, t, err
	}
	t, ok := moderation.TargetOfWorker(worker.Addr)
	if !ok {
		return nil, t, horde.Errorf(horde.BadRequest, "The address of this worker is not known.")
	}
	return caller, t, nil
}
