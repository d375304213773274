package e2e

import (
	"flag"
	"io"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"horde/e2e/program"
)

// minParallel is how many tests run at a time at least. Most of them wait: for the
// program, for a browser, for the clock.
const minParallel = 6

func TestMain(m *testing.M) {
	flag.Parse()
	if runtime.GOMAXPROCS(0) < minParallel && !isSet("test.parallel") {
		if err := flag.Set("test.parallel", strconv.Itoa(minParallel)); err != nil {
			panic(err) // of a flag of package testing
		}
	}
	os.Exit(program.Main(m))
}

// isSet reports whether a flag was given on the command line.
func isSet(name string) (set bool) {
	flag.Visit(func(f *flag.Flag) { set = set || f.Name == name })
	return set
}

// engines runs a test on both databases, at the same time.
func engines(t *testing.T, f func(t *testing.T, db string)) {
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		f(t, "")
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		f(t, program.Postgres(t))
	})
}

// call sends one request and returns status and body.
func call(t testing.TB, method, url, key, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequest(method, url, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if key != "" {
		req.Header.Set("apikey", key)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}
