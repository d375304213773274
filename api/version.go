package api

// Version is the release, by semantic version; Repository says where its source
// is. Both are part of the names by which programs introduce themselves
// (Client-Agent, bridge_agent) and of the server's serviceinfo. A release build
// sets them with -ldflags "-X horde/api.Version=… -X horde/api.Repository=…".
// Servers grant features by the worker's version: it never goes below 1.
var (
	Version    = "1.0.0"
	Repository = "horde"
)
