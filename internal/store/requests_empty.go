package store

// EmptyRequests takes the waiting jobs of all live requests of a kind away and
// returns those that had any.
func (tx *Tx) EmptyRequests(kind string) ([]Request, error) {
	all, err := read(tx, scanRequest, "UPDATE requests SET version = version + 1, waiting = 0 WHERE kind = $1 AND waiting > 0 AND expires > $2 RETURNING "+requestColumns, kind, tx.Now)
	if err != nil {
		return nil, err
	}
	for _, q := range all {
		tx.direct = true
		mark(&tx.touched.requests, q.ID)
	}
	return all, nil
}
