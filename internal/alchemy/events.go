package alchemy

import (
	"context"
	"slices"

	"horde/api"
	"horde/internal/live"
	"horde/internal/store"
	"horde/internal/waiting"
)

// Follow has w told of every change of those live requests that there are among
// ids, until stop is called. It returns the ids that it found.
func (q *Queue) Follow(ctx context.Context, ids []string, w *waiting.Watch) (found []string, stop func(), err error) {
	return live.Follow(ctx, q.Refresh, ids, w, q.Clock.Micros, q.index.Index)
}

// maxNewsResults bounds the results that come with the news of a request, all together.
// Longer ones are read with its status.
const maxNewsResults = 64 << 10 // bytes

// News is how far a request is, for one who follows it.
type News struct {
	Version int64 // grows with every change
	Gone    bool  // the request has expired, or there was none
	Ended   bool  // no form waits or is in progress
}

// News tells how far a request is, from memory: Gone when there is none.
func (q *Queue) News(id string) News {
	e := q.index.Known(id, q.Clock.Micros())
	if e == nil {
		return News{Gone: true}
	}

	q.index.Lock()
	defer q.index.Unlock()
	return News{Version: e.Version(), Ended: e.Over()}
}

// ShortStatus is Status without long results: a form can be done and show none.
func (q *Queue) ShortStatus(ctx context.Context, id string) (s api.AlchemyStatus, err error) {
	e, err := q.find(ctx, id)
	if err != nil {
		return s, err
	}
	forms := q.formRows(e)
	made, err := q.Store.ShortFormResults(ctx, id, maxNewsResults)
	if err != nil {
		return s, err
	}

	s = api.AlchemyStatus{State: overall(forms), Forms: []api.AlchemyFormStatus{}}
	left := maxNewsResults
	for _, f := range forms {
		one := api.AlchemyFormStatus{Form: f.Name, State: stateNames[f.State]}
		i := slices.IndexFunc(made, func(r store.FormResult) bool { return r.FormID == f.ID })
		if f.State == store.FormDone && i >= 0 && len(made[i].Result) <= left {
			left -= len(made[i].Result)
			one.Result = q.withLinks(ctx, made[i])
		}
		s.Forms = append(s.Forms, one)
	}
	return s, nil
}
