package horde

import "time"

// Clock tells the time. Rooms take it as a parameter so that tests own it.
type Clock func() time.Time

// FromMicros is a moment, in UTC, that the database keeps as microseconds since
// 1970: the inverse of [time.Time.UnixMicro].
func FromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
