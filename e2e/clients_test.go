package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"horde/e2e/program"
	"horde/internal/textserver"
)

// TestNPMClient has the npm client @zeldafan0225/ai_horde play requester and
// worker.
func TestNPMClient(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	for _, suite := range []string{"horde", "kinds"} {
		node(t, "npm", suite+".test.mjs", "HORDE_URL="+srv.URL)
	}
}

// TestBrowser has a browser type a prompt on the page and see an image that the
// built-in model generated.
func TestBrowser(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: the browser suite takes a minute; `make test` runs it")
	}
	srv := program.Start(t, program.Setup{Command: "up", Args: []string{"--no-browser", "--no-text"}})
	node(t, "browser", "browser.test.mjs", "HORDE_URL="+srv.URL)
}

// TestBrowserStreams has a browser follow more requests than it has connections, in
// several tabs, through a cancel and an outage.
func TestBrowserStreams(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: the browser suite takes a minute; `make test` runs it")
	}
	srv := program.Start(t, program.Setup{})
	node(t, "browser", "streams.test.mjs", "HORDE_URL="+srv.URL)
}

// TestBrowserLayout has a browser look at every page at the sizes that people have,
// with one to eight images, refusals and an outage, and at a horde without workers.
func TestBrowserLayout(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: the browser suite takes a minute; `make test` runs it")
	}
	const title = "Füchse & <b>Freunde</b>"
	drawing := program.Start(t, program.Setup{Command: "up",
		Args: []string{"--no-browser", "--no-text", "--engine", "sketch", "--title", title}})
	idle := program.Start(t, program.Setup{Args: []string{"--title", title}})
	node(t, "browser", "layout.test.mjs", "HORDE_URL="+drawing.URL, "HORDE_IDLE_URL="+idle.URL, "HORDE_TITLE="+title)
}

// TestBrowserText has a browser ask for text on the page of a horde that generates it
// with a real model, and of one that does not.
func TestBrowserText(t *testing.T) {
	t.Parallel()
	folder := textserver.Folder(t)
	writing := program.Start(t, program.Setup{Command: "up",
		Args: []string{"--no-browser", "--no-images", "--text-folder", folder}})
	idle := program.Start(t, program.Setup{})
	node(t, "browser", "text.test.mjs", "HORDE_URL="+writing.URL, "HORDE_IDLE_URL="+idle.URL)
}

// TestAPIPage has a browser try calls out on the page of the API.
func TestAPIPage(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: the browser suite takes half a minute; `make test` runs it")
	}
	srv := program.Start(t, program.Setup{})
	node(t, "browser", "swagger.test.mjs", "HORDE_URL="+srv.URL)
}

// browsers lets one browser run at a time: several on two processors are too slow for
// the patience of their suites.
var browsers sync.Mutex

// node runs a suite of Node's test runner.
func node(t *testing.T, folder, file string, env ...string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		t.Skipf("e2e/%s has no node_modules: `make test` installs them (npm ci)", folder)
	}
	if folder == "browser" {
		browsers.Lock()
		defer browsers.Unlock()
	}

	cmd := exec.Command("node", "--test", file)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, program.Tail(string(out), 8000))
	}
	t.Log(program.Tail(string(out), 400))
}
