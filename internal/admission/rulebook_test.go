package admission

import (
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// Each check refuses with the code that the rulebook has in the row of its number, in
// generation §1.4 for images and the rows that all requests share, in generation §2.3
// for text.
func TestChecksAreRowsOfTheRulebook(t *testing.T) {
	images, texts := rowsOf(t, "1.4"), rowsOf(t, "2.3")
	for _, c := range entranceChecks {
		inRow(t, images, c.row, string(c.code))
	}
	for _, c := range checks {
		inRow(t, images, c.row, string(c.code))
	}
	for _, c := range textChecks {
		inRow(t, texts, c.row, string(c.code))
	}
}

func inRow(t *testing.T, rows map[int]string, row int, code string) {
	t.Helper()
	if text := rows[row]; !strings.Contains(text, "`"+code+"`") {
		t.Errorf("row %d refuses with %s; the rulebook says %q", row, code, text)
	}
}

var numberedRow = regexp.MustCompile(`^\| (\d+) \|`)

// rowsOf reads the numbered rows of a section of the generation book.
func rowsOf(t *testing.T, section string) map[int]string {
	t.Helper()
	book, err := os.ReadFile("../../docs/rulebook/generation.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, found := strings.Cut(string(book), "\n### "+section+" ")
	if !found {
		t.Fatalf("generation §%s is not in the rulebook", section)
	}
	text, _, _ = strings.Cut(text, "\n### ")

	rows := map[int]string{}
	for line := range strings.SplitSeq(text, "\n") {
		if m := numberedRow.FindStringSubmatch(line); m != nil {
			n, err := strconv.Atoi(m[1])
			if err != nil {
				t.Fatal(err)
			}
			rows[n] = line
		}
	}
	return rows
}
