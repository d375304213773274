package patron

import (
	"context"
	"encoding/json"
	"log/slog"
	"net/url"
	"strings"
)

// Patreon reads the members of a campaign.
type Patreon struct {
	reader
	campaign string
}

// NewPatreon reads the members of a campaign with the access token of its
// creator. base is where Patreon's API is, such as "https://www.patreon.com". If log
// is nil, nothing is logged.
func NewPatreon(base, token, campaign string, log *slog.Logger) *Patreon {
	return &Patreon{newReader("Patreon", "PATREON_CREATOR_ACCESS_TOKEN", base, token, log), campaign}
}

// members is a page of GET /campaigns/{id}/members of Patreon's API, version 2.
type members struct {
	Data []json.RawMessage // of member
	Meta struct {
		Pagination struct {
			Cursors struct {
				Next string
			}
		}
	}
}

type member struct {
	ID         string
	Attributes struct {
		Status string `json:"patron_status"`
		Cents  int64  `json:"currently_entitled_amount_cents"`
		Note   string `json:"note"`
	}
}

// note is what the creator of the campaign writes about a member, as JSON.
type note struct {
	User  name  `json:"stable_id"`
	Alias loose `json:"alias"`
	Link  loose `json:"sponsor_link"`
}

// loose is a string, or "" for any other JSON value in its place: nobody loses their
// kudos for a link.
type loose string

func (l *loose) UnmarshalJSON(b []byte) error {
	var s string
	_ = json.Unmarshal(b, &s)
	*l = loose(s)
	return nil
}

// Supporters returns the active patrons with a note that says who they are. A note
// that is not understood leaves out that member only.
func (p *Patreon) Supporters(ctx context.Context) ([]Supporter, error) {
	var all []Supporter
	query := url.Values{"fields[member]": {"patron_status,currently_entitled_amount_cents,note"}, "page[count]": {"500"}}
	for range maxPages {
		var page members
		if err := p.get(ctx, "/api/oauth2/v2/campaigns/"+url.PathEscape(p.campaign)+"/members", query, &page); err != nil {
			return nil, err
		}
		for _, raw := range page.Data {
			if s, ok := p.supporter(raw); ok {
				all = append(all, s)
			}
		}

		next := page.Meta.Pagination.Cursors.Next
		if next == "" {
			return all, nil
		}
		query.Set("page[cursor]", next)
	}
	return nil, p.endless()
}

// supporter reads one member; ok is false for one that counts for nothing.
func (p *Patreon) supporter(raw json.RawMessage) (s Supporter, ok bool) {
	var m member
	if err := json.Unmarshal(raw, &m); err != nil {
		p.log.Warn("a patron is not understood", "error", err)
		return s, false
	}

	if m.Attributes.Status != "active_patron" || m.Attributes.Note == "" {
		return s, false
	}

	var n note
	if err := json.Unmarshal([]byte(m.Attributes.Note), &n); err != nil || n.User == "" {
		p.log.Warn("the note about a patron does not say who it is; it should be as {\"stable_id\": \"name#id\"}",
			"member", m.ID)
		return s, false
	}

	pledge := m.Attributes.Cents / 100
	return Supporter{
		User:    string(n.User),
		Monthly: patreonKudos(pledge),
		Name:    clip(string(n.Alias), maxName),
		Link:    link(string(n.Link)),
		Pledge:  pledge,
	}, true
}

// maxName is the length of a patron's name on the sponsors' page, in characters.
const maxName = 100

func clip(s string, limit int) string {
	if r := []rune(s); len(r) > limit {
		return string(r[:limit])
	}
	return s
}

// link returns s if it may be a link on the sponsors' page, else "".
func link(s string) string {
	const maxBytes = 500
	u, err := url.Parse(s)
	if err != nil || u.Scheme != "https" || u.Host == "" || len(s) > maxBytes || strings.ContainsAny(s, "() \t\r\n<>") {
		return ""
	}
	return u.String()
}

// patreonKudos returns what a pledge of whole units of currency is worth each month, in kudos.
func patreonKudos(units int64) int64 {
	switch {
	case units < 0:
		return 0
	case units < 10:
		return 10_000 * units
	case units == 10, units >= 102 && units <= 108:
		return 150_000
	case units == 24:
		return 600_000
	case units == 25:
		return 900_000
	case units == 50, units == 100:
		return 1_500_000
	}
	return 0
}
