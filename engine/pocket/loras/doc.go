// Package loras knows the LoRAs of the pocket model: it reads and checks LoRA files
// ([Parse]), holds those that are built in with a sample image each ([BuiltIn]), and
// finds them and a user's own by the names that requests use ([Library]).
//
// It is pure Go and does not load the model, so that a server can list what its
// workers' built-in engine offers.
package loras
