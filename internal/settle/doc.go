// Package settle carries out what moves when work is taken in, delivered, given up,
// cancelled or expires: kudos, holds and budgets, the counters of requester, owner
// and worker, suspicions, and the rows of requests and assignments. An assignment is a piece of
// work in a worker's hands: a job of a request ([Job]), or an alchemy form ([Form]).
//
// Images, texts and forms go through the same code. Callers describe what happened:
// an [Acceptance], a [Delivery], an [Abort]; what a kind of work has of its own stands
// in its [Rules]. Each description is applied in one unit of work of the store, so
// that all of it happens or nothing.
//
// The package knows neither the copies of requests in memory nor how work is matched
// with workers. It changes balances through package kudos alone.
package settle
