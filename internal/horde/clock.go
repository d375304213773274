package horde

import "time"

// Clock tells the time. Rooms take it as a parameter so that tests own it.
type Clock func() time.Time

// Micros is a moment as the database keeps it: microseconds since 1970.
func Micros(t time.Time) int64 { return t.UnixMicro() }

// FromMicros is the inverse of Micros, in UTC.
func FromMicros(us int64) time.Time { return time.UnixMicro(us).UTC() }
