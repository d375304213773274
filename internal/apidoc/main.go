// Command apidoc prints a description of the API: swagger.json, openapi.json or
// contract.json, as a server sends it. The page's types are made from it
// (web/scripts/types.mjs).
package main

import (
	"fmt"
	"os"

	"horde/internal/server/front"
)

func main() {
	name := "openapi.json"
	if len(os.Args) > 1 {
		name = os.Args[1]
	}
	raw, ok := front.Documents(front.Options{}).File(name)
	if !ok {
		fmt.Fprintf(os.Stderr, "apidoc: no document %q: ask for swagger.json, openapi.json or contract.json\n", name)
		os.Exit(2)
	}
	fmt.Println(string(raw))
}
