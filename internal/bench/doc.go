// Package bench loads a horde with test users and workers and measures how long its
// answers take. It is the engine of "horde bench".
//
// [Run] makes accounts through POST /api/v2/dev/test-user, so that the server
// must be started with HORDE_TEST_APIKEYS=1 and HORDE_TEST_RATELIMIT_DISABLED=1, then
// plays one of these modes:
//
//   - [Cycle]: clients request an image, workers pop and deliver it, clients check and
//     fetch the status: five calls, each answer verified. Text requests have no
//     check.
//   - [Pop]: the same behind a backlog of requests that no worker serves.
//   - [Check]: clients check waiting requests.
//   - [OverloadOf]: cycles as fast as possible, then as many and more than that; what the
//     server refuses (503) is counted and no error.
//   - [Forms]: like [Cycle], with alchemy forms: four calls.
//
// It is meant to run beside the server on a small machine, so it must cost next to
// nothing itself. That is why it does not use net/http: requests are bytes
// made once, with an id or a number written over them before sending; a
// connection is a net.Conn whose answers are found by a small scanner (see
// [conn]); of JSON bodies only the keys that are verified are searched for.
// Latencies go into histograms of a fixed size. In steady state nothing is allocated.
//
// With a rate, starts are scheduled (open loop): a cycle whose start is late because
// every client still waits for the server is measured from when it was due, so
// that a stall shows in the figures. Calls are measured from when they are sent; how late
// starts were, and how late the bench itself wakes up, are rows of their own.
package bench
