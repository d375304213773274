package store

import "horde/internal/horde"

// Committed is what a transaction of this node made of requests and forms, so that
// nobody has to read it again. Each list is in the order of the changes.
type Committed struct {
	Requests []Request // new ones
	States   []RequestChange
	Jobs     []Job // handed out
	Ended    []JobEnd
	Deleted  []string // requests

	Deliveries []Delivery // of jobs, for the figures of the last hour

	Alchemy        []AlchemyRequest // new ones
	Forms          []Form           // of new requests
	Progress       []FormChange
	Renewed        []Renewal
	DeletedAlchemy []string // requests
}

// NoRequests reports whether it has nothing about requests and jobs.
func (cm *Committed) NoRequests() bool {
	return len(cm.Requests)+len(cm.States)+len(cm.Jobs)+len(cm.Ended)+len(cm.Deleted)+len(cm.Deliveries) == 0
}

// RequestChange is a request's new state.
type RequestChange struct {
	ID string
	RequestState
}

// JobEnd is how a job ended.
type JobEnd struct {
	ID string
	JobResult
}

// FormChange is a form's new state.
type FormChange struct {
	ID string
	FormProgress
}

// Renewal is how long an alchemy request lives at least.
type Renewal struct {
	ID      string
	Expires horde.Micros
}
