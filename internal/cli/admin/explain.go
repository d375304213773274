package admin

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/cli/console"
	"horde/internal/horde"
	"horde/internal/store"
)

// LedgerExplainCmd lists what moved a user's kudos.
type LedgerExplainCmd struct {
	StoreFlags
	User   string `arg:"" help:"Alias (name#id) or id; 0 is the anonymous user."`
	Limit  int    `default:"50" help:"Movements to show (${default})."`
	Before string `placeholder:"PLACE" help:"Where to continue: what an earlier call printed as older."`
	All    bool   `help:"Show all movements."`
	JSON   bool   `name:"json" help:"Print the answer of GET /api/ext/v1/kudos/history; with more than 200 movements several, one a line."`
}

// Help says how to read the answer and shows examples.
func (LedgerExplainCmd) Help() string {
	return `Every movement with its time (UTC), the amount, the balance after it, and why; the newest last. The movements of one request stand together. Only reads, so a server may keep running.

Examples:
  horde admin ledger explain alice#1
  horde admin ledger explain 1 --limit 200 --data /var/lib/horde
  horde admin ledger explain 0 --all --json --db postgres://horde@db/horde`
}

// historySchema is the oldest schema that has all that is shown.
const historySchema = 56

// Run prints.
func (c *LedgerExplainCmd) Run(con *console.Console) error {
	id, ok := account.IDOfAlias(c.User)
	if !ok {
		return console.UsageError("%q is neither an alias (name#id) nor the id of a user", c.User)
	}
	if c.Limit < 1 {
		return console.UsageError("--limit %d: must be at least 1", c.Limit)
	}
	s, err := c.read(con)
	if err != nil {
		return err
	}
	defer s.Close()
	if v, err := s.Schema(con.Ctx); err != nil {
		return err
	} else if v < historySchema {
		return fmt.Errorf("this database was last used by an older horde (schema %d). "+
			"Start a server of this version on it once, or on a copy", v)
	}

	pages, err := c.pages(con.Ctx, s, id)
	if horde.CodeOf(err) != "" {
		return fmt.Errorf("there is no user %s", c.User)
	}
	if e, is := err.(*horde.Error); is && e.Fields["before"] != "" {
		return console.UsageError("--before: give what an earlier call for the same user printed as older")
	}
	if err != nil {
		return err
	}

	if c.JSON {
		for _, p := range pages {
			if err := json.NewEncoder(con.Stdout).Encode(p); err != nil {
				return err
			}
		}
		return nil
	}
	return printHistory(con.Stdout, pages)
}

// pages reads as many pages as the flags ask for, newest first.
func (c *LedgerExplainCmd) pages(
	ctx context.Context, s *store.Store, user horde.UserID,
) (pages []*api.KudosHistory, err error) {
	left, before := c.Limit, c.Before
	for left > 0 || c.All {
		n := account.MaxHistory
		if !c.All {
			n = min(n, left)
		}
		p, err := account.History(ctx, s, user, before, n)
		if err != nil {
			return nil, err
		}

		pages = append(pages, p)
		if left, before = left-n, p.Next; before == "" {
			break
		}
	}
	return pages, nil
}

func printHistory(w io.Writer, pages []*api.KudosHistory) error {
	if older := pages[len(pages)-1].Next; older != "" {
		fmt.Fprintf(w, "older: the same command with --before %s\n", older)
	}
	for _, p := range slices.Backward(pages) {
		for _, m := range slices.Backward(p.Movements) {
			printMovement(w, &m)
		}
	}

	h := pages[0]
	_, err := fmt.Fprintf(w, "%s has %.2f kudos, %.2f of them held for requests, and %.2f withheld\n",
		console.Clean(h.Username), float64(h.Kudos), float64(h.Held), float64(h.EvaluatingKudos))
	if err != nil || h.Unpaid.Day == "" {
		return err
	}
	_, err = fmt.Fprintf(w, "On %s it earned %.2f of what nobody paid for.\n", h.Unpaid.Day, float64(h.Unpaid.Earned))
	return err
}

func printMovement(w io.Writer, m *api.KudosMovement) {
	printLine(w, m.At, float64(m.Amount), fmt.Sprintf("%12.2f", float64(m.Balance)), m.Text)
	for _, part := range slices.Backward(m.Movements) {
		printLine(w, part.At, float64(part.Amount), fmt.Sprintf("%12.2f", float64(part.Balance)), "  "+part.Text)
		printParts(w, part.Parts)
	}
	if len(m.Movements) == 0 {
		printParts(w, m.Parts)
	}
}

// printParts prints what an amount consists of, where that says more than the
// amount.
func printParts(w io.Writer, parts []api.KudosPart) {
	if len(parts) < 2 {
		return
	}
	for _, p := range parts {
		fmt.Fprintf(w, "%50s  %10.2f %s\n", "", float64(p.Amount), console.Clean(p.What))
	}
}

func printLine(w io.Writer, at string, amount float64, balance, text string) {
	if t, err := time.Parse(time.RFC3339, at); err == nil {
		at = t.Format("2006-01-02 15:04:05.000")
	}
	fmt.Fprintf(w, "%s %+12.2f %s  %s\n", at, amount, balance, console.Clean(text))
}
