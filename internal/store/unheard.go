package store

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// unheard adds the question for what other nodes have committed and this one has
// not applied yet, when a unit of the batch wants to know (Unit.Unheard). It comes
// behind the locks: what was committed under them before is there. A node that is
// alone asks nothing.
func (tx *Tx) unheard(list []statement, batch []*pending) []statement {
	heard := tx.w.s.heard.Load()
	if heard == nil || !slices.ContainsFunc(batch, func(p *pending) bool { return p.unit.Unheard }) {
		return list
	}
	for _, node := range slices.Sorted(maps.Keys(*heard)) {
		list = append(list, statement{"SELECT payload FROM changes WHERE node = $1 AND seq > $2", []any{node, (*heard)[node]}, func(r scanner) error {
			payload, err := scanText(r)
			if err == nil {
				tx.news = append(tx.news, payload)
			}
			return err
		}})
	}
	return list
}

// Peers is how many other nodes this one follows. One that starts is followed by
// the others within 250 ms.
func (s *Store) Peers() int {
	if heard := s.heard.Load(); heard != nil {
		return len(*heard)
	}
	return 0
}

// Unheard names the requests, of images and text and of alchemy, that other nodes
// changed and that this node may not have heard of. The unit must have said that it
// wants to know.
func (tx *Tx) Unheard() (c Changes, err error) {
	for _, payload := range tx.news {
		var one Changes
		if err := json.Unmarshal([]byte(payload), &one); err != nil {
			return c, fmt.Errorf("change log: %w", err)
		}
		c.Requests = append(c.Requests, one.Requests...)
		c.Alchemy = append(c.Alchemy, one.Alchemy...)
	}
	return c, nil
}

// RequestsOf reads those of these requests that are a user's, inside the
// transaction.
func (tx *Tx) RequestsOf(user int64, ids []string) (all []Request, err error) {
	err = inChunks(ids, func(q string, args []any) error {
		some, err := read(tx, scanRequest, "SELECT "+requestColumns+" FROM requests WHERE id IN "+q, args...)
		for _, r := range some {
			if r.UserID == user {
				all = append(all, r)
			}
		}
		return err
	})
	return all, err
}

// OpenFormsOf counts the forms, waiting or running, of those of these alchemy
// requests that are a user's, inside the transaction.
func (tx *Tx) OpenFormsOf(user int64, requests []string) (n int, err error) {
	err = inChunks(requests, func(q string, args []any) error {
		some, err := read(tx, scanInt, "SELECT a.user_id FROM forms f JOIN alchemy_requests a ON a.id = f.request_id "+
			"WHERE f.state IN (0, 1) AND a.id IN "+q, args...)
		for _, id := range some {
			if id == user {
				n++
			}
		}
		return err
	})
	return n, err
}
