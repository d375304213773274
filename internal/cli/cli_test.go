package cli

import (
	"bytes"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"horde/api"
	"horde/internal/cli/use"
	"horde/internal/imaging"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// minParallel is how many scripts run at a time at least. They wait: for the programs
// that they start, each of which the race detector keeps for a second at its end.
const minParallel = 8

// tests are those of this package, where the program is not called as horde.
type tests struct{ *testing.M }

func (t tests) Run() int {
	storetest.Parallel(minParallel)
	return t.M.Run()
}

func TestMain(m *testing.M) {
	use.PollInterval, use.AnswerTimeout = 20*time.Millisecond, 100*time.Millisecond
	testscript.Main(tests{m}, map[string]func(){
		"horde": func() { os.Exit(Main(os.Args[1:], os.Stdin, os.Stdout, os.Stderr)) },
	})
}

// TestCommandsDoWhatTheirScriptsSay runs the whole program by the scripts in testdata: each with a
// fake horde of its own, at $HORDE_SERVER.
func TestCommandsDoWhatTheirScriptsSay(t *testing.T) {
	t.Parallel()
	testscript.Run(t, testscript.Params{
		Dir: "testdata",
		Setup: func(env *testscript.Env) error {
			f := newFakeHorde()
			env.Defer(f.Close)
			env.Values["horde"] = f
			env.Setenv("HORDE_SERVER", f.URL)
			env.Setenv("FREE_ADDR", freeAddr())
			return os.WriteFile(filepath.Join(env.WorkDir, "image.webp"), webp(64), 0o644)
		},
		Cmds: map[string]func(ts *testscript.TestScript, neg bool, args []string){
			// await PATTERN: until such a call has reached the fake horde
			"await": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(ts.Value("horde").(*fakeHorde).await(args[0]))
			},
			// served JSON: the models that the fake horde lists from here on
			"served": func(ts *testscript.TestScript, _ bool, args []string) {
				f := ts.Value("horde").(*fakeHorde)
				f.mu.Lock()
				defer f.mu.Unlock()
				f.models = args[0]
			},
			// ledger DIR: a data folder with some movements of kudos
			"ledger": func(ts *testscript.TestScript, _ bool, args []string) { ts.Check(makeLedger(ts.MkAbs(args[0]))) },
			// life DIR: a data folder with recorded images
			"life": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Check(makeLife(store.Options{Folder: ts.MkAbs(args[0])}))
			},
			// tamper DIR SQL: changes a database behind the program's back
			"tamper": func(ts *testscript.TestScript, _ bool, args []string) { ts.Check(tamper(ts.MkAbs(args[0]), args[1])) },
			// format FILE FORMAT: what an image file really is
			"format": func(ts *testscript.TestScript, neg bool, args []string) {
				h, err := imaging.Inspect([]byte(ts.ReadFile(args[0])))
				ts.Check(err)
				if (h.Format == args[1]) == neg {
					ts.Fatalf("%s is %s", args[0], h.Format)
				}
			},
		},
	})
}

// freeAddr is an address on this machine where nobody listens.
func freeAddr() string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err) // a machine without loopback
	}
	defer l.Close()
	return l.Addr().String()
}

func TestEachCommandAnswers(t *testing.T) {
	f := newFakeHorde()
	defer f.Close()
	for _, tc := range []struct {
		args string
		code int
		out  string
		err  string
	}{
		{"version", 0, "horde " + api.Version, ""},
		{"--help", 0, "Usage: horde", ""},
		{"work --help", 0, "Usage: horde work", ""},
		{"status --horde " + f.URL, 0, "9.9.9", ""},
		{"", 0, "Usage: horde", ""},
		{"nothing", 2, "", "horde --help"},
	} {
		t.Run(tc.args, func(t *testing.T) {
			var out, err bytes.Buffer
			code := execute(t.Context(), strings.Fields(tc.args), strings.NewReader(""), &out, &err)
			if code != tc.code || !strings.Contains(out.String(), tc.out) || !strings.Contains(err.String(), tc.err) {
				t.Errorf("horde %s: %d\n%s%s", tc.args, code, out.String(), err.String())
			}
		})
	}
}
