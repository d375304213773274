// Command style measures how a folder of Go code reads: how long its functions
// are, whether they have paragraphs, whether its steps say why. With -check it
// fails when a figure is beyond a ceiling.
//
//	go -C tools run ./style            # the whole repository
//	go -C tools run ./style -dirs      # a row for each package as well
//	go -C tools run ./style -blocks ../internal/queue
//
// Generated files, vendored ones and testdata are left out.
package main

import (
	"flag"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"text/tabwriter"
	"unicode/utf8"
)

const (
	maxColumns  = 120 // characters; a tab counts as one
	longFunc    = 25  // lines from func to its closing brace
	usageStatus = 2
)

// A ceiling is what -check allows the code that is no test.
type ceiling struct {
	name  string
	value func(*figures) float64
	max   float64
}

func main() {
	var (
		perDir = flag.Bool("dirs", false, "print a row for each package as well")
		blocks = flag.Bool("blocks", false, "list each function of 25 lines or more that has no blank line")
		long   = flag.Bool("long", false, "list each line of more than 120 columns")
		check  = flag.Bool("check", false, "fail when a figure is beyond its ceiling")

		maxBlocks = flag.Float64("max-blocks", 10, "with -check: percent of long functions without a blank line")
		maxLong   = flag.Float64("max-long", 1, "with -check: percent of lines over 120 columns")
		maxP90    = flag.Float64("max-p90", 40, "with -check: lines of the longest function but the top tenth")
	)
	flag.Parse()

	roots := flag.Args()
	if len(roots) == 0 {
		roots = []string{".."}
	}

	files, err := measureAll(roots)
	if err != nil {
		fmt.Fprintln(os.Stderr, "style:", err)
		os.Exit(usageStatus)
	}

	switch {
	case *blocks:
		list(files, func(f *fileFigures) []string { return f.blocks })
		return
	case *long:
		list(files, func(f *fileFigures) []string { return f.longLines })
		return
	}

	code, tests := total(files)
	printTable(code, tests, byDir(files, *perDir))

	if !*check {
		return
	}
	ceilings := []ceiling{
		{"percent of functions of 25 lines or more without a blank line", (*figures).blockShare, *maxBlocks},
		{"percent of lines over 120 columns", (*figures).longLineShare, *maxLong},
		{"p90 of function lines", func(f *figures) float64 { return float64(f.percentile(90)) }, *maxP90},
	}
	if !within(code, ceilings) {
		os.Exit(1)
	}
}

// within reports whether every figure is at or below its ceiling, and says on
// standard error which is not.
func within(f *figures, ceilings []ceiling) bool {
	ok := true
	for _, c := range ceilings {
		if got := c.value(f); got > c.max {
			fmt.Fprintf(os.Stderr, "style: %s: %.1f, more than %.1f\n", c.name, got, c.max)
			ok = false
		}
	}
	return ok
}

// figures are the counts of many functions and lines.
type figures struct {
	funcLines    []int // of each function, from func to its closing brace
	bodyLines    int   // between the braces of functions, blank ones included
	blankLines   int   // of these, blank
	stepComments int   // of these, lines that hold nothing but a comment and open a step
	longFuncs    int   // functions of longFunc lines or more
	longBlocks   int   // of these, without a blank line
	lines        int   // of the files
	longLines    int   // of these, over maxColumns
}

func (f *figures) add(g *figures) {
	f.funcLines = append(f.funcLines, g.funcLines...)
	f.bodyLines += g.bodyLines
	f.blankLines += g.blankLines
	f.stepComments += g.stepComments
	f.longFuncs += g.longFuncs
	f.longBlocks += g.longBlocks
	f.lines += g.lines
	f.longLines += g.longLines
}

// percentile is the number of lines that p percent of the functions do not exceed.
func (f *figures) percentile(p int) int {
	if len(f.funcLines) == 0 {
		return 0
	}
	sort.Ints(f.funcLines)
	return f.funcLines[(len(f.funcLines)-1)*p/100]
}

func (f *figures) blankShare() float64    { return percent(f.blankLines, f.bodyLines) }
func (f *figures) blockShare() float64    { return percent(f.longBlocks, f.longFuncs) }
func (f *figures) stepShare() float64     { return percent(f.stepComments, f.bodyLines) }
func (f *figures) longLineShare() float64 { return percent(f.longLines, f.lines) }

func percent(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return 100 * float64(part) / float64(whole)
}

// fileFigures are the figures of one file, and where to look.
type fileFigures struct {
	figures
	dir       string
	test      bool
	blocks    []string // file:line: name (lines)
	longLines []string // file:line: columns
}

func measureAll(roots []string) ([]*fileFigures, error) {
	var files []*fileFigures
	for _, root := range roots {
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
			if !strings.HasSuffix(path, ".go") {
				return nil
			}

			f, err := measure(path)
			if err != nil {
				return err
			}
			if f != nil {
				files = append(files, f)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return files, nil
}

func skipDir(name string) bool {
	return name == "node_modules" || name == "testdata" || name == "vendor" || strings.HasPrefix(name, ".")
}

// measure counts one file; nil for a generated one.
func measure(path string) (*fileFigures, error) {
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

	f := &fileFigures{dir: filepath.Dir(path), test: strings.HasSuffix(path, "_test.go")}
	lines := strings.Split(strings.TrimSuffix(string(raw), "\n"), "\n")
	f.lines = len(lines)
	for i, line := range lines {
		if n := utf8.RuneCountInString(line); n > maxColumns {
			f.figures.longLines++
			f.longLines = append(f.longLines, fmt.Sprintf("%s:%d: %d columns", path, i+1, n))
		}
	}

	comments := commentLines(set, file)
	for _, decl := range file.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		first, last := set.Position(fn.Pos()).Line, set.Position(fn.End()).Line
		f.countFunc(path, fn.Name.Name, lines, comments, first, set.Position(fn.Body.Lbrace).Line, last)
	}
	return f, nil
}

// countFunc counts one function, whose declaration begins at line first, whose
// body opens at line open and closes at line last (all from 1).
func (f *fileFigures) countFunc(path, name string, lines []string, comments map[int]bool, first, open, last int) {
	length := last - first + 1
	f.funcLines = append(f.funcLines, length)

	blank := 0
	for n := open + 1; n < last; n++ {
		f.bodyLines++
		if strings.TrimSpace(lines[n-1]) == "" {
			blank++
		}

		// A comment of several lines opens one step; so does the first line of the body.
		if comments[n] && !comments[n-1] {
			f.stepComments++
		}
	}
	f.blankLines += blank

	if length < longFunc {
		return
	}
	f.longFuncs++
	if blank == 0 {
		f.longBlocks++
		f.blocks = append(f.blocks, fmt.Sprintf("%s:%d: %s (%d lines)", path, first, name, length))
	}
}

// commentLines are the lines that hold nothing but a comment.
func commentLines(set *token.FileSet, file *ast.File) map[int]bool {
	only := map[int]bool{}
	for _, group := range file.Comments {
		for _, c := range group.List {
			for n := set.Position(c.Pos()).Line; n <= set.Position(c.End()).Line; n++ {
				only[n] = true
			}
		}
	}

	// Where code stands before it, a comment belongs to its line.
	ast.Inspect(file, func(n ast.Node) bool {
		switch n.(type) {
		case nil, *ast.Comment, *ast.CommentGroup:
			return false
		}
		if n != ast.Node(file) {
			delete(only, set.Position(n.Pos()).Line)
			delete(only, set.Position(n.End()).Line)
		}
		return true
	})
	return only
}

func total(files []*fileFigures) (code, tests *figures) {
	code, tests = &figures{}, &figures{}
	for _, f := range files {
		if f.test {
			tests.add(&f.figures)
		} else {
			code.add(&f.figures)
		}
	}
	return code, tests
}

// byDir sums the files by folder, tests left out; nothing unless wanted.
func byDir(files []*fileFigures, wanted bool) map[string]*figures {
	dirs := map[string]*figures{}
	if !wanted {
		return dirs
	}
	for _, f := range files {
		if f.test {
			continue
		}
		if dirs[f.dir] == nil {
			dirs[f.dir] = &figures{}
		}
		dirs[f.dir].add(&f.figures)
	}
	return dirs
}

func printTable(code, tests *figures, dirs map[string]*figures) {
	w := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "\tfunctions\tp50/p90/p99\tblank lines\t≥ 25 lines, no blank\tstep comments/100\t> 120 columns")

	row := func(name string, f *figures) {
		fmt.Fprintf(w, "%s\t%d\t%d/%d/%d\t%.1f %%\t%.0f %% (%d of %d)\t%.1f\t%.1f %% (%d)\n",
			name, len(f.funcLines), f.percentile(50), f.percentile(90), f.percentile(99), f.blankShare(),
			f.blockShare(), f.longBlocks, f.longFuncs, f.stepShare(), f.longLineShare(), f.longLines)
	}
	row("code", code)
	row("tests", tests)

	names := make([]string, 0, len(dirs))
	for name := range dirs {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		row(name, dirs[name])
	}
	w.Flush()
}

func list(files []*fileFigures, of func(*fileFigures) []string) {
	for _, f := range files {
		for _, line := range of(f) {
			fmt.Println(line)
		}
	}
}
