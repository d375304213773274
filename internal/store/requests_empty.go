package store

// EmptyRequests takes the waiting jobs of all live requests for images and text away
// and returns those that had any.
func (tx *Tx) EmptyRequests() ([]Request, error) {
	all, err := read(tx, scanRequest, "UPDATE requests SET version = version + 1, waiting = 0 "+
		"WHERE waiting > 0 AND expires > $1 RETURNING "+requestColumns, tx.Now)
	if err != nil {
		return nil, err
	}

	for _, q := range all {
		tx.direct = true
		tx.changed.requestChanged(q.ID, q.RequestState)
	}
	return all, nil
}
