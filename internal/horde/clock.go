package horde

import "time"

// Clock tells the time. Packages take it as a parameter so that tests control it.
type Clock func() time.Time

// Micros is a time as the database keeps it, in microseconds since 1970 (UTC), or the
// length between two of them.
type Micros int64

// MicrosOf returns a time in microseconds; what is below one is cut off.
func MicrosOf(t time.Time) Micros { return Micros(t.UnixMicro()) }

// MicrosIn returns how many microseconds a duration has; what is below one is cut off.
func MicrosIn(d time.Duration) Micros { return Micros(d.Microseconds()) }

// Time is the time in UTC: the inverse of [MicrosOf].
func (m Micros) Time() time.Time { return time.UnixMicro(int64(m)).UTC() }

// Duration is the length: the inverse of [MicrosIn].
func (m Micros) Duration() time.Duration { return time.Duration(m) * time.Microsecond }

// Seconds is the length in seconds.
func (m Micros) Seconds() float64 { return float64(m) / 1e6 }

// Micros is the time now, in microseconds.
func (c Clock) Micros() Micros { return MicrosOf(c()) }
