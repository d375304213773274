// Programs of other people that use this project's public packages: api, client
// and engine. They have a module of their own, as yours would have.
module example.org/horde-examples

go 1.26.0

require horde v0.0.0

require github.com/cenkalti/backoff/v5 v5.0.3 // indirect

// Until horde has an address from which Go can fetch it, a program says where its
// source lies.
replace horde => ../
