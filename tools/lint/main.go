// Command lint holds what vet and staticcheck do not:
//
//	go -C tools run ./lint
//
// Lines: at most 120 characters, but for struct tags, raw strings, addresses and
// embed directives, which cannot be broken. Those of the page too (TypeScript, Svelte
// and scripts, but for what is generated).
//
// Contexts: a context is a function's first parameter (after a test's t), and below
// the commands nothing makes one of its own, by context.Background or context.TODO,
// unless a comment on the line or above it says why. Tests may.
//
// pending.txt lists what does not keep a rule yet: a rule and a folder or file a line.
// A line of no more use is an error too, so that the list only gets shorter.
package main

import (
	"bufio"
	"fmt"
	"go/ast"
	"go/parser"
	"go/scanner"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strconv"
	"strings"
	"unicode/utf8"
)

const (
	root        = ".." // of the repository, from the tools' module
	pendingFile = "lint/pending.txt"
	maxColumns  = 120 // characters; a tab counts as one
)

// The rules.
const (
	ruleLines     = "lines"      // of code
	ruleTestLines = "test-lines" // of tests
	ruleContexts  = "contexts"
)

// finding is a place that does not keep a rule.
type finding struct {
	rule string
	path string // from the root of the repository
	line int
	text string
}

func main() {
	findings, err := checkAll()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(2)
	}
	pending, err := readPending()
	if err != nil {
		fmt.Fprintln(os.Stderr, "lint:", err)
		os.Exit(2)
	}

	failed := false
	for _, f := range findings {
		if pending.excuses(f) {
			continue
		}
		failed = true
		fmt.Fprintf(os.Stderr, "%s:%d: %s\n", f.path, f.line, f.text)
	}
	for _, entry := range pending.unused() {
		failed = true
		fmt.Fprintf(os.Stderr, "tools/%s: %q is of no more use: remove the line\n", pendingFile, entry)
	}
	if failed {
		os.Exit(1)
	}
}

// checkAll applies the rules to every Go file of the repository.
func checkAll() ([]finding, error) {
	var all []finding
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path != root && skipDir(d.Name()) {
				return filepath.SkipDir
			}
			return nil
		}

		check := checkFile
		switch filepath.Ext(path) {
		case ".go":
		case ".ts", ".svelte", ".mjs":
			if !strings.HasPrefix(path, page) {
				return nil
			}
			check = checkPage
		default:
			return nil
		}
		findings, err := check(path)
		all = append(all, findings...)
		return err
	})
	return all, err
}

func skipDir(name string) bool {
	return name == "node_modules" || name == "testdata" || name == "dist" || name == generatedDir ||
		strings.HasPrefix(name, ".")
}

// page is the folder of the page.
var page = filepath.Join(root, "web") + string(filepath.Separator)

// generatedDir holds what "npm run types" makes.
const generatedDir = "gen"

// checkPage applies the rule of lines to a file of the page.
func checkPage(path string) (all []finding, err error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	name, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}

	for i, text := range strings.Split(string(raw), "\n") {
		if n := utf8.RuneCountInString(text); n > maxColumns {
			all = append(all, finding{ruleLines, filepath.ToSlash(name), i + 1,
				fmt.Sprintf("%d columns, more than %d", n, maxColumns)})
		}
	}
	return all, nil
}

func checkFile(path string) ([]finding, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	set := token.NewFileSet()
	file, err := parser.ParseFile(set, path, raw, parser.ParseComments)
	if err != nil {
		return nil, err
	}
	if ast.IsGenerated(file) {
		return nil, nil
	}

	name, err := filepath.Rel(root, path)
	if err != nil {
		return nil, err
	}
	name = filepath.ToSlash(name)
	test := strings.HasSuffix(name, "_test.go") || imports(file, "testing")
	rule := ruleLines
	if test {
		rule = ruleTestLines
	}

	findings := longLines(rule, name, raw)
	findings = append(findings, contextsNotFirst(name, set, file)...)
	if !test && belowCommands(name) {
		findings = append(findings, ownContexts(name, set, file)...)
	}
	return findings, nil
}

// imports reports whether a file imports a package: one that imports testing is made
// for tests, whatever its name.
func imports(file *ast.File, path string) bool {
	for _, spec := range file.Imports {
		if spec.Path.Value == strconv.Quote(path) {
			return true
		}
	}
	return false
}

// longLines are the lines of more than maxColumns that could be broken.
func longLines(rule, name string, raw []byte) []finding {
	unbreakable := rawStringLines(raw)
	var findings []finding
	for i, line := range strings.Split(string(raw), "\n") {
		n := utf8.RuneCountInString(line)
		switch {
		case n <= maxColumns, unbreakable[i+1], strings.Contains(line, "://"), strings.HasPrefix(line, "//go:"):
			continue
		}
		findings = append(findings, finding{rule, name, i + 1, fmt.Sprintf("%d columns, more than %d", n, maxColumns)})
	}
	return findings
}

// rawStringLines are the lines that a raw string is on: struct tags and documents.
func rawStringLines(raw []byte) map[int]bool {
	lines := map[int]bool{}
	set := token.NewFileSet()
	file := set.AddFile("", set.Base(), len(raw))
	var s scanner.Scanner
	s.Init(file, raw, nil, 0)
	for {
		pos, tok, text := s.Scan()
		if tok == token.EOF {
			return lines
		}
		if tok != token.STRING || !strings.HasPrefix(text, "`") {
			continue
		}
		first := file.Line(pos)
		for n := range strings.Count(text, "\n") + 1 {
			lines[first+n] = true
		}
	}
}

// contextsNotFirst are the functions that take a context behind another parameter.
// Tests may take their t before it.
func contextsNotFirst(name string, set *token.FileSet, file *ast.File) []finding {
	var findings []finding
	ast.Inspect(file, func(n ast.Node) bool {
		fn, ok := n.(*ast.FuncType)
		if !ok || fn.Params == nil {
			return true
		}
		for i, p := range fn.Params.List {
			if i == 0 || !isSelector(p.Type, "context", "Context") {
				continue
			}
			if i == 1 && isTesting(fn.Params.List[0].Type) {
				continue
			}
			line := set.Position(p.Pos()).Line
			findings = append(findings, finding{ruleContexts, name, line, "a context is the first parameter"})
		}
		return true
	})
	return findings
}

// belowCommands reports whether a file belongs to no command: there contexts begin.
func belowCommands(name string) bool {
	for _, dir := range []string{"cmd/", "tools/", "e2e/", "internal/cli/", "examples/"} {
		if strings.HasPrefix(name, dir) {
			return false
		}
	}
	return true
}

// ownContexts are the calls of context.Background and context.TODO that no comment
// explains.
func ownContexts(name string, set *token.FileSet, file *ast.File) []finding {
	if file.Name.Name == "main" {
		return nil
	}
	commented := map[int]bool{}
	for _, group := range file.Comments {
		for n := set.Position(group.Pos()).Line; n <= set.Position(group.End()).Line; n++ {
			commented[n] = true
		}
	}

	var findings []finding
	ast.Inspect(file, func(n ast.Node) bool {
		call, ok := n.(*ast.CallExpr)
		if !ok || !isSelector(call.Fun, "context", "Background") && !isSelector(call.Fun, "context", "TODO") {
			return true
		}
		if line := set.Position(call.Pos()).Line; !commented[line] && !commented[line-1] && !commented[line-2] {
			findings = append(findings, finding{ruleContexts, name, line,
				"takes no context from its caller: pass one, or say why in a comment"})
		}
		return true
	})
	return findings
}

func isSelector(e ast.Expr, pkg, name string) bool {
	s, ok := e.(*ast.SelectorExpr)
	if !ok || s.Sel.Name != name {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// isTesting reports whether a type is one of package testing or of a package on it.
func isTesting(e ast.Expr) bool {
	if star, ok := e.(*ast.StarExpr); ok {
		e = star.X
	}
	s, ok := e.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	x, ok := s.X.(*ast.Ident)
	return ok && (x.Name == "testing" || x.Name == "rapid")
}

// exceptions are the entries of pending.txt → whether a finding needed them.
type exceptions map[string]bool

func readPending() (exceptions, error) {
	f, err := os.Open(pendingFile)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	entries := exceptions{}
	for lines := bufio.NewScanner(f); lines.Scan(); {
		entry := strings.TrimSpace(lines.Text())
		if entry == "" || strings.HasPrefix(entry, "#") {
			continue
		}
		if len(strings.Fields(entry)) != 2 {
			return nil, fmt.Errorf("tools/%s: %s: give a rule and a folder or file", pendingFile, strconv.Quote(entry))
		}
		entries[entry] = false
	}
	return entries, nil
}

// excuses reports whether a finding is one of a pending file or folder, and notes that
// the entry is needed.
func (e exceptions) excuses(f finding) bool {
	for _, path := range []string{f.path, filepath.ToSlash(filepath.Dir(f.path))} {
		entry := f.rule + " " + path
		if _, listed := e[entry]; listed {
			e[entry] = true
			return true
		}
	}
	return false
}

func (e exceptions) unused() []string {
	var entries []string
	for entry, used := range e {
		if !used {
			entries = append(entries, entry)
		}
	}
	sort.Strings(entries)
	return entries
}
