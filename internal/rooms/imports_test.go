package rooms

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// mayImport is the direction of the imports between our rooms: a room may import
// those named and nothing else of ours. What is not listed may import anything
// but cmd, cli, e2e and node. Tests are free.
var mayImport = map[string][]string{
	"api":             nil,
	"client":          {"api"},
	"engine":          {"api"},
	"engine/pocket":   {"api", "engine", "engine/pocket/model", "engine/pocket/loras"},
	"engine/sketch":   {"api", "engine"},
	"engine/llamacpp": {"api", "engine", "engine/internal/remote"},
	"engine/openai":   {"api", "engine", "engine/internal/remote"},
	"engine/ollama":   {"api", "engine", "engine/internal/remote"},

	"engine/internal/remote": {"api", "engine"}, // what drivers of servers share
	"internal/llamaserver":   nil,
	"engine/pocket/loras":    nil,
	"internal/textserver":    nil, // of tests
	"internal/horde":         {"api"},
	"internal/turns":         {"internal/horde"},
	"internal/imaging":       {"api", "internal/horde", "internal/turns"},
	"internal/fetch":         {"api", "internal/horde", "internal/turns"},
	"internal/limit":         {"api", "internal/horde"},
	"internal/telemetry":     {"api", "internal/horde"},
	"internal/blob":          {"api", "internal/horde", "internal/imaging"},
	"internal/config":        {"api", "internal/horde", "internal/blob"},
	"internal/store":         {"api", "internal/horde"}, // knows no rules of the domain
	"internal/catalog":       {"api", "internal/horde", "internal/store", "internal/fetch"},
	"internal/bridge":        {"api", "internal/horde"},
	"internal/patron":        nil,

	// What all kinds of work share: matching and settling know neither each other nor
	// any kind, and a kind knows no other.
	"internal/match": {"api", "internal/horde", "internal/bridge"},
	"internal/live":  {"api", "internal/horde", "internal/store", "internal/match", "internal/waiting"},
	"internal/settle": {"api", "internal/horde", "internal/store", "internal/blob", "internal/kudos",
		"internal/account", "internal/fleet"},
	"internal/requests": {"api", "internal/horde", "internal/store", "internal/blob", "internal/account",
		"internal/moderation", "internal/admission", "internal/fleet", "internal/source", "internal/notify",
		"internal/match", "internal/live", "internal/kinds", "internal/settle", "internal/waiting"},
	"internal/kinds":       kindsMayImport,
	"internal/kinds/image": append([]string{"internal/kinds", "internal/imaging"}, kindsMayImport...),
	"internal/kinds/text":  append([]string{"internal/kinds"}, kindsMayImport...),
	"internal/kinds/form":  append([]string{"internal/kinds"}, kindsMayImport...),

	// The HTTP front: a toolkit that knows no rules of the domain, what describes
	// its routes, and one room for each API, which know nothing of each other.
	"internal/server":         {"api", "internal/horde", "internal/server/pyjson", "internal/telemetry", "internal/turns"},
	"internal/server/pyjson":  {"internal/horde"},
	"internal/server/swagger": {"api", "internal/server"},
	"internal/server/site": {"api", "internal/content", "internal/horde", "internal/server",
		"internal/server/swagger", "web"},

	// The command line: commands that use a horde are programs like other people's.
	"internal/cli/console":  {"api", "client", "internal/terminal"},
	"internal/cli/database": {"internal/cli/console", "internal/store"},
	"internal/cli/use": {"api", "client", "engine/pocket", "engine/pocket/loras", "internal/cli/console",
		"internal/imaging", "internal/source", "internal/terminal"},
	"internal/cli/admin": {"api", "client", "internal/account", "internal/catalog", "internal/cli/console",
		"internal/cli/database", "internal/config", "internal/content", "internal/horde", "internal/store"},
	"internal/cli/kudos": {"internal/catalog", "internal/cli/console", "internal/cli/database", "internal/kudos",
		"internal/kudos/training"},

	"internal/worker":  {"api", "client", "engine", "internal/imaging", "internal/fetch"},
	"internal/bench":   {"api"},
	"internal/golden":  nil,
	"internal/dice":    nil, // of tests
	"internal/waiting": nil,
	"web":              nil,
}

// kindsMayImport is what every kind of work may know: rows of the store, but not how
// it is settled or queued.
var kindsMayImport = []string{"api", "internal/horde", "internal/store", "internal/bridge", "internal/catalog",
	"internal/account", "internal/fleet",
	"internal/kudos", "internal/admission", "internal/match"}

// mustNot are single arrows that would run back. An arrow to a room is one to the
// rooms below it, too.
var mustNot = map[string][]string{
	// Handlers call the domain, which owns its transactions.
	"internal/server/domain": {"internal/store", "internal/server/v2", "internal/server/ext", "internal/server/site",
		"internal/server/front"},
	"internal/server/v2":    {"internal/store", "internal/server/ext", "internal/server/site", "internal/server/front"},
	"internal/server/ext":   {"internal/store", "internal/server/v2", "internal/server/site", "internal/server/front"},
	"internal/server/front": {"internal/store"},

	"internal/account": {"internal/server", "internal/queue", "internal/fleet"},
	"internal/kudos":   {"internal/server", "internal/queue", "internal/fleet", "internal/account"},
	"internal/fleet":   {"internal/server", "internal/queue"},
	"internal/queue":   {"internal/server", "internal/alchemy", "internal/stats"},
	"internal/stats":   {"internal/server", "internal/queue", "internal/alchemy"},
	"internal/alchemy": {"internal/server", "internal/queue"},
}

func TestImportDirection(t *testing.T) {
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}

	rooms := 0
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p struct {
			ImportPath string
			Imports    []string
		}
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}

		room := strings.TrimPrefix(p.ImportPath, "horde/")
		rooms++

		for _, path := range p.Imports {
			to, ours := strings.CutPrefix(path, "horde/")
			if ours {
				checkArrow(t, room, to)
			}
		}
	}

	if rooms < 20 {
		t.Errorf("only %d packages found", rooms)
	}
}

func checkArrow(t *testing.T, from, to string) {
	t.Helper()
	switch {
	case strings.HasPrefix(to, "cmd/"), to == "e2e",
		strings.HasPrefix(to, "e2e/") && !strings.HasPrefix(from, "e2e"),
		to == "internal/node" && from != "internal/cli/run",
		to == "internal/cli" && from != "cmd/horde",
		strings.HasPrefix(to, "internal/cli/") && !strings.HasPrefix(from, "internal/cli"):
		t.Errorf("%s imports %s", from, to)
	}
	if allowed, listed := mayImport[from]; listed && !slices.Contains(allowed, to) {
		t.Errorf("%s imports %s; it may import %v", from, to, allowed)
	}
	for _, never := range mustNot[from] {
		if to == never || strings.HasPrefix(to, never+"/") {
			t.Errorf("%s imports %s", from, to)
		}
	}
}
