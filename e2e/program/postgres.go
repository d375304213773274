package program

import (
	"database/sql"
	"fmt"
	"os"
	"strings"
	"sync/atomic"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // driver "pgx"
)

var databases atomic.Int64

// Postgres makes a fresh database on the cluster of HORDE_TEST_POSTGRES, until the test
// ends.
func Postgres(t testing.TB) string {
	t.Helper()
	cluster := os.Getenv("HORDE_TEST_POSTGRES")
	if cluster == "" {
		t.Skip("HORDE_TEST_POSTGRES is not set: `make test` starts a cluster with scripts/postgres.sh and sets it")
	}
	db, err := sql.Open("pgx", cluster)
	if err != nil {
		t.Fatal(err)
	}

	name := fmt.Sprintf("e2e_%d_%d", os.Getpid(), databases.Add(1))
	for _, statement := range []string{"DROP DATABASE IF EXISTS " + name + " WITH (FORCE)", "CREATE DATABASE " + name} {
		if _, err := db.Exec(statement); err != nil {
			t.Fatal(err)
		}
	}
	t.Cleanup(func() {
		if _, err := db.Exec("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Logf("drop %s: %v", name, err)
		}
		db.Close()
	})

	before, query, asked := strings.Cut(cluster, "?")
	if asked {
		query = "?" + query
	}
	return before[:strings.LastIndexByte(before, '/')+1] + name + query
}
