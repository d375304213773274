package account

import (
	"context"
	"slices"
	"sync"
	"time"

	"horde/api"
	"horde/internal/store"
)

// Pages of the list of users (platform §3.1).
const (
	pageSize = 25
	lastPage = 10000
)

// A page that was quick to read is read again each time. One that was slow, in a
// horde with very many users, is kept for a while, so that strangers cannot keep
// the database busy with it.
const (
	slowPage  = 20 * time.Millisecond
	keepTimes = 10 // times as long as reading took
	keepPages = 200
)

// pages caches slow pages.
type pages struct {
	mu   sync.Mutex           // also while a page is read: one at a time is enough
	kept map[pageKey]keptPage // guarded by mu
}

type pageKey struct {
	order string
	page  int
}

type keptPage struct {
	users []api.UserDetails
	until time.Time
}

// List returns a page of all users, the richest first or, with sort "age", the
// oldest first, as anybody may see them. Pages count from 1. Adding workers is left to the
// caller.
func (a *Accounts) List(ctx context.Context, sort string, page int) ([]api.UserDetails, error) {
	key := pageKey{store.ByBalance, max(1, page)}
	if sort == "age" {
		key.order = store.ByAge
	}
	if key.page > lastPage {
		return []api.UserDetails{}, nil
	}

	p := &a.pages
	p.mu.Lock()
	defer p.mu.Unlock()

	began := time.Now()
	if k, ok := p.kept[key]; ok && began.Before(k.until) {
		return slices.Clone(k.users), nil
	}

	holders, err := a.store.ListUsers(ctx, key.order, wipedOAuth, pageSize, pageSize*(key.page-1))
	if err != nil {
		return nil, err
	}

	users := make([]api.UserDetails, len(holders))
	listed := make([]*api.UserDetails, len(holders))
	for i, h := range holders {
		users[i] = a.details(fromRow(h.User), h.Account, Public)
		listed[i] = &users[i]
	}
	if err := a.addStyles(ctx, Public, listed...); err != nil {
		return nil, err
	}

	if took := time.Since(began); took > slowPage {
		if p.kept == nil || len(p.kept) >= keepPages {
			p.kept = map[pageKey]keptPage{}
		}
		p.kept[key] = keptPage{slices.Clone(users), began.Add(keepTimes * took)}
	}
	return users, nil
}
