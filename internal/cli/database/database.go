// Package database opens the database of a server for commands that only read.
package database

import (
	"fmt"
	"os"
	"path/filepath"

	"horde/internal/cli/console"
	"horde/internal/store"
)

// File is the embedded database in a server's data folder.
const File = "horde.db"

// OpenReader opens a database for reading, by its URL or else in its folder; an error
// begins with the flag that named it.
func OpenReader(con *console.Console, url, urlFlag, folder, folderFlag string) (*store.Store, error) {
	flag := folderFlag
	if url != "" {
		flag = urlFlag
	} else if _, err := os.Stat(filepath.Join(folder, File)); err != nil {
		return nil, console.UsageError("%s: there is no database in %s; name the data folder of a server, or a copy of it, "+
			"or its PostgreSQL", flag, folder)
	}

	s, err := store.OpenReader(con.Ctx, store.Options{URL: url, Folder: folder, Log: con.Log})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", flag, err)
	}
	return s, nil
}
