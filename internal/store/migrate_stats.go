package store

import (
	"context"
	"database/sql"

	"github.com/pressly/goose/v3"
)

// steadyStatsPlan is the migration that makes PostgreSQL read young and old buckets
// by their index, whatever ANALYZE saw last. Buckets come and go all the time: an
// ANALYZE that meets many of one grain makes the planner go through the whole table
// for the few that are there a minute later. Without statistics of grain it takes
// any grain for rare, which is true of all that readings look for.
//
// SQLite has nothing of the kind.
func steadyStatsPlan(e engine) *goose.Migration {
	run := func(ctx context.Context, tx *sql.Tx) error {
		for _, change := range e.steadyStats {
			if _, err := tx.ExecContext(ctx, change); err != nil {
				return err
			}
		}
		return nil
	}
	return goose.NewGoMigration(50, &goose.GoFunc{RunTx: run}, nil)
}

var postgresSteadyStats = []string{
	// The same type again drops the statistics that there are.
	"ALTER TABLE stats_buckets ALTER COLUMN grain TYPE BIGINT",
	"ALTER TABLE stats_buckets ALTER COLUMN grain SET STATISTICS 0",
}
