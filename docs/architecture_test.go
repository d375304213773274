// Package docs holds the pages about the program. Its tests check that what the page
// about its architecture names is there.
package docs_test

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the root of the repository, seen from this folder.
const root = ".."

func architecture(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("architecture.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// step is a row of a walk: hop, file, function.
var step = regexp.MustCompile("(?m)^\\| (\\d) \\| `([^`]+\\.go)` \\| `([^`]+)` \\|")

// A walk names functions that are in the files it names, and has two hops at most.
func TestWalksLeadSomewhere(t *testing.T) {
	steps := step.FindAllStringSubmatch(architecture(t), -1)
	if len(steps) < 20 {
		t.Fatalf("only %d steps of walks found", len(steps))
	}
	for _, s := range steps {
		hop, file, function := s[1], s[2], s[3]
		if hop > "2" {
			t.Errorf("%s is %s hops from its route", function, hop)
		}
		if !slices.Contains(functionsOf(t, file), function) {
			t.Errorf("%s has no function %s", file, function)
		}
	}
}

// functionsOf are the functions and methods (as Type.Method) that a file declares.
func functionsOf(t *testing.T, file string) (names []string) {
	t.Helper()
	tree, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, file), nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range tree.Decls {
		f, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		name := f.Name.Name
		if f.Recv != nil {
			name = receiver(f.Recv.List[0].Type) + "." + name
		}
		names = append(names, name)
	}
	return names
}

// receiver is the name of a receiver's type.
func receiver(e ast.Expr) string {
	switch x := e.(type) {
	case *ast.StarExpr:
		return receiver(x.X)
	case *ast.IndexExpr:
		return receiver(x.X)
	case *ast.IndexListExpr:
		return receiver(x.X)
	case *ast.Ident:
		return x.Name
	}
	return ""
}

// The rooms are those that there are, and an arrow of the drawings is an import.
func TestRoomsAreThoseThereAre(t *testing.T) {
	page, imports := architecture(t), importsOf(t)
	for room := range imports {
		if !mentions(page, room) {
			t.Errorf("architecture.md does not name %s", room)
		}
	}

	arrows := 0
	for line := range strings.Lines(page) {
		left, right, ok := strings.Cut(strings.TrimSpace(line), " --> ")
		if !ok {
			continue
		}
		for _, from := range strings.Split(left, " & ") {
			for _, to := range strings.Split(right, " & ") {
				arrows++
				if !slices.Contains(imports[from], to) {
					t.Errorf("%s --> %s is drawn, but is no import", from, to)
				}
			}
		}
	}
	if arrows < 40 {
		t.Errorf("only %d arrows found", arrows)
	}
}

// mentions reports whether a page names a room, or one above it.
func mentions(page, room string) bool {
	for ; room != "."; room = filepath.Dir(room) {
		if strings.Contains(page, "`"+room+"`") {
			return true
		}
	}
	return false
}

// importsOf are the rooms of the program and what each of them imports of the others.
func importsOf(t *testing.T) map[string][]string {
	t.Helper()
	cmd := exec.Command("go", "list", "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	rooms := map[string][]string{}
	for line := range bytes.Lines(out) {
		paths := strings.Fields(strings.ReplaceAll(string(line), "horde/", ""))
		if !strings.HasPrefix(paths[0], "docs") {
			rooms[paths[0]] = paths[1:]
		}
	}
	return rooms
}
