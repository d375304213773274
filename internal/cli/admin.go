package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"horde/internal/config"
	"horde/internal/store"
)

// AdminCmd is for the operator of a server: its commands work on the server's
// database.
type AdminCmd struct {
	Models    AdminModelsCmd    `cmd:"" help:"Show and load the lists of known models."`
	Ledger    AdminLedgerCmd    `cmd:"" help:"Prove and explain the kudos of a server."`
	Documents AdminDocumentsCmd `cmd:"" help:"Show and replace terms, privacy notice and sponsors of a server."`
}

// Help shows examples.
func (AdminCmd) Help() string {
	return "Examples:\n  horde admin models list --data /var/lib/horde\n  horde admin ledger verify --data /var/lib/horde"
}

// StoreFlags name the database of a server, in the same way as "horde serve".
type StoreFlags struct {
	Data string `default:"./data" env:"HORDE_DATA" type:"path" placeholder:"DIR" help:"Data folder of the server (${default})."`
	DB   string `name:"db" env:"HORDE_DB" placeholder:"URL" help:"PostgreSQL of the server, where it has one. POSTGRES_URL, POSTGRES_USER and POSTGRES_PASS are understood too."`
}

// databaseFile is the embedded database in a server's data folder.
const databaseFile = "horde.db"

// open opens a database that a server has made; the caller closes it. An embedded
// one opens only while no server runs on it.
func (f *StoreFlags) open(con *console) (*store.Store, error) {
	c := f.complete(con)
	if c.DB == "" {
		if _, err := os.Stat(filepath.Join(c.Data, databaseFile)); err != nil {
			return nil, usageError("there is no database in %s; name the data folder of a server with --data, "+
				"or PostgreSQL with --db", c.Data)
		}
	}
	return f.openOrMake(con)
}

func (f *StoreFlags) complete(con *console) config.Serve {
	c := config.Serve{Data: f.Data, DB: f.DB}
	c.Complete(con.getenv)
	return c
}

// openOrMake is open, and creates an embedded database that does not exist.
func (f *StoreFlags) openOrMake(con *console) (*store.Store, error) {
	c := f.complete(con)
	s, err := store.Open(con.ctx, store.Options{URL: c.DB, Folder: c.Data, Log: con.log})
	if err != nil {
		return nil, err
	}

	// The nodes of the database are to hear of what is changed.
	if err := s.Announce(con.ctx); err != nil {
		s.Close()
		return nil, err
	}
	return s, nil
}

// read opens the database for reading, whether a server runs on it or not; the
// caller closes it.
func (f *StoreFlags) read(con *console) (*store.Store, error) {
	c := f.complete(con)
	return openReader(con, c.DB, "--db", c.Data, "--data")
}

// openReader opens a database for reading, by its URL or else in its folder; an error
// begins with the flag that named it.
func openReader(con *console, url, urlFlag, folder, folderFlag string) (*store.Store, error) {
	flag := folderFlag
	if url != "" {
		flag = urlFlag
	} else if _, err := os.Stat(filepath.Join(folder, databaseFile)); err != nil {
		return nil, usageError("%s: there is no database in %s; name the data folder of a server, or a copy of it, "+
			"or its PostgreSQL", flag, folder)
	}

	s, err := store.OpenReader(con.ctx, store.Options{URL: url, Folder: folder, Log: con.log})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return s, nil
}
