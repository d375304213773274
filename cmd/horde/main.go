// Command horde is a whole AI Horde in one program: server, worker and command
// line. "horde --help" lists its commands, "horde <command> --help" shows
// examples of each. They are in package cli.
package main

import (
	"os"

	"horde/internal/cli"
)

func main() {
	os.Exit(cli.Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
