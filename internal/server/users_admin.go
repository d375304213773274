package server

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
)

// getUsers lists the users, 25 a page (platform §3.1).
func (s *Server) getUsers(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	page, err := queryInt(query.Get("page"), "page", 1)
	if err != nil {
		return err
	}
	users, err := s.Accounts.List(r.Context(), query.Get("sort"), page)
	if err != nil {
		return err
	}
	list := make([]api.ListedUser, len(users))
	for i := range users {
		s.addWorkers(&users[i])
		list[i] = users[i].Listed()
	}
	return reply(w, r, http.StatusOK, list)
}

// userNumber is the number of a user in the path. Anything else than digits is
// nobody's; a number that is too large becomes one that nobody has.
func userNumber(r *http.Request) (int64, error) {
	text := r.PathValue("user_id")
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, horde.Errorf(horde.UserNotFound, "User with id '%s' not found.", clip(text, 40))
	}
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return math.MaxInt32, nil
	}
	return id, nil
}

// getUser shows a user: more to the user, most to moderators.
func (s *Server) getUser(w http.ResponseWriter, r *http.Request) error {
	id, err := userNumber(r)
	if err != nil {
		return err
	}
	var caller *account.User
	if key := apiKey(r); key != "" {
		if caller, err = s.Accounts.ByKey(r.Context(), key); err != nil {
			return err
		}
	}
	user, err := s.Accounts.ByID(r.Context(), id)
	if err != nil {
		return err
	}
	return s.replyUser(w, r, user, account.PrivilegeOf(caller, user))
}

func (s *Server) replyUser(w http.ResponseWriter, r *http.Request, user *account.User, p account.Privilege) error {
	details, err := s.Accounts.Details(r.Context(), user, p)
	if err != nil {
		return err
	}
	s.addWorkers(details)
	if p >= account.Own && !user.Anonymous() {
		if active := s.Queue.Active(user.ID); len(active.Image)+len(active.Text) > 0 {
			details.ActiveGenerations = &active
		}
	}
	return reply(w, r, http.StatusOK, details)
}

// addWorkers counts a user's workers, and names them where they are not secret.
func (s *Server) addWorkers(d *api.UserDetails) {
	public := d.WorkerIDs != nil
	for _, w := range s.Fleet.Owned(int64(d.ID)) {
		d.WorkerCount++
		if public {
			d.WorkerIDs = append(d.WorkerIDs, w.ID)
		}
	}
}

// putUser changes a user.
func (s *Server) putUser(w http.ResponseWriter, r *http.Request) error {
	in, body, err := decodeRaw[api.ModifyUser](w, r, api.ModifyUserSchema)
	if err != nil {
		return err
	}
	id, err := userNumber(r)
	if err != nil {
		return err
	}
	if _, err := s.Accounts.ByID(r.Context(), id); err != nil {
		return err
	}
	if err := requireKey(r); err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	if err := refuseNUL(&in, "username", "contact"); err != nil {
		return err
	}
	done, refusal := s.Accounts.Modify(r.Context(), caller, id, in)
	if refusal != nil && horde.CodeOf(refusal) == "" {
		return refusal
	}
	refusal = explainUnselected(refusal, r, body, api.ModifyUserSchema)
	if err := errors.Join(s.afterUser(r, id, done), refusal); err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &done.Answer)
}

// afterUser brings what changed of a user to the user's workers.
func (s *Server) afterUser(r *http.Request, id int64, done account.Modified) error {
	ctx := context.WithoutCancel(r.Context()) // the user has changed by now
	err := s.Fleet.OwnersChanged(ctx, id)
	if done.Unpause {
		err = errors.Join(err, s.Fleet.Unpause(ctx, id))
	}
	if done.ClearWorkers {
		err = errors.Join(err, s.Fleet.ClearSuspicions(ctx, id))
	}
	return err
}

// deleteUser marks a user as deleted, or wipes one that is marked and has been
// idle for long.
func (s *Server) deleteUser(w http.ResponseWriter, r *http.Request) error {
	id, err := userNumber(r)
	if err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	user, err := s.Accounts.ByID(r.Context(), id)
	if err != nil {
		return err
	}
	wipe, err := s.Accounts.Delete(r.Context(), caller, user)
	if err == nil && wipe {
		err = s.wipe(context.WithoutCancel(r.Context()), user.ID) // not half of it
	}
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Simple{Message: "OK"})
}

// wipe removes what a user leaves behind, then who the user was.
func (s *Server) wipe(ctx context.Context, user int64) error {
	if err := s.Fleet.RemoveOwned(ctx, user); err != nil {
		return err
	}
	keys, err := s.Accounts.DeleteSharedKeys(ctx, user)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := s.Queue.DropKey(ctx, user, key); err != nil {
			return err
		}
	}
	return s.Accounts.Wipe(ctx, user)
}
