// Package e2e tests the whole program from outside: the binary as a user starts
// it, exchanges recorded from the original, clients that nobody here wrote, two
// nodes on one database, kill -9, a browser.
package e2e
