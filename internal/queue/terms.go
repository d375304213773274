package queue

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"

	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/store"
	"horde/internal/style"
)

// From is where a request comes from.
type From struct {
	Key         string
	ClientAgent string
	Addr        netip.Addr // of the person who asks; the zero Addr is nobody's
	Proxy       netip.Addr // of the service that called for them; the same as Addr without one
	UnsafeIP    bool       // known to be unsafe, without asking
}

// terms are who asks for a request, who pays for it and whose style it uses.
type terms struct {
	asker *account.User      // whose key was sent
	user  *account.User      // on whose account the request runs
	key   *account.SharedKey // whose budget pays; nil: none
	style *style.Chosen      // nil: none

	// downgrade: the request may wait longer, or be made smaller, for lack of kudos.
	downgrade bool
	// smallerWouldDo: with downgrade the budget would not be looked at.
	smallerWouldDo bool
	// waived: the key is the style's, so its limits do not count
	// (generation §4).
	waived bool
	// deprioritized: the budget does not cover the request, which waits behind all
	// others. Its owner pays what the budget has; the rest is forgiven.
	deprioritized bool
	// favoured: the caller's address gets the higher rate limits (generation §1.4 row 15).
	favoured bool
}

// lowestPriority is the priority of a request that its shared key cannot pay in
// full (generation §1.5 step 4).
const lowestPriority = -50

// findPayer finds who pays: the key that was sent, or the key of the style. The
// sent key must be good in both cases (rows 7–10, decision 16).
func (t *terms) findPayer(ctx context.Context, accounts *account.Accounts, key string) (err error) {
	if t.asker, t.key, err = accounts.Spender(ctx, account.Credential{Key: key, Downgrade: t.downgrade}); err != nil {
		return err
	}
	t.user = t.asker
	if t.style == nil || t.style.Style.SharedKey == "" {
		return nil
	}

	k, err := accounts.SharedKey(ctx, t.style.Style.SharedKey)
	if horde.CodeOf(err) != "" {
		return nil // deleted just now
	}
	if err == nil && accounts.Valid(k) {
		t.key, t.user, t.waived = k, k.Owner, true
	}
	return err
}

// caller is who asks as the checks see it: the account that the request runs on,
// with what is held against the one who sent it.
func (t *terms) caller() admission.Caller {
	c := callerOf(t.user)
	c.Flagged = c.Flagged || t.asker.Is(account.Flagged)
	c.Deleted = c.Deleted || t.asker.Is(account.Deleted)
	return c
}

// keyID is the id of the shared key that pays, or "".
func (t *terms) keyID() string {
	if t.key == nil {
		return ""
	}
	return t.key.ID
}

// afford compares a price with what is left of the shared key's budget (generation §1.5 step 4).
// mayDowngrade says whether a smaller request would do.
func (t *terms) afford(cost kinds.Price, mayDowngrade bool) error {
	t.smallerWouldDo = mayDowngrade
	if t.key == nil || !exceeds(cost, &t.key.SharedKey) {
		return nil
	}
	if !t.downgrade || !mayDowngrade {
		return t.errBudget(&t.key.SharedKey, cost)
	}
	t.deprioritized = true
	return nil
}

// within compares a job with the limits of the shared key (generation §1.5 step 6).
func (t *terms) within(r kinds.Bounded) error {
	if t.key == nil || t.waived {
		return nil
	}

	var broken []string
	for _, l := range r.Limits(&t.key.SharedKey) {
		if l.Exceeded() {
			broken = append(broken, l.Refusal())
		}
	}
	if len(broken) == 0 {
		return nil
	}
	return horde.Errorf(horde.BadRequest,
		"%s Ask for less, or ask the key's owner to allow more.", strings.Join(broken, " "))
}

// exceeds reports whether a price is more than what is left of a budget.
func exceeds(cost kinds.Price, k *store.SharedKey) bool {
	return k.Limited() && k.Budget-k.Held < cost.Budgeted()
}

// errBudget refuses what the budget of the shared key does not cover.
func (t *terms) errBudget(k *store.SharedKey, cost kinds.Price) error {
	costs := fmt.Sprintf("costs about %s kudos", cost.Needed)
	if cost.Most > cost.Needed {
		costs = fmt.Sprintf("can cost up to %s kudos", cost.Most)
	}

	advice := "Ask for less"
	if k.Held > 0 {
		advice = "Wait for the open requests, ask for less"
	}
	if t.smallerWouldDo && !t.downgrade {
		advice += ", set allow_downgrade"
	}
	return horde.Errorf(horde.SharedKeyInsufficientKudos,
		"This request %s, and the shared key has %s. %s, or ask the key's owner for more.",
		costs, leftOn(k), advice)
}

// leftOn says what a key with a budget has left.
func leftOn(k *store.SharedKey) string {
	if k.Held == 0 {
		return fmt.Sprintf("%s left", k.Left())
	}
	return fmt.Sprintf("%s left, beside %s that are set aside for its open requests", k.Left(), k.Held)
}

// accounts are those that accepting the request changes.
func (t *terms) accounts() []horde.UserID {
	all := []horde.UserID{t.user.ID}
	if t.style != nil {
		all = append(all, t.style.Accounts()...)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// recheck looks again at a shared key's budget, inside the transaction: another
// request may have spent it meanwhile. One that may be downgraded is let through
// then as well, as mayDowngrade says.
func (t *terms) recheck(tx *store.Tx, cost kinds.Price, mayDowngrade bool) (*store.SharedKey, error) {
	if t.key == nil {
		return nil, nil
	}
	k, err := tx.SharedKey(t.key.ID)
	if errors.Is(err, store.ErrNotFound) {
		return nil, horde.Errorf(horde.InvalidAPIKey, "This shared key does not exist any more.")
	}
	if err == nil && !t.waived && k.Styles > 0 { // since just now
		err = account.ErrKeyOfStyles
	}
	if err != nil || t.deprioritized || !exceeds(cost, &k) {
		return &k, err
	}

	if !t.downgrade || !mayDowngrade {
		return nil, t.errBudget(&k, cost)
	}
	t.deprioritized = true
	return &k, nil
}

// priority is where the request starts in the queue, by the balance of who pays:
// the rows of generation §5.1 in their order.
func (t *terms) priority(balance horde.Kudos) int64 {
	flagged := t.user.Is(account.Flagged)
	if t.deprioritized && !flagged {
		return lowestPriority
	}
	return priorityOf(balance, flagged)
}

// priorityOf is the starting priority of generation §5.1, from the balance before the tax.
func priorityOf(balance horde.Kudos, flagged bool) int64 {
	whole := int64(math.RoundToEven(balance.Float()))
	switch {
	case flagged && whole > 10:
		return int64(math.RoundToEven(float64(whole) / 1000))
	case flagged:
		return -100
	}
	return whole
}

func callerOf(u *account.User) admission.Caller {
	return admission.Caller{
		ID:        u.ID,
		Alias:     u.Alias(),
		Anonymous: u.Anonymous(),
		Trusted:   u.Is(account.Trusted),
		Special:   u.Is(account.Special),
		Service:   u.Is(account.Service),
		Education: u.Is(account.Education),
		Deleted:   u.Is(account.Deleted),
		Flagged:   u.Is(account.Flagged),
		Moderator: u.Is(account.Moderator),
		Patron:    u.Patron,
	}
}
