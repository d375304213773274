// Package admin is the commands of a server's operator, which work on its database, or
// on a running server with a moderator's key: models, documents and ledger.
package admin

import (
	"os"
	"path/filepath"

	"horde/internal/cli/console"
	"horde/internal/cli/database"
	"horde/internal/config"
	"horde/internal/store"
)

// Cmd is for the operator of a server: its commands work on the server's
// database.
type Cmd struct {
	Models    ModelsCmd    `cmd:"" help:"Show and load the lists of known models."`
	Ledger    LedgerCmd    `cmd:"" help:"Prove and explain the kudos of a server."`
	Documents DocumentsCmd `cmd:"" help:"Show and replace terms, privacy notice and sponsors of a server."`
}

// Help shows examples.
func (Cmd) Help() string {
	return "Examples:\n  horde admin models list --data /var/lib/horde\n  horde admin ledger verify --data /var/lib/horde"
}

// StoreFlags name the database of a server, in the same way as "horde serve".
type StoreFlags struct {
	Data string `default:"./data" env:"HORDE_DATA" type:"path" placeholder:"DIR" help:"Data folder of the server (${default})."`
	DB   string `name:"db" env:"HORDE_DB" placeholder:"URL" help:"PostgreSQL of the server, where it has one. POSTGRES_URL, POSTGRES_USER and POSTGRES_PASS are understood too."`
}

// open opens a database that a server has made; the caller closes it. An embedded
// one opens only while no server runs on it.
func (f *StoreFlags) open(con *console.Console) (*store.Store, error) {
	c := f.complete(con)
	if c.DB == "" {
		if _, err := os.Stat(filepath.Join(c.Data, database.File)); err != nil {
			return nil, console.UsageError("there is no database in %s; name the data folder of a server with --data, "+
				"or PostgreSQL with --db", c.Data)
		}
	}
	return f.openOrMake(con)
}

func (f *StoreFlags) complete(con *console.Console) config.Serve {
	c := config.Serve{Data: f.Data, DB: f.DB}
	c.Complete(con.Getenv)
	return c
}

// openOrMake is open, and creates an embedded database that does not exist.
func (f *StoreFlags) openOrMake(con *console.Console) (*store.Store, error) {
	c := f.complete(con)
	s, err := store.Open(con.Ctx, store.Options{URL: c.DB, Folder: c.Data, Log: con.Log})
	if err != nil {
		return nil, err
	}

	// The nodes of the database are to hear of what is changed.
	if err := s.Announce(con.Ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// read opens the database for reading, whether a server runs on it or not; the
// caller closes it.
func (f *StoreFlags) read(con *console.Console) (*store.Store, error) {
	c := f.complete(con)
	return database.OpenReader(con, c.DB, "--db", c.Data, "--data")
}
