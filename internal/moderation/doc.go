// Package moderation keeps a horde decent: for now, names that nobody should
// have to read.
package moderation
