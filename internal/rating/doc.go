// Package rating accepts what requesters think of the images that they shared, and
// pays them for it (generation §1.13, platform §10.1).
//
//	reward, err := ratings.Rate(ctx, requestID, body, rating.Rater{ClientAgent: agent, Addr: addr})
//
// A set is the images of one request. It is rated once: refused are requests that are
// not done or were not shared, images that are not of the set, and ratings that say
// nothing. Each rating earns kudos, always less than the request has cost.
//
// Ratings are kept in our own store (decision 32): who rated, the images' models and
// seeds, and what was asked for, so that they stay meaningful when the request is
// long gone.
package rating
