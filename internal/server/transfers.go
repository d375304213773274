package server

import (
	"net/http"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/server/pyjson"
)

// gift reads the body that transfers and awards share, and whose key was sent.
func (s *Server) gift(w http.ResponseWriter, r *http.Request) (*account.User, account.Gift, error) {
	body, err := looseObject(w, r)
	if err != nil {
		return nil, account.Gift{}, err
	}
	if err := requireKey(r); err != nil {
		return nil, account.Gift{}, err
	}
	target, ok := pyjson.Text(body, "username")
	if !ok {
		return nil, account.Gift{}, invalidField("username", "The user ID which will receive the kudos. Missing required parameter in the JSON body")
	}
	amount, err := pyjson.Amount(body, "amount", 100)
	if err != nil {
		return nil, account.Gift{}, err
	}
	source, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	return source, account.Gift{Target: target, Amount: amount, Key: r.Header.Get("Idempotency-Key")}, err
}

// postTransfer gives kudos to somebody (platform §3.2).
func (s *Server) postTransfer(w http.ResponseWriter, r *http.Request) error {
	source, gift, err := s.gift(w, r)
	if err != nil {
		return err
	}
	if err := s.Accounts.Transfer(r.Context(), source, gift); horde.CodeOf(err) != "" {
		return refusedAs{err, http.StatusBadRequest} // all refusals of a transfer, whatever their usual status
	} else if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.KudosTransferred{Transferred: api.Float(gift.Amount)})
}

// postAward gives kudos of the horde to somebody, or takes some back
// (platform §3.2).
func (s *Server) postAward(w http.ResponseWriter, r *http.Request) error {
	source, gift, err := s.gift(w, r)
	if err != nil {
		return err
	}
	if err := s.Accounts.Award(r.Context(), source, gift.Target, gift.Amount); err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.KudosAwarded{Awarded: api.Float(gift.Amount)})
}
