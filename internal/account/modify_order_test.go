package account

import (
	"context"
	"strconv"
	"testing"

	"horde/api"
	"horde/internal/horde"
)

// A role that a call gives its caller, or takes from them, counts for the fields
// after it in the order of platform §3.1, and for those alone.
func TestRolesOfTheCallCountForTheFieldsAfterThem(t *testing.T) {
	yes, no := true, false
	few, invited, comment, amount := 7, 3, "a calm person", 5.0
	type row struct {
		name    string
		caller  Role // roles that the caller has at first
		ranked  bool // the caller is in ADMINS
		in      api.ModifyUser
		refusal horde.Code
		roles   Role // that the caller has in the end
		limit   int  // the concurrency then
	}
	rows := []row{
		{
			name: "an administrator becomes moderator and trusted", ranked: true,
			in: api.ModifyUser{Trusted: &yes, Moderator: &yes}, roles: Moderator | Trusted, limit: 30,
		},
		{
			name: "trusted before moderator in the body, and taken back after it", ranked: true,
			in: api.ModifyUser{Trusted: &no, Moderator: &yes}, roles: Moderator, limit: 30,
		},
		{
			name: "every field of moderators after it", ranked: true,
			in: api.ModifyUser{
				Moderator:            &yes,
				Concurrency:          &few,
				WorkerInvited:        &invited,
				Flagged:              &no,
				Customizer:           &yes,
				VPN:                  &yes,
				Service:              &yes,
				Special:              &yes,
				ResetSuspicion:       &yes,
				AdminComment:         &comment,
				GenerateProxyPasskey: &yes,
			},
			roles: Moderator | Trusted | Customizer | VPN | Service | Special, limit: 7,
		},
		{
			name: "without the role nothing of moderators", ranked: true,
			in: api.ModifyUser{Kudos: &amount, Concurrency: &few}, refusal: horde.NotModerator, limit: 30,
		},
		{
			name: "who gives the role back has it no more", caller: Moderator | Trusted, ranked: true,
			in: api.ModifyUser{Moderator: &no, Concurrency: &few}, refusal: horde.NotModerator, roles: Trusted, limit: 30,
		},
		{
			name: "who gives the role back keeps what is the user's own", caller: Moderator, ranked: true,
			in: api.ModifyUser{Moderator: &no, PublicWorkers: &yes}, limit: 30,
		},
		{
			name: "a moderator who becomes a service has a passkey at once", caller: Moderator,
			in: api.ModifyUser{Service: &yes, GenerateProxyPasskey: &yes}, roles: Moderator | Service, limit: 30,
		},
		{
			name: "a service that is none any more has none", caller: Moderator | Service,
			in: api.ModifyUser{Service: &no, GenerateProxyPasskey: &yes}, refusal: horde.NonServiceForbidden, roles: Moderator,
			limit: 30,
		},
		{
			name: "a moderator appoints nobody", caller: Moderator,
			in: api.ModifyUser{Moderator: &yes, Concurrency: &few}, refusal: horde.NotAdmin, roles: Moderator, limit: 30,
		},
		{
			name: "a user gets nothing by asking",
			in:   api.ModifyUser{Moderator: &yes, Trusted: &yes}, refusal: horde.NotAdmin, limit: 30,
		},
	}

	each(t, func(w *world) {
		for i, c := range rows {
			w.t.Run(c.name, func(t *testing.T) {
				caller := w.user("caller-"+strconv.Itoa(i), c.caller, 0)
				w.config.Admins = func() []string { return nil }
				if c.ranked {
					w.config.Admins = func() []string { return []string{caller.Alias()} }
				}

				_, err := w.Modify(t.Context(), caller, caller.ID, c.in)

				wantCode(t, "the call", err, c.refusal)
				if got := w.again(caller); got.Roles != c.roles || got.Concurrency != c.limit {
					t.Errorf("roles %b and concurrency %d, want %b and %d", got.Roles, got.Concurrency, c.roles, c.limit)
				}
				w.sound()
			})
		}
	})
}

func TestRolesGivenToOthersAreNotTheCallers(t *testing.T) {
	each(t, func(w *world) {
		root, alice := w.user("root", 0, 0), w.user("alice", 0, 0)
		yes, few := true, 7

		m, err := w.Modify(context.Background(), root, alice.ID, api.ModifyUser{Moderator: &yes, Concurrency: &few})

		wantCode(w.t, "the field of moderators", err, horde.NotModerator)
		if got := w.again(alice); !got.Is(Moderator|Trusted) || got.Concurrency != 30 || !*m.Answer.Moderator ||
			m.Answer.Concurrency != nil {
			w.t.Errorf("alice: %+v, answer %+v", got, m.Answer)
		}
	})
}

// The answer says what a role is afterwards, not what was asked for.
func TestTheAnswerSaysWhatWasSet(t *testing.T) {
	each(t, func(w *world) {
		root, alice := w.user("root", Moderator, 0), w.user("alice", 0, 0)
		gone := w.user("gone", Moderator|Deleted, 0)
		for _, on := range []bool{true, false} {
			in := api.ModifyUser{Moderator: &on, Trusted: &on, Flagged: &on, Customizer: &on, VPN: &on, Service: &on,
				Education: &on, Special: &on}
			for _, c := range []struct {
				target horde.UserID
				want   bool
			}{{alice.ID, on}, {horde.AnonymousID, false}} {
				m, err := w.Modify(context.Background(), root, c.target, in)
				wantCode(w.t, "roles", err, "")
				a := m.Answer
				for name, got := range map[string]*bool{"moderator": a.Moderator, "trusted": a.Trusted, "flagged": a.Flagged,
					"customizer": a.Customizer, "vpn": a.VPN, "service": a.Service, "education": a.Education, "special": a.Special} {
					if got == nil || *got != c.want {
						w.t.Errorf("%s of user %d set to %v: the answer says %v, want %v", name, c.target, on, got, c.want)
					}
				}
			}
		}

		yes := true
		m, err := w.Modify(context.Background(), root, gone.ID, api.ModifyUser{Undelete: &yes})
		wantCode(w.t, "undelete", err, "")
		if *m.Answer.Undeleted || !w.again(gone).Is(Deleted) {
			w.t.Errorf("a moderator: undeleted %v, roles %b", *m.Answer.Undeleted, w.again(gone).Roles)
		}
	})
}
