// Package client speaks to a horde: the calls of /api/v2 that any AI Horde
// answers and those of /api/ext/v1 that ours has besides. The command line, the
// worker, the load generator and every end-to-end test use it; so can you:
//
//	c := client.New("http://127.0.0.1:7001", api.AnonymousKey)
//	accepted, err := c.Generate(ctx, &api.ImageRequest{Prompt: "a red fox"})
//	…
//	for event, err := range c.Watch(ctx, accepted.ID) {
//		…
//	}
//
// Every call takes a context and gives up after a minute (WithTimeout) in any case. A
// refusal by the server is an *api.Error with its HTTP status; an answer that is not
// JSON, such as a proxy's page, is a *ForeignError around one. Answers are read up to a
// bound, redirects are followed only within the horde itself so that the key stays
// there, and a call is repeated only where that is safe: reads and cancels after any
// temporary failure, the rest only when the server said 429 with Retry-After and so did
// nothing.
//
// A Client is safe for concurrent use.
package client
