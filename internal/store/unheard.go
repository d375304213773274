package store

import (
	"maps"
	"slices"
	"time"

	"horde/internal/horde"
)

const (
	// maxUnheard is how many transactions of another node are looked through for
	// what this one has not heard of. It hears of new ones four times a second.
	maxUnheard = 100

	// heardFor is how long it counts what this node has heard of: one that does not
	// keep up with the news does not look through ever more of them.
	heardFor = 10 * time.Second
)

// heard is how far the changes of other nodes are applied.
type heard struct {
	at   horde.Micros
	upTo map[string]int64 // by node, those that lived then
}

// unheard adds the questions for what other nodes have committed and this one has
// not applied yet, when a unit of the batch wants to know (Unit.Unheard). They come
// behind the locks: what was committed under them before is there. A node that
// follows no others, or no longer, or not all of them, is told that it missed what
// they did.
func (tx *Tx) unheard(list []statement, batch []*pending) []statement {
	s := tx.w.s
	if !s.engine.shared || !slices.ContainsFunc(batch, func(p *pending) bool { return p.unit.Unheard }) {
		return list
	}

	h := s.heard.Load()
	if h == nil || tx.Now-h.at > horde.MicrosIn(heardFor) {
		tx.missed = true
		return list
	}

	// Of a node that has just started, nothing was heard yet.
	list = append(list, statement{
		text: liveNodes,
		args: []any{s.node, tx.Now - horde.MicrosIn(2*nodeGone)},
		each: func(r scanner) error {
			node, err := scanText(r)
			if _, known := h.upTo[node]; err == nil && !known {
				tx.missed = true
			}
			return err
		},
	})

	for _, node := range slices.Sorted(maps.Keys(h.upTo)) {
		list = append(list, tx.newsOf(node, h.upTo[node]))
	}
	return list
}

// newsOf is the question for the changes of a node behind seq.
func (tx *Tx) newsOf(node string, seq int64) statement {
	read := 0
	return statement{
		text: "SELECT payload FROM changes WHERE node = $1 AND seq > $2 ORDER BY seq LIMIT $3",
		args: []any{node, seq, maxUnheard + 1},
		each: func(r scanner) error {
			payload, err := scanText(r)
			if err != nil {
				return err
			}

			if read++; read > maxUnheard {
				tx.missed = true
				return nil
			}
			tx.news = append(tx.news, payload)
			return nil
		},
	}
}

// Unheard names the requests, of images and text and of alchemy, that other nodes
// changed and that this node may not have heard of. Missed: it may be any. The unit
// must have said that it wants to know.
func (tx *Tx) Unheard() (c Changes, err error) {
	if tx.missed {
		return Changes{Missed: true}, nil
	}
	for _, payload := range tx.news {
		if err := c.add(payload); err != nil {
			return c, err
		}
	}
	return c, nil
}

// waitingRequests are the requests of a user and a kind that have jobs to hand out.
const waitingRequests = " FROM requests WHERE waiting > 0 AND NOT faulted " +
	"AND user_id = $1 AND kind = $2 AND expires > $3"

// WaitingRequestIDs reads the ids of a user's requests of a kind that have jobs
// waiting, inside the transaction.
func (tx *Tx) WaitingRequestIDs(user horde.UserID, kind horde.Kind) ([]string, error) {
	return read(tx, scanText, "SELECT id"+waitingRequests, user, kind, tx.Now)
}

// Backlog is what some requests of a user have waiting.
type Backlog struct {
	UserID horde.UserID
	Jobs   int
	Bytes  int64 // of the bodies of the requests
}

// BacklogOf reads what waits of those of these requests that are of a kind, by their
// users, inside the transaction.
func (tx *Tx) BacklogOf(kind horde.Kind, ids []string) (all []Backlog, err error) {
	err = inChunks(ids, func(_ string, args []any) error {
		some, err := read(tx, scanBacklog,
			"SELECT user_id, CAST(SUM(waiting) AS BIGINT), CAST(SUM(octet_length(body)) AS BIGINT) FROM requests "+
				"WHERE waiting > 0 AND NOT faulted AND kind = $1 AND expires > $2 AND id IN "+in(3, len(args))+
				" GROUP BY user_id",
			append([]any{kind, tx.Now}, args...)...)
		all = append(all, some...)
		return err
	})
	return all, err
}

func scanBacklog(r scanner) (b Backlog, err error) {
	return b, r.Scan(&b.UserID, &b.Jobs, &b.Bytes)
}

// WaitingRequestsOf reads those of these requests that are a user's and of a kind
// and have jobs waiting, inside the transaction.
func (tx *Tx) WaitingRequestsOf(user horde.UserID, kind horde.Kind, ids []string) (all []Request, err error) {
	err = inChunks(ids, func(_ string, args []any) error {
		some, err := read(tx, scanRequest,
			"SELECT "+requestColumns+waitingRequests+" AND id IN "+in(4, len(args)),
			append([]any{user, kind, tx.Now}, args...)...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// AlchemyIDsOf reads the ids of a user's alchemy requests, inside the transaction.
func (tx *Tx) AlchemyIDsOf(user horde.UserID) ([]string, error) {
	return read(tx, scanText,
		"SELECT id FROM alchemy_requests WHERE user_id = $1 AND expires > $2", user, tx.Now)
}

// OpenFormsOf reads what waits or runs of the forms of these alchemy requests, by their
// users, inside the transaction. Bytes are those of the settings of the forms.
func (tx *Tx) OpenFormsOf(requests []string) (all []Backlog, err error) {
	err = inChunks(requests, func(placeholders string, args []any) error {
		some, err := read(tx, scanBacklog,
			"SELECT a.user_id, count(*), CAST(COALESCE(SUM(octet_length(f.payload)), 0) AS BIGINT) "+
				"FROM forms f JOIN alchemy_requests a ON a.id = f.request_id "+
				"WHERE f.state IN (0, 1) AND a.id IN "+placeholders+" GROUP BY a.user_id", args...)
		all = append(all, some...)
		return err
	})
	return all, err
}
