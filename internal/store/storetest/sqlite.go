package storetest

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"sync"
	"testing"

	_ "modernc.org/sqlite" // driver "sqlite"

	"horde/internal/store"
)

const sqliteFile = "horde.db" // in the folder of data

// Folder makes a folder of data with a fresh SQLite database in it: a copy of one that
// was brought to the newest schema once for all tests of a program.
func Folder(t testing.TB) string {
	t.Helper()
	file, err := sqliteTemplate()
	if err != nil {
		t.Fatalf("template database: %v", err)
	}

	folder := filepath.Join(t.TempDir(), "data")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, sqliteFile), file, 0o600); err != nil {
		t.Fatal(err)
	}
	return folder
}

// sqliteTemplate is the file of an empty database with the newest schema.
var sqliteTemplate = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "horde-template")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)

	// To open a database is to bring it to the newest schema; to close it leaves all
	// of it in one file.
	s, err := store.Open(context.Background(), store.Options{Folder: folder})
	if err != nil {
		return nil, err
	}
	if err := s.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(folder, sqliteFile))
})

// rawSQLite opens the database in a folder beside the store.
func rawSQLite(folder string) (*sql.DB, error) {
	return sql.Open("sqlite", "file:"+filepath.Join(folder, sqliteFile)+"?_pragma=busy_timeout(10000)")
}
