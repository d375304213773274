package cli

import (
	"context"
	"database/sql"
	"errors"
	"path/filepath"

	"horde/internal/account"
	"horde/internal/store"
)

// makeLedger makes a data folder in which alice#1 and bob#2 have kudos and alice
// has given some to bob.
func makeLedger(folder string) error {
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{Folder: folder})
	if err != nil {
		return err
	}

	a, err := account.New(ctx, s, account.Config{KeySecret: "k"})
	if err != nil {
		return errors.Join(err, s.Close())
	}

	thousand := int64(1000)
	alice, _, _, err := a.TestUser(ctx, account.NewUser{Username: "alice", OAuthID: "test-alice"}, &thousand)
	if err == nil {
		_, _, _, err = a.TestUser(ctx, account.NewUser{Username: "bob", OAuthID: "test-bob"}, &thousand)
	}
	if err == nil {
		err = a.Transfer(ctx, alice, account.Gift{Target: "bob#2", Amount: 300})
	}
	return errors.Join(err, s.Close())
}

func tamper(folder, statement string) error {
	db, err := sql.Open("sqlite", "file:"+filepath.Join(folder, "horde.db"))
	if err != nil {
		return err
	}
	_, err = db.Exec(statement)
	return errors.Join(err, db.Close())
}
