package patron

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"strings"
)

// Stripe reads the subscriptions of an account.
type Stripe struct{ reader }

// NewStripe reads the subscriptions of the account that a secret key belongs to. base is
// where Stripe's API is, such as "https://api.stripe.com". If log is nil, nothing is
// logged.
func NewStripe(base, key string, log *slog.Logger) *Stripe {
	return &Stripe{newReader("Stripe", "STRIPE_API_KEY", base, key, log)}
}

// subscriptions is a page of GET /v1/subscriptions.
type subscriptions struct {
	Data    []json.RawMessage // of subscription
	HasMore bool              `json:"has_more"`
}

type subscription struct {
	ID       string
	Metadata metadata
	Customer struct {
		Email    string
		Metadata metadata
	}
	Items struct {
		Data []struct {
			Price struct{ Product string }
		}
	}
}

// metadata is what the account's owner notes about a subscription or a customer.
type metadata struct {
	HordeID name `json:"horde_id"`
	Horde   name `json:"horde"`
}

func (m metadata) user() string {
	if m.HordeID != "" {
		return string(m.HordeID)
	}
	return string(m.Horde)
}

// Supporters returns those with an active subscription to one of our products.
func (s *Stripe) Supporters(ctx context.Context) ([]Supporter, error) {
	var all []Supporter
	products := map[string]int64{} // id → kudos
	query := url.Values{"status": {"active"}, "limit": {"100"}, "expand[]": {"data.customer"}}
	for range maxPages {
		var page subscriptions
		if err := s.get(ctx, "/v1/subscriptions", query, &page); err != nil {
			return nil, err
		}

		last := ""
		for _, raw := range page.Data {
			var sub subscription
			if err := json.Unmarshal(raw, &sub); err != nil {
				s.log.Warn("a subscription is not understood", "subscription", sub.ID, "error", err)
			} else if p, ok, err := s.supporter(ctx, products, &sub); err != nil {
				return nil, err
			} else if ok {
				all = append(all, p)
			}
			last = sub.ID
		}

		if !page.HasMore || last == "" {
			return all, nil
		}
		query.Set("starting_after", last)
	}
	return nil, s.endless()
}

// supporter finds out what a subscription is worth; ok is false if it does not say
// whose it is.
func (s *Stripe) supporter(
	ctx context.Context, products map[string]int64, sub *subscription,
) (p Supporter, ok bool, err error) {
	p = Supporter{User: sub.Metadata.user(), Email: sub.Customer.Email}
	if p.User == "" {
		p.User = sub.Customer.Metadata.user()
	}
	if p.User == "" && p.Email == "" {
		s.log.Warn("a subscription does not say who it is from; note horde_id in its metadata", "subscription", sub.ID)
		return p, false, nil
	}

	for _, item := range sub.Items.Data {
		k, err := s.product(ctx, products, item.Price.Product)
		if err != nil {
			return p, false, err
		}
		p.Monthly += k
	}
	return p, true, nil
}

// product returns what a product is worth, and looks it up once.
func (s *Stripe) product(ctx context.Context, known map[string]int64, id string) (int64, error) {
	if k, ok := known[id]; ok {
		return k, nil
	}
	var p struct{ Name string }
	if err := s.get(ctx, "/v1/products/"+url.PathEscape(id), nil, &p); err != nil && !errors.Is(err, errGone) {
		return 0, err
	}

	k := stripeKudos(p.Name)
	if k == 0 {
		s.log.Warn("a product is worth no kudos", "product", id, "name", p.Name)
	}
	known[id] = k
	return k, nil
}

// stripeKudos returns what a subscription to a product is worth each month, in kudos. The names
// are the original's, including their spelling.
func stripeKudos(product string) int64 {
	product = strings.TrimSpace(product)
	for begin, k := range map[string]int64{
		"Superior Person": 20_000, "Recognised": 75_000, "Cherised": 200_000, "Treasured": 700_000,
		"Celebrated": 1_500_000, "Sponsor": 1_500_000,
	} {
		if product == begin || strings.HasPrefix(product, begin+" ") {
			return k
		}
	}
	return 0
}
