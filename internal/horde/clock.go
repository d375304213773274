package horde

import "time"

// Clock tells the time. Packages take it as a parameter so that tests control it.
type Clock func() time.Time

// FromMicros returns, in UTC, the time that the database keeps as microseconds since
// 1970: the inverse of [time.Time.UnixMicro].
func FromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
