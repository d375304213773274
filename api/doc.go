// Package api is the public wire contract of a horde: the bodies of /api/v2,
// its return codes and limits, and the few bodies of /api/ext/v1 that only our
// own programs use. It has no behaviour beyond (un)marshalling and imports the
// standard library alone, so that clients and workers in other modules can use
// it without pulling in a server.
//
// Shapes follow the original's machine description; where a field can be null
// on the wire it is a pointer or a slice here. Fields that the original always
// prints with a decimal point are of type Float.
package api
