package settle

import (
	"context"
	"time"

	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/store"
)

const (
	startingGrace = time.Minute     // in which workers find a server that was down
	storeTimeout  = 2 * time.Second // for our blob store to say whether it works
)

// Excuse is why a failure is not its worker's fault.
type Excuse int

// Excuses.
const (
	NoExcuse   Excuse = iota
	OurStore          // it could not take the result, or could not be asked
	OurOutage         // this server was not there to take the result in time
	SourceGone        // the image that the work is about; no worker will do better
)

// Server is what a worker depends on besides itself.
type Server struct {
	Store  *store.Store
	Blobs  blob.Store
	Opened horde.Micros // when this node began to take results
}

// Needs is what work takes from our blob store and brings to it.
type Needs struct {
	Sources []string // blobs to be fetched
	Upload  bool     // of a result
}

// ExcuseNow finds out whether the server itself makes a worker fail: source images
// are gone, or its blob store takes nothing.
func (srv Server) ExcuseNow(ctx context.Context, needs Needs) Excuse {
	// A worker that hangs up at once must not look like a store that does not answer.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), storeTimeout)
	defer cancel()

	for _, name := range needs.Sources {
		switch there, err := srv.Blobs.Exists(ctx, name); {
		case err != nil:
			return OurStore
		case !there:
			return SourceGone
		}
	}
	// In the first seconds of an outage the store still counts as ready.
	if needs.Upload && srv.Blobs.ReadyNow(ctx) != nil {
		return OurStore
	}
	return NoExcuse
}

// ExcuseLate is the excuse of work, begun and due at these times in microseconds,
// that was not delivered in time: while this server was down, or had only just come
// back, nobody took it, unless another node served all the while.
func (srv Server) ExcuseLate(ctx context.Context, begun, due horde.Micros) (Excuse, error) {
	if due >= srv.Opened+horde.MicrosIn(startingGrace) || begun >= srv.Opened {
		return NoExcuse, nil
	}
	if served, err := srv.Store.ServedElsewhere(ctx, begun, srv.Opened); err != nil || served {
		return NoExcuse, err
	}
	return OurOutage, nil
}
