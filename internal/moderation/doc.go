// Package moderation keeps a horde decent and quiet: names that nobody should
// have to read, markup in texts that strangers wrote, and the switches of the
// whole horde (maintenance, invite only, raid).
package moderation
