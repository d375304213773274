package account

import (
	"fmt"
	"strings"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
)

// words describes one story to one user. Whoever was paid for a job is
// not told the id of its request: knowing it is the right to read it.
type words struct {
	t     *narrator
	s     *story
	parts []kudos.Part // of the user
}

// part sums up the user's parts of a kind.
func (w *words) part(what kudos.PartKind) (sum horde.Kudos, has bool) {
	for _, p := range w.parts {
		if p.Kind == what {
			sum, has = sum+p.Amount, true
		}
	}
	return sum, has
}

func (w *words) has(what ...kudos.PartKind) bool {
	for _, x := range what {
		if _, ok := w.part(x); ok {
			return true
		}
	}
	return false
}

// movement describes the story according to its kind, with which the event's id begins.
func (w *words) movement() api.KudosMovement {
	kind, _, _ := strings.Cut(w.s.Event.ID, ":")

	var m api.KudosMovement
	switch kind {
	case "accept":
		m = w.accepted()
	case "deliver", "form":
		m = w.delivered()
	case "uptime":
		m = api.KudosMovement{Kind: "uptime", Text: "uptime of your " + w.worker()}
		w.nameWorker(&m)
	case "transfer":
		m = w.transferred()
	case "award":
		m = api.KudosMovement{Kind: "award", Text: "awarded by " + w.t.alias(w.s.By), Username: w.t.alias(w.s.By)}
		if w.s.Movement.Balance < 0 {
			m.Text = "award taken back by " + m.Username
		}
	case "monthly":
		m = api.KudosMovement{Kind: "monthly", Text: "monthly kudos for " + monthName(w.s.Month)}
	case "admin":
		m = w.administered()
	case "trusted":
		m = api.KudosMovement{Kind: "promotion", Text: "you became trusted: what was kept back can be spent"}
	case "rate":
		m = api.KudosMovement{Kind: "rating", Text: "you rated the images of a request", Request: w.s.Event.RequestID}
	case "test":
		m = api.KudosMovement{Kind: "test", Text: "balance of a test account set"}
	default:
		m = api.KudosMovement{Kind: "other", Text: w.s.Event.Reason}
	}

	return w.finish(m)
}

// finish adds what may apply to any movement.

func (w *words) finish(m api.KudosMovement) api.KudosMovement {
	if m.Text == "" {
		m.Text = "movement without a reason"
	}

	if floored, ok := w.part(kudos.ForgivenByFloor); ok {
		m.Text += fmt.Sprintf("; %s %s, since no balance stays below what every account keeps", floored, w.floorEffect())
	}
	if forgiven, ok := w.part(kudos.ForgivenByBudget); ok {
		m.Text += fmt.Sprintf("; %s of it forgiven, since the budget of the shared key did not cover it", forgiven)
	}
	if kept, ok := w.part(kudos.Escrowed); ok && kept > 0 {
		m.Text += fmt.Sprintf("; %s kept back until you are trusted", kept)
	}
	if forgone, ok := w.part(kudos.Forgone); ok {
		m.Text += fmt.Sprintf("; %s forgone, since the day's bound of what nobody pays for is reached", -forgone)
	}

	return m
}

// floorEffect says what a floor did: it forgave a loss, or gave more than was due.
func (w *words) floorEffect() string {
	if w.s.Movement.Balance > 0 {
		return "given on top"
	}
	return "of it forgiven"
}

// charged reports whether the user paid in this story. Stories without parts are
// from before there were any.
func (w *words) charged() bool {
	return w.has(kudos.Tax, kudos.ExtraSources, kudos.Image, kudos.Text, kudos.Form, kudos.Burned) ||
		len(w.s.Moves) == 0 && w.s.Movement.Balance < 0
}

// accepted describes what accepting a request cost, or earned the owner of its style.
func (w *words) accepted() api.KudosMovement {
	if !w.charged() {
		m := api.KudosMovement{Kind: "style", Text: "one of your styles was used"}
		if w.s.Style != "" {
			m.Text = fmt.Sprintf("your style %q was used", w.s.Style)
		}
		return m
	}

	m := api.KudosMovement{Kind: "request", Text: "request accepted: its tax", Request: w.s.Event.RequestID}
	if w.has(kudos.ExtraSources) {
		m.Text += " and extra source images"
	}
	if w.s.Style != "" {
		m.Text += fmt.Sprintf(", with the style %q", w.s.Style)
	}
	w.nameKey(&m)
	if w.has(kudos.StyleUsed) {
		m.Text += "; your own style was used"
	}
	return m
}

// delivered describes a delivery to whoever paid for it or earned by it.
func (w *words) delivered() api.KudosMovement {
	m := api.KudosMovement{Kind: "work", Text: deliveryText(w.s.Event.Reason), Job: w.s.Event.JobID, Model: w.s.Model}
	paid := w.charged()

	if w.s.Censored {
		m.Text += " (censored)"
	}
	if w.s.Model != "" {
		m.Text += fmt.Sprintf(", %s", w.s.Model)
	}

	m.Text += " by "
	w.nameWorker(&m)
	switch {
	case !paid:
		m.Text += "your "
	case m.WorkerName == "":
		m.Text += "a "
	}
	m.Text += w.worker()

	if paid && w.has(kudos.Rewarded, kudos.Escrowed) {
		m.Text += ", which is your own and earned"
	}
	if paid {
		m.Kind, m.Request = "request", w.s.Event.RequestID
		w.nameKey(&m)
	}
	return m
}

// deliveryText words the reason of a delivery. The ledger keeps the words of its first
// version.
func deliveryText(reason string) string {
	if reason == kudos.ImageDelivered {
		return "image delivered"
	}
	return reason
}

// administered describes a change by hand: who made it, what and why.
func (w *words) administered() api.KudosMovement {
	by := w.t.alias(w.s.By)
	m := api.KudosMovement{Kind: "admin", Text: "changed by " + by, Username: by, Reason: w.s.Why}

	var what []string
	if w.has(kudos.Allowance) {
		what = append(what, "monthly kudos raised")
	}
	if w.has(kudos.Promoted) {
		what = append(what, "you became trusted, so what was kept back can be spent")
	}
	if w.s.Why != "" {
		what = append(what, w.s.Why)
	}

	if len(what) > 0 {
		m.Text += ": " + strings.Join(what, "; ")
	}
	return m
}

// transferred describes a gift to whoever sent or received it.
func (w *words) transferred() api.KudosMovement {
	m := api.KudosMovement{Kind: "transfer", Text: "kudos transferred"}
	for _, o := range w.s.Moves {
		if o.User != w.t.user {
			m.Username = w.t.alias(o.User)
		}
	}

	switch {
	case w.has(kudos.Given):
		m.Text = "given to " + m.Username
		if w.s.Key != "" {
			m.Text += " for a shared key"
		}
	case w.has(kudos.Received):
		m.Text = "received from " + m.Username
		if w.s.Key != "" {
			m.SharedKey, m.SharedKeyName = w.s.Key, w.t.names.Keys[w.s.Key]
			m.Text += " for your " + w.key()
		}
	}
	return m
}

// nameKey adds that a shared key of the user paid.
func (w *words) nameKey(m *api.KudosMovement) {
	if w.s.Key == "" {
		return
	}
	m.SharedKey, m.SharedKeyName = w.s.Key, w.t.names.Keys[w.s.Key]
	m.Text += ", by your " + w.key()
}

func (w *words) key() string {
	name, ok := w.t.names.Keys[w.s.Key]
	switch {
	case !ok:
		return "shared key that is deleted"
	case name == "":
		return "shared key " + w.s.Key
	}
	return fmt.Sprintf("shared key %q", name)
}

func (w *words) nameWorker(m *api.KudosMovement) {
	m.WorkerID, m.WorkerName = w.s.Worker, w.t.names.Workers[w.s.Worker]
}

func (w *words) worker() string {
	if name, ok := w.t.names.Workers[w.s.Worker]; ok {
		return fmt.Sprintf("worker %q", name)
	}
	return "worker that is gone"
}

func monthName(month string) string {
	if at, err := time.Parse("2006-01", month); err == nil {
		return at.Format("January 2006")
	}
	return "a month"
}
