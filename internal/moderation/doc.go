// Package moderation keeps a horde decent and calm: names that nobody should
// have to read, markup in text that strangers wrote, and the switches of the
// whole horde (maintenance, invite only, raid). It also judges and rewrites
// prompts by the filters of moderators.
//
// For filters start at Filters: it holds the rows compiled (filter_set.go), of patterns
// in Python's syntax (pattern.go, python_pattern.go) that see a prompt as Normalize makes
// it. The queue asks Refuses for each request for images, and Rewrite or Adult
// if a prompt has to change.
//
// For addresses start at Addresses: who is shut out, by moderators (Ban, Unban) or
// for an offence (PutInTimeout), which every request and pop consults (Check). Whether
// an address looks like a VPN is a Checker's business.
package moderation
