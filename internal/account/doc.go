// Package account knows who somebody is: users, their API keys and roles. A key
// is stored as a hash and shown once. Lookups by key are answered from a cache
// that every change of a user, on this node or another, clears.
package account
