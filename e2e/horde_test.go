package e2e

import (
	"io"
	"net/http"
	"os"
	"strings"
	"testing"

	"horde/e2e/program"
	"horde/internal/store/storetest"
)

// minParallel is how many tests run at a time at least. Most of them wait: for the
// program, for a browser, for the clock.
const minParallel = 6

func TestMain(m *testing.M) {
	storetest.Parallel(minParallel)
	os.Exit(program.Main(m))
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
