// Package bridge derives what workers can do from what they call themselves: the
// bridge agent "name:version:url" of every pop (generation §1.17,
// platform §7.8).
//
// [Parse] turns an agent text into an [Agent], whose abilities are one machine
// word: the queue asks it for every candidate of every pop.
package bridge
