// Package rulebook holds the specification of the server. Its tests check that
// whatever the code cites of it is there.
package rulebook_test

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// root is the root of the repository, seen from this folder.
const root = "../.."

// books are the files whose sections can be cited by their name.
var books = []string{"generation", "platform", "worker", "clients", "live-additions"}

// checks is the table that a row alone belongs to.
const checks = "generation §1.4"

// decisions is the page whose headings are cited as "decision 20".
const decisions = "decisions"

// rulebook is what can be cited: places such as "generation §1.15", "generation
// §1.4 row 15" and "decision 20".
type rulebook map[string]bool

var (
	heading  = regexp.MustCompile(`^#{1,6} (\d+(?:\.\d+)*)\.? `)
	tableRow = regexp.MustCompile(`^\| (\d+) \|`)
	listItem = regexp.MustCompile(`^(\d+)\. `)
)

// readBooks collects the places of all books.
func readBooks(t *testing.T) rulebook {
	t.Helper()
	places := rulebook{}
	for _, book := range books {
		section := ""
		for _, line := range lines(t, book+".md") {
			if m := heading.FindStringSubmatch(line); m != nil {
				section = book + " §" + m[1]
				if places[section] {
					t.Errorf("%s has two headings", section)
				}
				places[section] = true
			}

			for _, numbered := range []*regexp.Regexp{tableRow, listItem} {
				if m := numbered.FindStringSubmatch(line); m != nil {
					places[section+" row "+m[1]] = true
				}
			}
		}
	}

	for _, line := range lines(t, decisions+".md") {
		if m := heading.FindStringSubmatch(line); m != nil {
			places["decision "+m[1]] = true
		}
	}

	return places
}

func lines(t *testing.T, path string) []string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(string(b), "\n")
}

var (
	anyBook = strings.Join(books, "|")

	// cited finds what a comment cites: a section, with its book or of the one before;
	// numbered rows of it or of another one; decisions.
	cited = regexp.MustCompile(`(?:\b(?P<book>(?i:` + anyBook + `)) )?§(?P<section>\d+(?:\.\d+)*)` +
		`|\b(?:[Rr]ows?|steps?|points?) (?P<rows>` + numbers + `)(?P<of> of (?:` + anyBook + `) §\d+(?:\.\d+)*)?` +
		`|\b[Dd]ecisions? (?P<decisions>` + numbers + `)`)

	number = regexp.MustCompile(`\d+`)

	// old are forms that cannot be followed.
	old = regexp.MustCompile(`rulebook,? §|\b[Dd]ecisions? ?[#:"]|§[\d.]+ #|clients\.md`)
)

const numbers = `\d+(?:(?:, | and | to | or |–)\d+)*`

// passage is a comment, or a line of code with what stands behind it.
type passage struct {
	line int
	text string
}

// passages takes a file apart: lines of one comment belong together.
func passages(text string) (all []passage) {
	var comment passage
	flush := func() {
		if comment.text != "" {
			all = append(all, comment)
		}
		comment = passage{}
	}
	for i, line := range strings.Split(text, "\n") {
		words, isComment := cutMark(strings.TrimSpace(line))
		if !isComment {
			flush()
			all = append(all, passage{i + 1, line})
			continue
		}
		if comment.text == "" {
			comment.line = i + 1
		}
		comment.text += words + " "
	}
	flush()
	return all
}

// cutMark takes the mark off a line of a comment.
func cutMark(line string) (words string, isComment bool) {
	for _, mark := range []string{"//", "/**", "/*", "*", "<!--"} {
		if rest, ok := strings.CutPrefix(line, mark); ok {
			return strings.TrimSpace(rest), true
		}
	}
	return line, false
}

// cites lists the places that a passage cites. It reports a section sign without a
// book by a place that is nowhere.
func (p passage) cites() (places []string) {
	var book, section string // that were named last
	end := 0                 // of the section
	for _, m := range cited.FindAllStringSubmatchIndex(p.text, -1) {
		group := func(name string) string {
			if n := 2 * cited.SubexpIndex(name); m[n] >= 0 {
				return p.text[m[n]:m[n+1]]
			}
			return ""
		}
		switch {
		case group("section") != "":
			if named := group("book"); named != "" {
				book = strings.ToLower(named)
			}
			if book == "" {
				places = append(places, "§"+group("section")+" of a book that is not named")
				continue
			}
			section, end = book+" §"+group("section"), m[1]
			places = append(places, section)

		case group("rows") != "":
			of := checks
			if named := strings.TrimPrefix(group("of"), " of "); named != "" {
				of, section, book = named, named, strings.Fields(named)[0]
			} else if section != "" && strings.TrimSpace(p.text[end:m[0]]) == "" {
				of = section
			} else if !strings.HasPrefix(strings.ToLower(p.text[m[0]:]), "row") {
				continue // steps and points are cited with their section only
			}
			for _, n := range number.FindAllString(group("rows"), -1) {
				places = append(places, of+" row "+n)
			}

		case group("decisions") != "":
			for _, n := range number.FindAllString(group("decisions"), -1) {
				places = append(places, "decision "+n)
			}
		}
	}
	return places
}

// A citation in code names a place that is in the rulebook, in the form that
// docs/rulebook/README.md tells.
func TestCitationsLeadSomewhere(t *testing.T) {
	places := readBooks(t)
	found := 0
	for _, file := range sources(t) {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}

		name, _ := filepath.Rel(root, file)
		for _, p := range passages(string(b)) {
			if !mayCite(p.text) {
				continue
			}

			if m := old.FindString(p.text); m != "" {
				t.Errorf("%s:%d: %q is no citation that can be followed; see docs/rulebook/README.md", name, p.line, m)
			}

			for _, place := range p.cites() {
				found++
				if !places[place] {
					t.Errorf("%s:%d: %s is not in docs/rulebook", name, p.line, place)
				}
			}
		}
	}

	if found < 300 {
		t.Errorf("only %d citations were found in the whole repository: are they still recognised?", found)
	}
}

// mayCite spares most lines the look for citations.
func mayCite(text string) bool {
	for _, sign := range []string{"§", "ow", "ecision", "rulebook", "clients.md"} {
		if strings.Contains(text, sign) {
			return true
		}
	}
	return false
}

// sources are all files of code but those of this folder.
func sources(t *testing.T) []string {
	return slices.DeleteFunc(filesOf(t, ".go", ".ts", ".svelte"), isOfRulebook)
}

func isOfRulebook(file string) bool {
	return filepath.Dir(file) == filepath.Join(root, "docs", "rulebook")
}

// filesOf are all files of the repository with one of these endings.
func filesOf(t *testing.T, endings ...string) (files []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != root && notOurs(d.Name()):
			return filepath.SkipDir
		case !d.IsDir() && slices.Contains(endings, filepath.Ext(path)):
			files = append(files, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// notOurs reports whether a folder holds what was fetched or built, by its name.
func notOurs(folder string) bool {
	return strings.HasPrefix(folder, ".") || slices.Contains([]string{"node_modules", "dist", "bin", "data"}, folder)
}

// The books cite each other, and themselves without a name.
func TestBooksCiteWhatIsThere(t *testing.T) {
	places := readBooks(t)
	for _, book := range append([]string{decisions, "README"}, books...) {
		for _, p := range paragraphs(lines(t, book+".md")) {
			for _, place := range p.cites() {
				own, unnamed := strings.CutSuffix(place, " of a book that is not named")
				if unnamed {
					place = book + " " + own
				}
				if !places[place] && !(unnamed && book == "README") {
					t.Errorf("%s.md:%d: %s is not in docs/rulebook", book, p.line, place)
				}
			}
		}
	}
}

// Pages beside the rulebook cite it in the form that code does.
func TestPagesCiteWhatIsThere(t *testing.T) {
	places := readBooks(t)
	for _, page := range pages(t) {
		if isOfRulebook(page) {
			continue
		}
		for _, p := range paragraphs(lines(t, page)) {
			for _, place := range p.cites() {
				if !places[place] && !strings.HasPrefix(place, "decision ") { // those of docs/decisions have numbers too
					t.Errorf("%s:%d: %s is not in docs/rulebook", page, p.line, place)
				}
			}
		}
	}
}

// pages are all documents of the repository.
func pages(t *testing.T) []string { return filesOf(t, ".md") }

// paragraphs takes a page apart: paragraphs, items of lists, rows of tables.
func paragraphs(page []string) (all []passage) {
	text := ""
	for i, line := range page {
		if beginsParagraph(line) && text != "" {
			all = append(all, passage{i, text})
			text = ""
		}
		text += strings.TrimSpace(line) + " "
	}
	return append(all, passage{len(page), text})
}

func beginsParagraph(line string) bool {
	return line == "" || line[0] == '|' || line[0] == '#' || listItem.MatchString(line) || bullet.MatchString(line)
}

var bullet = regexp.MustCompile(`^ *[*-] `)

// Every return code is told of in platform §5 or in the list behind it.
func TestCodesAreInTheRulebook(t *testing.T) {
	declared := regexp.MustCompile(`Code\s+= "([^"]+)"`)
	code := strings.Join(lines(t, filepath.Join(root, "internal", "horde", "code.go")), "\n")
	book := strings.Join(lines(t, "platform.md"), "\n")
	codes := declared.FindAllStringSubmatch(code, -1)
	if len(codes) < 100 {
		t.Fatalf("only %d codes found", len(codes))
	}
	for _, m := range codes {
		if !strings.Contains(book, "`"+m[1]+"`") {
			t.Errorf("%s is not in platform.md", m[1])
		}
	}
}

var (
	link      = regexp.MustCompile(`\]\(([^)\s]+)\)`)
	outside   = regexp.MustCompile(`://|^mailto:|^/|\{\{`) // of the world, of a server, of a template
	notAnchor = regexp.MustCompile(`[^\p{L}\p{N} _-]`)
)

// Links from one page of docs to another, and to a heading of it, lead somewhere.
func TestLinksOfDocuments(t *testing.T) {
	for _, page := range pages(t) {
		for i, line := range lines(t, page) {
			for _, m := range link.FindAllStringSubmatch(line, -1) {
				if err := follow(t, page, m[1]); err != nil {
					t.Errorf("%s:%d: %v", page, i+1, err)
				}
			}
		}
	}
}

// follow tells what is wrong with a link of a page.
func follow(t *testing.T, page, target string) error {
	t.Helper()
	if outside.MatchString(target) {
		return nil
	}
	path, anchor, _ := strings.Cut(target, "#")
	file := page
	if path != "" {
		file = filepath.Join(filepath.Dir(page), path)
	}
	if _, err := os.Stat(file); err != nil {
		return fmt.Errorf("%s leads nowhere", target)
	}
	if anchor == "" || filepath.Ext(file) != ".md" {
		return nil
	}
	for _, line := range lines(t, file) {
		text, isHeading := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if isHeading && strings.HasPrefix(line, "#") && anchorOf(text) == anchor {
			return nil
		}
	}
	return fmt.Errorf("%s has no heading #%s", file, anchor)
}

// anchorOf is the name by which a heading can be linked to.
func anchorOf(heading string) string {
	return strings.ReplaceAll(notAnchor.ReplaceAllString(strings.ToLower(heading), ""), " ", "-")
}

// named finds the files and folders of this repository that a page names.
var named = regexp.MustCompile("`((?:api|client|cmd|deploy|docs|e2e|engine|examples|internal|scripts|web)/[\\w./-]+)`")

// What a page says lies somewhere lies there. The beginning of a name is enough, as in
// docs/decisions/0003.
func TestPathsInDocuments(t *testing.T) {
	toBe := []string{"internal/store/migrations/0000N_name.sql", "web/node_modules"} // made by whoever reads of them
	for _, page := range pages(t) {
		for i, line := range lines(t, page) {
			for _, m := range named.FindAllStringSubmatch(line, -1) {
				if slices.Contains(toBe, m[1]) {
					continue
				}
				found, err := filepath.Glob(filepath.Join(root, m[1]) + "*")
				if err != nil || len(found) == 0 {
					t.Errorf("%s:%d: there is no %s", page, i+1, m[1])
				}
			}
		}
	}
}
