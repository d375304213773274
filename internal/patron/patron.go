// Package patron asks Patreon and Stripe who supports the horde with money, and
// says how many kudos each month that is worth (platform §9).
//
// [Patreon] and [Stripe] each read their whole list in one call of Supporters,
// page by page; they keep nothing. Which of our users a supporter is, is for
// package account to find out.
package patron

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// Supporter is someone who currently supports the horde.
type Supporter struct {
	User    string // alias (name#id) or id; "" if only Email is known
	Email   string
	Monthly int64 // whole kudos each month; may be 0

	// Of patrons, for the sponsors' page.
	Name   string // as they want to be called
	Link   string // https; "" for none
	Pledge int64  // whole units of currency each month
}

// Bounds of what a service may answer.
const (
	maxAnswer = 16 << 20 // bytes of a page
	maxPages  = 1000
	maxTime   = 30 * time.Second // for a page
)

// reader queries a service.
type reader struct {
	service string // for messages
	setting string // where its key comes from
	base    string
	key     string
	log     *slog.Logger
	client  http.Client
}

func newReader(service, setting, base, key string, log *slog.Logger) reader {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return reader{service: service, setting: setting, base: strings.TrimRight(base,
		"/"), key: key, log: log, client: http.Client{Timeout: maxTime}}
}

// get reads the answer to a GET into v. Its errors never hold the key.
func (r *reader) get(ctx context.Context, path string, query url.Values, v any) error {
	address := r.base + path
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", r.service, err)
	}

	req.Header.Set("Authorization", "Bearer "+r.key)
	req.Header.Set("Accept", "application/json")

	res, err := r.client.Do(req)
	if err != nil {
		return fmt.Errorf("%s: %w", r.service, err)
	}
	defer res.Body.Close()

	switch {
	case res.StatusCode == http.StatusUnauthorized || res.StatusCode == http.StatusForbidden:
		return fmt.Errorf("%s answers %d: is the key in %s right?", r.service, res.StatusCode, r.setting)
	case res.StatusCode == http.StatusNotFound:
		return fmt.Errorf("%s answers 404 to %s: %w", r.service, path, errGone)
	case res.StatusCode != http.StatusOK:
		return fmt.Errorf("%s answers %d to %s", r.service, res.StatusCode, path)
	}

	b, err := io.ReadAll(io.LimitReader(res.Body, maxAnswer+1))
	if err != nil {
		return fmt.Errorf("%s: %w", r.service, err)
	}
	if len(b) > maxAnswer {
		return fmt.Errorf("%s: an answer of more than %d MiB", r.service, maxAnswer>>20)
	}

	if err := json.Unmarshal(b, v); err != nil {
		return fmt.Errorf("%s: the answer to %s is not understood: %w", r.service, path, err)
	}
	return nil
}

// errGone says that the service has no such object.
var errGone = errors.New("not there")

// endless is the error of a list that does not end.
func (r *reader) endless() error { return fmt.Errorf("%s: the list does not end", r.service) }

// name is a user as people note one down: a string or a number.
type name string

// UnmarshalJSON reads a text or a whole number.
func (n *name) UnmarshalJSON(b []byte) error {
	var text string
	if json.Unmarshal(b, &text) == nil {
		*n = name(strings.TrimSpace(text))
		return nil
	}

	var number int64
	if err := json.Unmarshal(b, &number); err != nil {
		return fmt.Errorf("%.40q is no name and no number of a user", b)
	}
	*n = name(fmt.Sprint(number))
	return nil
}
