// Package hordetest is the ground that tests of the rooms above it stand on: a clock
// that they move, and a House of what a node has on a fresh database. Tests of the
// rooms that a House is built of (store, account, catalog, blob) use it from outside
// of their package.
package hordetest

import (
	"context"
	"log/slog"
	"path/filepath"
	"testing"
	"time"

	"horde/internal/account"
	"horde/internal/blob"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// House is one node's store, accounts, models and blobs. Houses on one database are
// nodes of one horde; they share the folder of blobs.
type House struct {
	Clock    *Clock
	Store    *store.Store
	Accounts *account.Accounts
	Catalog  *catalog.Catalog
	Blobs    blob.Store
}

// Open builds a house on a database. It is closed at the test's end.
func Open(t testing.TB, db *storetest.DB, c *Clock) *House {
	t.Helper()
	h := &House{Clock: c, Store: db.Open(storetest.Clock(c.Now))}

	var err error
	h.Accounts, err = account.New(context.Background(), h.Store, account.Config{KeySecret: "pepper", Clock: c.Now})
	if err != nil {
		t.Fatal(err)
	}
	h.Catalog, err = catalog.New(catalog.Config{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}

	folder, err := blob.OpenFolder(filepath.Join(db.Options().Folder, "blobs"), blob.FolderOptions{
		Secret:   []byte("0123456789abcdef"),
		LocalURL: "http://horde.test",
		Clock:    c.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { folder.Close() })
	h.Blobs = folder
	return h
}

// Person is a user and the key that was made for them.
type Person struct {
	*account.User
	Key string
}

// Person makes a user with a balance in whole kudos.
func (h *House) Person(t interface{ Fatal(...any) }, name string, trusted bool, balance int64) Person {
	roles := account.Role(0)
	if trusted {
		roles = account.Trusted
	}
	u, key, _, err := h.Accounts.TestUser(context.Background(),
		account.NewUser{Username: name, OAuthID: "test-" + horde.NewID(), Roles: roles}, &balance)
	if err != nil {
		t.Fatal(err)
	}
	return Person{u, key}
}

// User makes a user with roles.
func (h *House) User(t testing.TB, name string, roles account.Role) Person {
	t.Helper()
	u, key, err := h.Accounts.Create(context.Background(),
		account.NewUser{Username: name, OAuthID: "test-" + horde.NewID(), Roles: roles})
	if err != nil {
		t.Fatal(err)
	}
	return Person{u, key}
}

// Eventually calls check until it finds nothing wrong, and returns what it found last
// when that takes more than five seconds.
func Eventually(check func() string) string {
	var what string
	for range 500 {
		if what = check(); what == "" {
			return ""
		}
		time.Sleep(10 * time.Millisecond)
	}
	return what
}
