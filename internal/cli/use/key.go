package use

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"horde/api"
	"horde/client"
	"horde/internal/cli/console"
)

// KeyCmd renews and revokes API keys.
type KeyCmd struct {
	Renew  KeyRenewCmd  `cmd:"" help:"Replace an API key and print the new one."`
	Revoke KeyRevokeCmd `cmd:"" help:"Take an API key from a user; for moderators."`
}

// Help shows examples.
func (KeyCmd) Help() string {
	return "Examples:\n  horde key renew --apikey KEY\n  horde key revoke 'bob#3' --apikey KEY"
}

// KeyRenewCmd renews a key.
type KeyRenewCmd struct {
	console.HordeFlags
	User string `arg:"" optional:"" help:"Whose key, by name#id or id; administrators only. Without it, your own."`
}

// Help says what becomes of the keys and shows examples.
func (KeyRenewCmd) Help() string {
	return `The old key no longer works, and the new one is shown this once: keep it.

Examples:
  horde key renew --apikey KEY
  horde key renew 'bob#3' --apikey KEY`
}

// Run renews and prints the new key.
func (c *KeyRenewCmd) Run(con *console.Console) error {
	h := client.New(c.Horde, c.APIKey, client.WithRetries(0))
	user, err := c.user(con, h)
	if err != nil {
		return err
	}

	key, err := h.RenewKey(con.Ctx, user)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(con.Stdout, console.Clean(key))
	return err
}

// user is the number of the user who is named, or else of the caller.
func (c *KeyRenewCmd) user(con *console.Console, h *client.Client) (int, error) {
	if c.User != "" {
		return numberOf(c.User)
	}

	u, err := h.FindUser(con.Ctx)
	if refused := (*api.Error)(nil); errors.As(err, &refused) && refused.RC == "UserNotFound" {
		return 0, errUnknownKey
	}
	if err != nil {
		return 0, err
	}
	return u.ID, nil
}

// KeyRevokeCmd revokes a key.
type KeyRevokeCmd struct {
	console.HordeFlags
	User string `arg:"" help:"Whose key, by name#id or id."`
}

// Help says what becomes of the key and shows an example.
func (KeyRevokeCmd) Help() string {
	return `The user's key no longer works; an administrator can renew it.

Examples:
  horde key revoke 'bob#3' --apikey KEY`
}

// Run revokes.
func (c *KeyRevokeCmd) Run(con *console.Console) error {
	user, err := numberOf(c.User)
	if err != nil {
		return err
	}
	return client.New(c.Horde, c.APIKey, client.WithRetries(0)).RevokeKey(con.Ctx, user)
}

// numberOf reads the number of an alias, name#id, or a bare one.
func numberOf(user string) (int, error) {
	n, err := strconv.ParseInt(user[strings.LastIndexByte(user, '#')+1:], 10, 32)
	if err != nil || n < 0 {
		return 0, console.UsageError("%q is no user: name one by name#id or id", user)
	}
	return int(n), nil
}
