package account

import (
	"context"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"unicode/utf8"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/moderation"
	"horde/internal/store"
)

// Modified is the result of Modify. Changing the user's workers is left to the
// caller.
type Modified struct {
	Answer api.ModifiedUser
	// Unpause: the user has become trusted, so no worker stays paused.
	Unpause bool
	// ClearWorkers: the suspicions against the user's workers are cleared too.
	ClearWorkers bool
}

// Modify changes a user as caller asks, field by field in the order of
// platform §3.1, whatever the order in the call. A role that a field grants or
// revokes counts for the fields after it. The first field that is refused ends it
// with its error; what came before is kept, and is in Modified, while of the refused
// field nothing is written. If an amount is too large nothing is changed: a
// validation error.
func (a *Accounts) Modify(ctx context.Context, caller *User, target horde.UserID, in api.ModifyUser) (Modified, error) {
	if in.Kudos != nil && math.Abs(*in.Kudos) > maxAtOnce {
		return Modified{}, horde.Invalid("kudos", "at most 10¹² kudos can be moved at once")
	}
	if in.MonthlyKudos != nil && (*in.MonthlyKudos > maxAtOnce || *in.MonthlyKudos < -maxAtOnce) {
		return Modified{}, horde.Invalid("monthly_kudos", "an allowance is at most 10¹² kudos")
	}

	m := &modification{
		in:     in,
		caller: caller,
		admin:  a.Admin(caller),
		above:  a.RefuseAbove(caller, target),
		entry:  "admin:" + horde.NewID(),
	}
	err := a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{target}, Do: m.run(target)})

	if errors.Is(err, store.ErrNotFound) {
		err = errUserNotFound(target)
	}
	if err != nil {
		return Modified{}, err
	}

	if m.refusal == nil && !m.selected {
		return Modified{}, horde.Errorf(horde.NoUserModSelected, "No field to change was given.")
	}
	if act, counts := m.act(); counts {
		if err := a.Record(ctx, act); err != nil {
			return m.out, err
		}
	}
	return m.out, m.refusal
}

// act describes what was changed by the rights of a moderator or administrator; counts is
// false if nothing was.
func (m *modification) act() (act Act, counts bool) {
	done := m.out.Answer
	if m.caller.ID == m.row.ID && !m.admin && !m.caller.Is(Moderator) || done == (api.ModifiedUser{}) {
		return act, false
	}
	if done.ProxyPasskey != nil {
		hidden := "(new)"
		done.ProxyPasskey = &hidden
	}

	text, _ := json.Marshal(done) // of numbers, booleans and texts
	return Act{By: m.caller, Action: "user changed", Target: fromRow(m.row).Alias(), Detail: string(text)}, true
}

// modification is a Modify in progress. Its run may be repeated from the start.
type modification struct {
	in     api.ModifyUser
	caller *User
	admin  bool
	above  error  // refuses fields of moderators, where the user stands above the caller
	entry  string // id of the ledger event

	tx       *store.Tx
	row      store.User
	ledger   *kudos.Entry
	out      Modified
	selected bool
	refusal  error // ends the blocks
}

// run returns the unit of work.
func (m *modification) run(target horde.UserID) func(*store.Tx) error {
	return func(tx *store.Tx) (err error) {
		m.tx, m.out, m.selected, m.refusal = tx, Modified{}, false, nil
		m.ledger = kudos.NewEntry(tx, m.entry, "changed by "+m.caller.Alias(), "", "")
		m.ledger.About(kudos.About{By: m.caller.ID})

		if m.row, err = living(tx, target); err != nil {
			return err
		}

		// Apply the fields in order, up to the first that is refused.
		for _, b := range m.blocks() {
			if !b.given {
				continue
			}
			m.selected = true
			if err := b.do(); err != nil {
				if horde.CodeOf(err) == "" {
					return err
				}
				m.refusal = err
				break
			}
		}

		if err := m.ledger.Commit(); err != nil {
			return err
		}
		return tx.UpdateUser(m.row)
	}
}

// block changes one field.
type block struct {
	given bool
	do    func() error
}

// blocks lists the fields in their order.
func (m *modification) blocks() []block {
	in, out := &m.in, &m.out.Answer

	return []block{
		{in.Kudos != nil, m.addKudos},
		{in.MonthlyKudos != nil, m.addMonthly},
		{in.UsageMultiplier != nil, m.after(m.mustAdminister, func() error {
			m.row.UsageMultiplier = int64(math.Round(*in.UsageMultiplier * 1000))
			v := api.Float(*in.UsageMultiplier)
			out.UsageMultiplier = &v
			return nil
		})},
		{in.Moderator != nil, m.after(m.mustAdminister, m.setModerator)},
		{in.Concurrency != nil, m.after(m.mustModerate, func() error {
			m.row.Concurrency, out.Concurrency = *in.Concurrency, in.Concurrency
			return nil
		})},
		{in.WorkerInvited != nil, m.after(m.mustModerate, func() error {
			m.row.WorkerInvited, out.WorkerInvited = *in.WorkerInvited, in.WorkerInvited
			return nil
		})},
		{in.Trusted != nil, m.after(m.mustModerate, m.setTrusted)},
		m.role(in.Flagged, &out.Flagged, Flagged),
		m.role(in.Customizer, &out.Customizer, Customizer),
		m.role(in.VPN, &out.VPN, VPN),
		m.role(in.Service, &out.Service, Service),
		{in.Education != nil, m.after(m.mustModerate, m.setEducation)},
		m.role(in.Special, &out.Special, Special),
		{in.ResetSuspicion != nil, m.after(m.mustModerate, func() error {
			m.row.Suspicions, m.out.ClearWorkers, out.NewSuspicion = "", true, new(int)
			return nil
		})},
		{in.AdminComment != nil, m.after(m.mustModerate, m.setComment)},
		{in.PublicWorkers != nil, m.after(m.mustOwnNamed, func() error {
			m.row.PublicWorkers, out.PublicWorkers = *in.PublicWorkers, in.PublicWorkers
			return nil
		})},
		{in.Username != nil, m.after(m.mustOwnNamed, m.setName)},
		{in.Contact != nil, m.after(m.mustOwnNamed, m.setContact)},
		{in.GenerateProxyPasskey != nil, m.after(m.mustOwn, m.newPasskey)},
		{in.Undelete != nil, m.after(m.mustOwn, m.undelete)},
	}
}

// after returns do behind a check of the caller's rights.
func (m *modification) after(may, do func() error) func() error {
	return func() error {
		if err := may(); err != nil {
			return err
		}
		return do()
	}
}

// mustAdminister, mustModerate and mustOwn refuse callers without the right; mustOwnNamed
// also refuses the anonymous user.
func (m *modification) mustAdminister() error {
	if !m.admin {
		return horde.Errorf(horde.NotAdmin, "This can only be changed by the administrators of this horde.")
	}
	return nil
}

// callerIs reports whether the caller has a role at this point of the call:
// callers who change themselves may have gained or lost it by an earlier field.
func (m *modification) callerIs(r Role) bool {
	if m.caller.ID == m.row.ID {
		return Role(m.row.Roles)&r != 0
	}
	return m.caller.Is(r)
}

func (m *modification) mustModerate() error {
	if !m.callerIs(Moderator) {
		return horde.Errorf(horde.NotModerator, "This can only be changed by the moderators of this horde.")
	}
	return m.above
}

func (m *modification) mustOwn() error {
	if m.caller.ID != m.row.ID && !m.callerIs(Moderator) {
		return horde.Errorf(horde.NotModerator, "This can only be changed by the user and the moderators of this horde.")
	}
	return m.above
}

func (m *modification) mustOwnNamed() error {
	if err := m.mustOwn(); err != nil {
		return err
	}
	if m.caller.Anonymous() {
		return horde.Errorf(horde.AnonForbiddenUserMod, "The anonymous user cannot be changed by just anybody.")
	}
	return nil
}

// addKudos grants kudos by hand.
func (m *modification) addKudos() error {
	if err := m.mustAdminister(); err != nil {
		return err
	}
	if err := m.ledger.Grant(m.row.ID, horde.Whole(int64(*m.in.Kudos)), kudos.ByAdmin); err != nil {
		return err
	}

	acc, err := m.tx.Account(m.row.ID)
	if err != nil {
		return err
	}

	v := api.Float(acc.Balance.Float())
	m.out.Answer.NewKudos = &v
	return nil
}

func (m *modification) addMonthly() error {
	if err := m.mustAdminister(); err != nil {
		return err
	}

	more := *m.in.MonthlyKudos
	m.row.Monthly = max(0, m.row.Monthly+more)
	m.out.Answer.MonthlyKudos = &m.row.Monthly

	if more <= 0 {
		return nil
	}

	if m.row.MonthlyReceived == 0 {
		m.row.MonthlyReceived = m.tx.Now
	}
	return m.ledger.Grant(m.row.ID, horde.Whole(more), kudos.Recurring)
}

func (m *modification) anonymous() bool { return m.row.OAuthID == anonymousOAuth }

// set grants or revokes a role, and returns whether the user has it now, for the
// answer: the anonymous user never has one.
func (m *modification) set(r Role, on bool) *bool {
	switch {
	case m.anonymous():
		on = false
	case on:
		m.row.Roles |= int64(r)
	default:
		m.row.Roles &^= int64(r)
	}
	return &on
}

// role returns the block of a role without further effects.
func (m *modification) role(in *bool, out **bool, r Role) block {
	return block{in != nil, m.after(m.mustModerate, func() error {
		*out = m.set(r, *in)
		return nil
	})}
}

func (m *modification) setModerator() error {
	m.out.Answer.Moderator = m.set(Moderator, *m.in.Moderator)
	if *m.in.Moderator {
		_, err := m.trust(*m.in.Moderator)
		return err
	}
	return nil
}

func (m *modification) setTrusted() (err error) {
	m.out.Answer.Trusted, err = m.trust(*m.in.Trusted)
	return err
}

// trust grants or revokes the trusted role, and returns whether the user has it now.
// It comes with the escrow and the end of all pauses (platform §6.4).
func (m *modification) trust(on bool) (*bool, error) {
	is := m.set(Trusted, on)
	if !*is {
		return is, nil
	}

	m.out.Unpause = true
	return is, m.ledger.Promote(m.row.ID)
}

var errProfaneName = horde.Errorf(horde.ProfaneUserName, "Please choose a username that everybody can read.")

// Concurrency of education accounts and of all others, unless it was set by hand.
const (
	educationConcurrency = 200
	defaultConcurrency   = 30
)

func (m *modification) setEducation() error {
	on := *m.in.Education
	m.out.Answer.Education = m.set(Education, on)
	if m.in.Concurrency != nil || m.anonymous() {
		return nil
	}

	switch {
	case on && m.row.Concurrency < educationConcurrency:
		m.row.Concurrency = educationConcurrency
	case !on && m.row.Concurrency == educationConcurrency:
		m.row.Concurrency = defaultConcurrency
	default:
		return nil
	}
	m.out.Answer.Concurrency = &m.row.Concurrency
	return nil
}

func (m *modification) setComment() error {
	if moderation.Profane(*m.in.AdminComment) {
		return horde.Errorf(horde.ProfaneAdminComment, "Please choose words that everybody can read.")
	}
	m.row.AdminComment, m.out.Answer.AdminComment = *m.in.AdminComment, m.in.AdminComment
	return nil
}

func (m *modification) setName() error {
	name := strings.TrimSpace(*m.in.Username)
	if err := checkName(name); err != nil {
		return err
	}
	if utf8.RuneCountInString(name) > maxUsername {
		return horde.Errorf(horde.TooLongUserName, "A username has at most %d characters.", maxUsername)
	}
	m.row.Username = cleanName(name)
	m.out.Answer.Username = &m.row.Username
	return nil
}

func (m *modification) setContact() error {
	if moderation.Profane(*m.in.Contact) {
		return horde.Errorf(horde.ProfaneUserContact, "Please choose contact details that everybody can read.")
	}
	m.row.Contact = moderation.Sanitize(*m.in.Contact)
	m.out.Answer.Contact = &m.row.Contact
	return nil
}

func (m *modification) newPasskey() error {
	if !m.callerIs(Service) {
		return horde.Errorf(horde.NonServiceForbidden, "Only service accounts have a proxy passkey.")
	}
	m.row.ProxyPasskey = horde.NewAPIKey()
	m.out.Answer.ProxyPasskey = &m.row.ProxyPasskey
	return nil
}

func (m *modification) undelete() error {
	if Role(m.row.Roles)&Deleted == 0 {
		return horde.Errorf(horde.UserNotDeleted, "This account is not deleted.")
	}

	// Nothing changes for moderators (platform §3.1), and the answer says so.
	undeleted := Role(m.row.Roles)&Moderator == 0
	if undeleted {
		m.row.Roles &^= int64(Deleted)
	}
	m.out.Answer.Undeleted = &undeleted
	return nil
}
