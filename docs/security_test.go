package docs_test

import (
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

// namedTest is a test that a page names.
var namedTest = regexp.MustCompile("`(Test\\w+)`")

// Every test that the page about security names is there.
func TestSecurityIsTested(t *testing.T) {
	page, err := os.ReadFile("security.md")
	if err != nil {
		t.Fatal(err)
	}
	named := namedTest.FindAllStringSubmatch(string(page), -1)
	if len(named) < 50 {
		t.Fatalf("only %d tests are named", len(named))
	}

	list := exec.Command("git", "grep", "-hoE", `^func Test\w+`, "--", "*_test.go")
	list.Dir = root
	declared, err := list.Output()
	if err != nil {
		t.Skipf("what git knows of this folder cannot be listed: %v", err)
	}
	known := map[string]bool{}
	for _, line := range strings.Fields(string(declared)) {
		known[line] = true
	}

	for _, n := range named {
		if !known[n[1]] {
			t.Errorf("there is no %s", n[1])
		}
	}
}
