package ext

import (
	"fmt"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/queue"
	"horde/internal/server"
)

// A teller makes the data of a stream's events.
type teller interface {
	status(ref api.RequestRef, n queue.News) any
	progress(ref api.RequestRef, p api.JobProgress) any
	imageEnd(ref api.RequestRef, cancelled bool, st api.ImageStatus) any
	textEnd(ref api.RequestRef, cancelled bool, st api.TextStatus) any
	// gone is nil where a stream says nothing of it.
	gone(id string) any
}

// aloneEvents and namedEvents are the types of the data that the two tellers make.
var (
	aloneEvents = server.Events{api.Check{}, api.JobProgress{}, api.ImageStatus{}, api.TextStatus{}}
	namedEvents = server.Events{
		api.RequestStatus{},
		api.RequestProgress{},
		api.ImageRequestEnd{},
		api.TextRequestEnd{},
		api.AlchemyRequestStatus{},
		api.RequestGone{},
	}
)

// alone is for a stream of one request, which no event has to name.
type alone struct{}

func (alone) status(_ api.RequestRef, n queue.News) any                 { return &n.Check }
func (alone) progress(_ api.RequestRef, p api.JobProgress) any          { return &p }
func (alone) imageEnd(_ api.RequestRef, _ bool, st api.ImageStatus) any { return &st }
func (alone) textEnd(_ api.RequestRef, _ bool, st api.TextStatus) any   { return &st }
func (alone) gone(string) any                                           { return nil }

// named is for a stream of several: every event names its request.
type named struct{}

func (named) status(ref api.RequestRef, n queue.News) any {
	return &api.RequestStatus{
		RequestRef: ref,
		Cancelled:  n.Cancelled,
		Jobs:       n.Running,
		Delivered:  n.Delivered,
		Check:      n.Check,
	}
}

func (named) progress(ref api.RequestRef, p api.JobProgress) any {
	return &api.RequestProgress{RequestRef: ref, JobProgress: p}
}

func (named) imageEnd(ref api.RequestRef, cancelled bool, st api.ImageStatus) any {
	return &api.ImageRequestEnd{RequestRef: ref, Cancelled: cancelled, ImageStatus: st}
}

func (named) textEnd(ref api.RequestRef, cancelled bool, st api.TextStatus) any {
	return &api.TextRequestEnd{RequestRef: ref, Cancelled: cancelled, TextStatus: st}
}

func (named) gone(id string) any {
	return &api.RequestGone{
		Request: id,
		RC:      string(horde.RequestNotFound),
		Message: fmt.Sprintf("Request with ID '%s' not found.", id),
	}
}
