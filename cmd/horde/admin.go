package main

import (
	"horde/internal/config"
	"horde/internal/store"
)

// AdminCmd is for the operator of a server: its commands work on the server's
// database.
type AdminCmd struct {
	Models AdminModelsCmd `cmd:"" help:"Look at and load the lists of known models."`
	Ledger AdminLedgerCmd `cmd:"" help:"Prove and explain the kudos of a server."`
}

// StoreFlags name the database of a server, as "horde serve" does.
type StoreFlags struct {
	Data string `default:"./data" env:"HORDE_DATA" type:"path" placeholder:"DIR" help:"Data folder of the server (${default})."`
	DB   string `name:"db" env:"HORDE_DB" placeholder:"URL" help:"PostgreSQL of the server, where it has one. POSTGRES_URL, POSTGRES_USER and POSTGRES_PASS are understood too."`
}

// open opens the database; the caller closes it. An embedded one opens only
// while no server runs on it.
func (f *StoreFlags) open(con *console) (*store.Store, error) {
	c := config.Serve{Data: f.Data, DB: f.DB}
	c.Complete(con.getenv)
	return store.Open(con.ctx, store.Options{URL: c.DB, Folder: c.Data, Log: con.log})
}

// read opens the database to look into it, beside a server that runs on it or
// not; the caller closes it.
func (f *StoreFlags) read(con *console) (*store.Store, error) {
	c := config.Serve{Data: f.Data, DB: f.DB}
	c.Complete(con.getenv)
	return store.OpenReader(con.ctx, store.Options{URL: c.DB, Folder: c.Data, Log: con.log})
}
