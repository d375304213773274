package cli

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/alecthomas/kong"

	"horde/internal/cli/console"
)

// every calls use with each command that does something itself, by its path.
func every(use func(path string, n *kong.Node)) {
	var visit func(n *kong.Node, path []string)
	visit = func(n *kong.Node, path []string) {
		if n.Leaf() {
			use(strings.Join(path, " "), n)
		}
		for _, c := range n.Children {
			visit(c, append(path[:len(path):len(path)], c.Name))
		}
	}

	visit(commandTree().Node, nil)
}

// The documents show the table of exit statuses as it is, and every status there
// is stands in it.
func TestExitCodesAreDocumented(t *testing.T) {
	doc, err := os.ReadFile("../../docs/cli.md")
	if err != nil {
		t.Fatal(err)
	}

	for _, e := range console.ExitCodes {
		if row := fmt.Sprintf("| %d | %s |", e.Code, e.Meaning); !strings.Contains(string(doc), row) {
			t.Errorf("docs/cli.md lacks %s", row)
		}
	}

	if rows := regexp.MustCompile(`(?m)^\| \d+ \|`).FindAll(doc, -1); len(rows) != len(console.ExitCodes) {
		t.Errorf("docs/cli.md has %d rows", len(rows))
	}
}

// A wrong call is told apart from a failure, of every command, and leaves nothing behind.
// What $ begins is in a folder of the test.
func TestWrongCallsExit2(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for name, text := range map[string]string{"notes.txt": "no image", "bad.toml": "hord = 1"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	calls := []string{
		"nothing", "generate", "generate fox --init $absent.png", "generate fox --init $notes.txt",
		"generate fox -o $absent/fox.png",
		"generate fox -o $fox.gif", "generate fox -n 0", "generate fox -n 99", "generate fox --strength 0.5", "text",
		"text fox -n 0",
		"alchemy $absent.png", "alchemy $notes.txt", "alchemy $notes.txt -f sing", "models --type video",
		"status --config $absent.toml",
		"status --config $bad.toml", "help nothing", "completion tcsh", "serve --kudos-net $absent.bin", "work --engine gpu",
		"work --no-images", "work --no-images --text nonsense",
		"work --no-images --text http://127.0.0.1:1 --text-engine openai --text-length 3",
		"work --no-images --text http://127.0.0.1:1 --text-engine openai --text-context 5",
		"work --engine sketch --threads 99", "work --engine sketch --horde nonsense", "bench cycle --clients 0",
		"kudos train",
		"kudos train --data $absent.csv", "kudos train --data $notes.txt --out $absent/net.bin",
		"kudos eval --data $absent.csv",
		"kudos eval --data $absent.csv --net $absent.bin", "kudos eval --data-dir $absent",
		"admin ledger verify --data $absent",
		"admin ledger explain bob --data $absent", "admin ledger explain 1 --data $absent",
		"admin models import $absent.json --data $absent",
		"admin models import $notes.txt --data $absent", "admin models forget all",
	}

	every(func(path string, _ *kong.Node) { calls = append(calls, path+" --nonsense") })
	t.Run("calls", func(t *testing.T) {
		for _, call := range calls {
			t.Run(call, func(t *testing.T) {
				t.Parallel()
				args := strings.Fields(strings.ReplaceAll(call, "$", dir+string(filepath.Separator)))
				var out, errs bytes.Buffer
				if code := execute(t.Context(), args, strings.NewReader(""), &out, &errs); code != console.ExitUsage {
					t.Errorf("exit status %d\n%s%s", code, out.String(), errs.String())
				}
				if !strings.HasPrefix(errs.String(), "horde: ") {
					t.Errorf("says %q", errs.String())
				}
			})
		}
	})

	var left []string
	entries, err := os.ReadDir(dir)
	for _, e := range entries {
		left = append(left, e.Name())
	}
	if strings.Join(left, " ") != "bad.toml notes.txt" {
		t.Errorf("left behind: %v, %v", left, err)
	}
}

// useCommands ask a horde something.
var useCommands = []string{"generate fox", "generate fox --price", "text fox", "text fox --price",
	"alchemy https://example.org/x.png", "status", "models", "whoami", "key renew", "key revoke 3"}

func TestFailuresExit1AndInterrupts130(t *testing.T) {
	t.Parallel()
	refusing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"message":"no","rc":"Forbidden"}`)
	}))
	t.Cleanup(refusing.Close)

	for _, command := range useCommands {
		for name, server := range map[string]string{"refused": refusing.URL, "absent": "http://" + freeAddr()} {
			t.Run(command+" "+name, func(t *testing.T) {
				t.Parallel()
				var out, errs bytes.Buffer
				code := execute(t.Context(), argsOf(t, command, server), strings.NewReader(""), &out, &errs)
				if code != console.ExitFailed || !strings.HasPrefix(errs.String(), "horde: ") {
					t.Errorf("exit status %d, %q", code, errs.String())
				}
			})
		}
		t.Run(command+" interrupted", func(t *testing.T) {
			t.Parallel()
			interrupted(t, command)
		})
	}
}

// argsOf are those of a command for a server, with a folder for what is saved.
func argsOf(t *testing.T, command, server string) []string {
	args := append(strings.Fields(command), "--horde", server)
	if args[0] == "generate" {
		args = append(args, "-o", filepath.Join(t.TempDir(), "fox.webp"))
	}
	return args
}

// interrupted interrupts a command when its server has heard of it.
func interrupted(t *testing.T, command string) {
	asked := make(chan struct{}, 10)
	hanging := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body) // else the end of the call goes unnoticed
		asked <- struct{}{}
		<-r.Context().Done()
	}))
	defer hanging.Close()

	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()

	var out, errs bytes.Buffer
	code := execute(ctx, argsOf(t, command, hanging.URL), strings.NewReader(""), &out, &errs)
	if code != console.ExitInterrupted || !strings.Contains(errs.String(), "interrupted") {
		t.Errorf("exit status %d, %q", code, errs.String())
	}
}

// Every command explains itself with examples, and those can be parsed: no flag in
// them is one that the command lacks.
func TestHelpHasExamples(t *testing.T) {
	var visit func(n *kong.Node, path string)
	visit = func(n *kong.Node, path string) {
		if path != "" && !strings.Contains(n.Detail, "Example") {
			t.Errorf("%s has no examples", path)
		}
		for _, c := range n.Children {
			visit(c, strings.TrimSpace(path+" "+c.Name))
		}
	}
	visit(commandTree().Node, "")

	flag := regexp.MustCompile(`\s(--?[a-z][a-z0-9-]*)`)
	every(func(path string, n *kong.Node) {
		for line := range strings.Lines(n.Detail) {
			line, _, _ = strings.Cut(line, " # ")
			if !strings.HasPrefix(strings.TrimSpace(line), "horde "+path) {
				continue
			}
			for _, m := range flag.FindAllStringSubmatch(line, -1) {
				l := walk(commandTree(), strings.Fields(path))
				if name := strings.Replace(m[1], "--no-", "--", 1); l.flag(name) == nil && l.flag(m[1]) == nil && m[1] != "-" {
					t.Errorf("%s: there is no flag %s", strings.TrimSpace(line), m[1])
				}
			}
		}
	})
}
