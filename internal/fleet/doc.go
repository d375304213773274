// Package fleet knows the workers: who they are, what they offer, when they
// were last seen, how fast they are and how they behave. All workers of the
// horde are held in memory as immutable snapshots; a check-in (each pop) makes
// a new one, and the database gets it when something changed or some seconds
// have passed. Messages to workers lie beside them (messages.go).
package fleet
