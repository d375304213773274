// Package alchemy carries requests for forms about an image (captions, ratings,
// enlargements: generation §3) from submission to the last result:
// accept, hand out, take results, give up, expire.
//
// It is built of the same rooms as package queue (live, match, settle, kinds). Forms are
// no jobs: each form of a request is handed out, paid and given up by itself, and
// priority does not grow. The database is the truth: a request is acknowledged, a form
// handed out and a result counted only after the commit. A change of a form is a
// conditional update on the version that the node knows, so a node that is behind loses
// the race, reads again and moves on. What workers sent lies in the database alone and
// is read with a status.
package alchemy
