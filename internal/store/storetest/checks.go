package storetest

import (
	"cmp"
	"flag"
	"os"
	"strconv"

	_ "pgregory.net/rapid" // registers its flags
)

// Checks sets how many cases each property test tries: n, unless the variable
// HORDE_RAPID_CHECKS or the flag -rapid.checks says otherwise. A property of a
// database is slow to check; call it from TestMain.
func Checks(n int) {
	_ = flag.Set("rapid.checks", cmp.Or(os.Getenv("HORDE_RAPID_CHECKS"), strconv.Itoa(n)))
}
