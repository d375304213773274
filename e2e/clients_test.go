package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// TestNPMClient has the npm client @zeldafan0225/ai_horde play requester and
// worker.
func TestNPMClient(t *testing.T) {
	srv := start(t, setup{})
	for _, suite := range []string{"horde", "kinds"} {
		node(t, "npm", suite+".test.mjs", "HORDE_URL="+srv.URL)
	}
}

// TestBrowser has a browser type a prompt on the page and see an image that the
// built-in model generated.
func TestBrowser(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the browser suite takes a minute; `make test` runs it")
	}
	srv := start(t, setup{command: "up", args: []string{"--no-browser"}})
	node(t, "browser", "browser.test.mjs", "HORDE_URL="+srv.URL)
}

// TestBrowserStreams has a browser follow more requests than it has connections, in
// several tabs, through a cancel and an outage.
func TestBrowserStreams(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the browser suite takes a minute; `make test` runs it")
	}
	srv := start(t, setup{})
	node(t, "browser", "streams.test.mjs", "HORDE_URL="+srv.URL)
}

// TestBrowserLayout has a browser look at every page at the sizes that people have,
// with one to eight images, refusals and an outage, and at a horde without workers.
func TestBrowserLayout(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the browser suite takes a minute; `make test` runs it")
	}
	const title = "Füchse & <b>Freunde</b>"
	drawing := start(t, setup{command: "up", args: []string{"--no-browser", "--engine", "sketch", "--title", title}})
	idle := start(t, setup{args: []string{"--title", title}})
	node(t, "browser", "layout.test.mjs", "HORDE_URL="+drawing.URL, "HORDE_IDLE_URL="+idle.URL, "HORDE_TITLE="+title)
}

// TestAPIPage has a browser try calls out on the page of the API.
func TestAPIPage(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: the browser suite takes half a minute; `make test` runs it")
	}
	srv := start(t, setup{})
	node(t, "browser", "swagger.test.mjs", "HORDE_URL="+srv.URL)
}

// node runs a suite of Node's test runner.
func node(t *testing.T, folder, file string, env ...string) {
	t.Helper()
	if _, err := os.Stat(filepath.Join(folder, "node_modules")); err != nil {
		t.Skipf("e2e/%s has no node_modules: `make test` installs them (npm ci)", folder)
	}
	cmd := exec.Command("node", "--test", file)
	cmd.Dir = folder
	cmd.Env = append(os.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, tail(string(out), 8000))
	}
	t.Log(tail(string(out), 400))
}
