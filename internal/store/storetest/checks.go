package storetest

import (
	"cmp"
	"flag"
	"os"
	"runtime"
	"strconv"

	_ "pgregory.net/rapid" // registers its flags
)

// Checks sets how many cases each property test tries: n, unless the variable
// HORDE_RAPID_CHECKS or the flag -rapid.checks says otherwise. A property of a
// database is slow to check; call it from TestMain.
func Checks(n int) {
	_ = flag.Set("rapid.checks", cmp.Or(os.Getenv("HORDE_RAPID_CHECKS"), strconv.Itoa(n)))
}

// Parallel lets at least n tests run at a time, unless the flag -parallel says how
// many: for tests that wait for a database, a server or a process of their own more
// than they compute. Call it from TestMain.
func Parallel(n int) {
	flag.Parse()
	if runtime.GOMAXPROCS(0) >= n || isSet("test.parallel") {
		return
	}
	if err := flag.Set("test.parallel", strconv.Itoa(n)); err != nil {
		panic(err) // of a flag of package testing
	}
}

// isSet reports whether a flag was given on the command line.
func isSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}
