package v2

import (
	"context"
	"errors"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/server"
)

// userRates limit what is asked of one user (platform §1.6).
var userRates = server.Rates{{Calls: 60, Per: time.Minute, By: server.ByPath}}

// userRoutes declares what can be asked of users (platform §3.1).
func (a *API) userRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/v2/users", a.getUsers).
			About("List the users", server.Agent).
			Query(server.IntParam("page", "Page of 25, from 1.").Or(1), server.TextParam("sort", "kudos or age.").Or("kudos")).
			Answer([]api.ListedUser{}).
			Operation("get_users", ""),
		server.Get("/api/v2/users/{user_id}", a.getUser).Limit(userRates).
			About("See a user", server.OptionalKey, server.Agent).Answer(api.UserDetails{}).
			Operation("get_user_single", "401 404"),
		server.Put("/api/v2/users/{user_id}", a.putUser).Limit(userRates).
			About("Change a user", server.Key, server.Agent).Body(api.ModifyUserSchema).Answer(api.ModifiedUser{}).
			Operation("put_user_single", "400 401 403 404"),
		server.Delete("/api/v2/users/{user_id}", a.deleteUser).Limit(userRates).
			About("Delete a user", server.Key, server.Agent).Answer(api.Simple{}).
			Operation("delete_user_single", "401 403 404"),
		server.Get("/api/v2/find_user", a.getFindUser).
			About("See whose an API key is", server.OptionalKey, server.Agent).Answer(api.UserDetails{}).
			Operation("get_find_user", "400 404"),
	}
}

// getUsers lists the users, 25 a page (platform §3.1).
func (a *API) getUsers(w http.ResponseWriter, r *http.Request) error {
	query := r.URL.Query()
	page, err := server.QueryInt(query.Get("page"), "page", 1)
	if err != nil {
		return err
	}

	users, err := a.Accounts.List(r.Context(), query.Get("sort"), page)
	if err != nil {
		return err
	}

	list := make([]api.ListedUser, len(users))
	for i := range users {
		if err := a.addWorkers(r.Context(), &users[i]); err != nil {
			return err
		}
		list[i] = users[i].Listed()
	}
	return server.Reply(w, r, http.StatusOK, list)
}

// userNumber is the number of a user in the path. Anything else than digits is
// nobody's; a number that is too large becomes one that nobody has.
func userNumber(r *http.Request) (horde.UserID, error) {
	text := r.PathValue("user_id")
	if text == "" || strings.Trim(text, "0123456789") != "" {
		return 0, horde.Errorf(horde.UserNotFound, "User with id '%s' not found.", server.Clip(text, 40))
	}
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil {
		return math.MaxInt32, nil
	}
	return horde.UserID(id), nil
}

// getUser shows a user: more to the user, most to moderators.
func (a *API) getUser(w http.ResponseWriter, r *http.Request) error {
	id, err := userNumber(r)
	if err != nil {
		return err
	}

	var caller *account.User
	if key := server.APIKey(r); key != "" {
		if caller, err = a.Accounts.ByKey(r.Context(), key); err != nil {
			return err
		}
	}

	user, err := a.Accounts.ByID(r.Context(), id)
	if err != nil {
		return err
	}
	return a.replyUser(w, r, user, account.PrivilegeOf(caller, user))
}

// replyUser answers with what a caller of some privilege sees of a user.
func (a *API) replyUser(w http.ResponseWriter, r *http.Request, user *account.User, p account.Privilege) error {
	details, err := a.Accounts.Details(r.Context(), user, p)
	if err != nil {
		return err
	}

	if err := a.addWorkers(r.Context(), details); err != nil {
		return err
	}
	if p >= account.Own && !user.Anonymous() {
		if active := a.Queue.Active(user.ID); len(active.Image)+len(active.Text) > 0 {
			details.ActiveGenerations = &active
		}
	}
	return server.Reply(w, r, http.StatusOK, details)
}

// addWorkers counts a user's workers, and names them where they are not secret.
func (a *API) addWorkers(ctx context.Context, d *api.UserDetails) error {
	own, err := a.Fleet.OwnedIDs(ctx, horde.UserID(d.ID))
	if err != nil {
		return err
	}

	d.WorkerCount = len(own)
	if d.WorkerIDs != nil {
		d.WorkerIDs = own
	}
	return nil
}

// putUser changes a user.
func (a *API) putUser(w http.ResponseWriter, r *http.Request) error {
	in, body, err := server.DecodeRaw[api.ModifyUser](w, r, api.ModifyUserSchema)
	if err != nil {
		return err
	}
	id, err := userNumber(r)
	if err != nil {
		return err
	}

	// An unknown user is refused before the key is looked at.
	if _, err := a.Accounts.ByID(r.Context(), id); err != nil {
		return err
	}
	if err := server.RequireKey(r); err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}
	if err := server.RefuseNUL(&in, "username", "contact"); err != nil {
		return err
	}

	// The first change that is refused ends it; what came before stays, and reaches the
	// user's workers.
	done, refusal := a.Accounts.Modify(r.Context(), caller, id, in)
	if refusal != nil && horde.CodeOf(refusal) == "" {
		return refusal
	}
	refusal = explainUnselected(refusal, r, body, api.ModifyUserSchema)
	if err := errors.Join(a.afterUser(r, id, done), refusal); err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &done.Answer)
}

// afterUser brings what changed of a user to the user's workers.
func (a *API) afterUser(r *http.Request, id horde.UserID, done account.Modified) (err error) {
	ctx := context.WithoutCancel(r.Context()) // the user has changed by now
	if done.Unpause {
		err = a.Fleet.Unpause(ctx, id)
	}
	if done.ClearWorkers {
		err = errors.Join(err, a.Fleet.ClearSuspicions(ctx, id))
	}
	return err
}

// deleteUser marks a user as deleted, or wipes one that is marked and has been
// idle for long.
func (a *API) deleteUser(w http.ResponseWriter, r *http.Request) error {
	id, err := userNumber(r)
	if err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}
	user, err := a.Accounts.ByID(r.Context(), id)
	if err != nil {
		return err
	}

	wipe, err := a.Accounts.Delete(r.Context(), caller, user)
	if err == nil && wipe {
		err = a.wipe(context.WithoutCancel(r.Context()), user.ID) // not half of it
	}
	if err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}

// wipe removes what a user leaves behind, then who the user was.
func (a *API) wipe(ctx context.Context, user horde.UserID) error {
	if err := a.Fleet.RemoveOwned(ctx, user); err != nil {
		return err
	}

	keys, err := a.Accounts.DeleteSharedKeys(ctx, user)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := a.Queue.DropKey(ctx, user, key); err != nil {
			return err
		}
	}

	return a.Accounts.Wipe(ctx, user)
}

// getFindUser answers whose a key is (platform §3.1).
func (a *API) getFindUser(w http.ResponseWriter, r *http.Request) error {
	key := server.APIKey(r)
	if key == "" {
		return account.ErrUnknownKey
	}
	if horde.IsID(key) {
		return a.replyKeyHolder(w, r, key)
	}

	user, err := a.Accounts.ByKey(r.Context(), key)
	if horde.CodeOf(err) == horde.InvalidAPIKey {
		server.LogFailedKey(r)
		return errKeyOfNobody
	}
	if err != nil {
		return err
	}
	return a.replyUser(w, r, user, account.Own)
}

// errKeyOfNobody is what getFindUser says of a key that is nobody's.
var errKeyOfNobody = horde.Errorf(horde.UserNotFound, "No user matching the sent API key.")

// replyKeyHolder answers with what a shared key says of the user who shares it.
func (a *API) replyKeyHolder(w http.ResponseWriter, r *http.Request, key string) error {
	shared, err := a.Accounts.SharedKey(r.Context(), key)
	if horde.CodeOf(err) != "" {
		server.LogFailedKey(r)
		return errKeyOfNobody
	}
	if err != nil {
		return err
	}

	details, err := a.Accounts.KeyHolder(r.Context(), shared)
	if err != nil {
		return err
	}
	if err := a.addWorkers(r.Context(), details); err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, details)
}
