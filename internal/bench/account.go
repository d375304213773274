package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"golang.org/x/sync/errgroup"

	"horde/api"
)

// testKudos is the balance of test accounts: so much that kudos never matter here.
const testKudos = 10_000_000

// standing says whether the workers of a test account are trusted.
type standing bool

const (
	trusted   standing = true
	untrusted standing = false
)

// makeAccount makes or renews a test account.
func (t target) makeAccount(c *conn, name string, s standing) (apikey string, err error) {
	kudos, no, isTrusted := int64(testKudos), false, bool(s)
	oauth := "horde-" + name
	body, err := json.Marshal(api.TestUserRequest{
		Username:  &name,
		OAuthID:   &oauth,
		Moderator: &no,
		Trusted:   &isTrusted,
		Kudos:     &kudos,
	})
	if err != nil {
		return "", err
	}

	status, answer, err := c.do(t.request("POST", "/dev/test-user", "", string(body)))
	if err != nil {
		return "", fmt.Errorf("no horde answers at http://%s: %w", t.host, err)
	}

	switch status {
	case 200, 201:
	case 404:
		return "", errors.New("the server makes no test accounts. Start it with HORDE_TEST_APIKEYS=1 " +
			"HORDE_TEST_RATELIMIT_DISABLED=1, on a database of its own")
	case 403:
		return "", errors.New("the server makes test accounts only for its own machine: run bench there")
	case 429:
		return "", errors.New("the server limits the rate of calls. Start it with HORDE_TEST_RATELIMIT_DISABLED=1 as well")
	default:
		return "", fmt.Errorf("test account %s: HTTP %d %.200s", name, status, answer)
	}

	var u api.TestUser
	if err := json.Unmarshal(answer, &u); err != nil || u.APIKey == "" {
		return "", fmt.Errorf("test account %s: the answer holds no api_key: %.200s", name, answer)
	}
	return u.APIKey, nil
}

// setUpConns is how many connections set up accounts and backlogs.
const setUpConns = 16

// makeAccounts makes n accounts; their names stay the same from run to run, so
// that they do not pile up.
func (t target) makeAccounts(ctx context.Context, prefix string, n int, s standing) ([]string, error) {
	keys := make([]string, n)
	err := inParallel(ctx, t, n, func(c *conn, i int) (err error) {
		keys[i], err = t.makeAccount(c, fmt.Sprintf("%s %d", prefix, i), s)
		return err
	})
	return keys, err
}

// inParallel calls do for 0…n-1 over a few connections, until one fails.
func inParallel(ctx context.Context, t target, n int, do func(c *conn, i int) error) error {
	g, ctx := errgroup.WithContext(ctx)
	for m := range min(setUpConns, n) {
		g.Go(func() error {
			c := newConn(t.addr)
			defer c.close()
			for i := m; i < n; i += setUpConns {
				if err := ctx.Err(); err != nil {
					return err
				}
				if err := do(c, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	return g.Wait()
}
