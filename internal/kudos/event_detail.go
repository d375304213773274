package kudos

import (
	"encoding/json"
	"fmt"
	"strconv"

	"horde/internal/horde"
)

// PartKind names a part of a movement. The names are kept in the ledger and shown to
// people: add to them, never change one.
type PartKind string

// Parts of movements.
const (
	Tax              PartKind = "tax"                   // for accepting a request
	ExtraSources     PartKind = "extra source pictures" // on top of it
	Image            PartKind = "picture"               // worth of what was delivered
	Text             PartKind = "text"
	Form             PartKind = "form"
	Burned           PartKind = "burn"      // what a charge exceeds the worth by
	ForgivenByFloor  PartKind = "floor"     // forgiven: a balance does not fall below the floor
	ForgivenByBudget PartKind = "budget"    // forgiven: the budget of the shared key did not cover it
	Rewarded         PartKind = "reward"    // of a worker
	Escrowed         PartKind = "kept back" // into escrow, or out of it
	Forgone          PartKind = "forgone"   // of a reward: beyond what may be earned unpaid
	Promoted         PartKind = "promotion" // escrow that can be spent now
	Given            PartKind = "gift"
	Received         PartKind = "received"
	Adjusted         PartKind = "adjustment" // by an administrator
	Allowance        PartKind = "allowance"  // each month
	Moderating       PartKind = "moderator"  // each month
	ByPatreon        PartKind = "patreon"    // each month
	ByStripe         PartKind = "stripe"     // each month
	Award            PartKind = "award"
	StyleUsed        PartKind = "style"
	SetTo            PartKind = "balance set" // of test accounts
)

// Reasons of events that deliveries cause. They are kept in the ledger: never change
// one.
const (
	ImageDelivered = "picture delivered"
	TextDelivered  = "text delivered"
	FormDelivered  = "form delivered"
	FormCancelled  = "form cancelled on the way" // in a worker's hands
)

// Part is one of the parts that an amount consists of.
type Part struct {
	Kind   PartKind
	Amount horde.Kudos
}

// TaxParts are the parts of the tax of a request with so many extra source
// images.
func TaxParts(tax horde.Kudos, extraSources int) []Part {
	extra := min(tax, horde.Whole(perExtraSource*int64(extraSources)))
	return []Part{{Tax, tax - extra}, {ExtraSources, extra}}
}

// About is what an event is about, apart from its request and job: ids and names that
// are needed to explain it when these are gone.
type About struct {
	By       horde.UserID `json:"by,omitempty"`     // user who ordered it
	Worker   string       `json:"worker,omitempty"` // id
	Model    string       `json:"model,omitempty"`  // or form
	Key      string       `json:"key,omitempty"`    // id of the shared key that paid or was sent kudos
	Style    string       `json:"style,omitempty"`  // name
	Month    string       `json:"month,omitempty"`  // 2006-01
	Why      string       `json:"why,omitempty"`    // in an administrator's words
	Censored bool         `json:"censored,omitempty"`
}

// Detail is what an event keeps to explain itself: which part moved for whom. Parts
// that are escrowed are in escrow, all others can be spent.
type Detail struct {
	About
	Moves []Move `json:"moves,omitempty"`
}

// Move is one part of an event, for one user.
type Move struct {
	User horde.UserID
	Part
}

// note adds a part of a user's movement to the detail.
func (e *Entry) note(user horde.UserID, what PartKind, amount horde.Kudos) {
	if amount != 0 {
		e.detail.Moves = append(e.detail.Moves, Move{user, Part{what, amount}})
	}
}

// MarshalJSON writes a move as [user, what, hundredths].
func (m Move) MarshalJSON() ([]byte, error) {
	b := append(make([]byte, 0, 40), '[')
	b = strconv.AppendInt(b, int64(m.User), 10)
	b = append(b, ',', '"')
	b = append(b, m.Kind...) // our own names, without quotes
	b = append(b, '"', ',')
	b = strconv.AppendInt(b, int64(m.Amount), 10)
	return append(b, ']'), nil
}

// UnmarshalJSON reads what MarshalJSON writes.
func (m *Move) UnmarshalJSON(b []byte) error {
	var hundredths int64
	fields := []any{&m.User, (*string)(&m.Kind), &hundredths}
	n := len(fields)
	if err := json.Unmarshal(b, &fields); err != nil {
		return err
	}

	if len(fields) != n {
		return fmt.Errorf("a move has %d fields", len(fields))
	}
	m.Amount = horde.Kudos(hundredths)
	return nil
}

func (d *Detail) text() string {
	b, err := json.Marshal(d)
	if err != nil {
		panic(err) // plain fields always marshal
	}
	return string(b)
}

// ReadDetail reads the detail of an event; that of an event from before there were
// details is empty.
func ReadDetail(text string) (d Detail, err error) {
	if text == "" {
		return d, nil
	}
	return d, json.Unmarshal([]byte(text), &d)
}
