package admin

import (
	"fmt"
	"time"

	"horde/internal/cli/console"
	"horde/internal/store"
)

// LedgerCmd inspects the ledger of a server's kudos.
type LedgerCmd struct {
	Verify  LedgerVerifyCmd  `cmd:"" help:"Prove every balance from the postings of the ledger."`
	Explain LedgerExplainCmd `cmd:"" help:"Explain what moved a user's kudos."`
}

// Help shows examples.
func (LedgerCmd) Help() string {
	return `Examples:
  horde admin ledger verify --data /var/lib/horde
  horde admin ledger explain alice#1 --data /var/lib/horde`
}

// LedgerVerifyCmd proves the ledger.
type LedgerVerifyCmd struct{ StoreFlags }

// Help says what is proved and shows examples.
func (LedgerVerifyCmd) Help() string {
	return `Proves that every balance is the sum of its postings, that the postings of each event and all together sum to zero, and that what is held is the sum of the holds; also that no event is without postings, no posting without its event and account, and no account without a user. Prints every account, event and hold that differs. The exit status is 0 only if there is none.

Reads one moment of the database and changes nothing, so a server may keep running on it. Works on copies too.

Examples:
  horde admin ledger verify --data /var/lib/horde
  horde admin ledger verify --db postgres://horde@db/horde
  horde admin ledger verify --data /backup/horde-2026-11-24`
}

// progressAfter is how long a proof may take before its progress is shown.
const progressAfter = 2 * time.Second

// Run proves.
func (c *LedgerVerifyCmd) Run(con *console.Console) error {
	s, err := c.read(con)
	if err != nil {
		return err
	}
	defer s.Close()

	shown := console.NewProgress(con, 10)
	proof, err := s.Prove(con.Ctx, func(f store.Fault) {
		shown.Clear()
		fmt.Fprintln(con.Stdout, console.Clean(f.String()))
	}, func(done, all int64) {
		if all > 0 && time.Since(shown.Began) > progressAfter {
			shown.Show(float64(done)/float64(all), fmt.Sprintf("%d of %d events", done, all))
		}
	})
	shown.Clear()
	if err != nil {
		return err
	}

	if proof.Sum != 0 {
		fmt.Fprintf(con.Stdout, "all postings together sum to %s, not to zero\n", proof.Sum)
	}
	fmt.Fprintf(con.Stdout, "%d accounts, %d events, %d postings, %d holds in %v\n",
		proof.Accounts, proof.Events, proof.Postings, proof.Holds, time.Since(shown.Began).Round(time.Millisecond))
	if !proof.Sound() {
		return fmt.Errorf("the ledger is not sound: %d faults", max(proof.Faults, 1))
	}
	_, err = fmt.Fprintln(con.Stdout, "the ledger is sound: every balance is proved, and all postings sum to zero")
	return err
}
