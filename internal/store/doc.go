// Package store keeps everything that must survive: accounts, requests, jobs,
// workers, the ledger. It is one concrete store over SQLite (the embedded
// default, one node) and PostgreSQL (many nodes) with one SQL text for both;
// the rules for that text are in docs/decisions/0002-one-sql-text.md.
//
// Reads go to a pool. All hot writes go through Write: a unit of work that one
// writer per node gathers with others into one transaction (group commit).
// A call returns only after its transaction is committed, so what it has
// acknowledged survives a kill -9. A unit that is refused (it returns an error
// before it wrote anything) fails alone; when the database refuses a statement,
// the batch is rolled back and every unit is run again in a transaction of its
// own.
//
// Times are microseconds since 1970, amounts hundredths of kudos, ids are text
// made in Go, JSON is an opaque text. The package knows no rules of the domain.
package store
