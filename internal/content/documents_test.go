package content_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/content"
	"horde/internal/horde"
	"horde/internal/store/storetest"
)

func open(t *testing.T, db *storetest.DB, change ...func(*content.Config)) *content.Documents {
	t.Helper()
	c := content.Config{Store: db.Open(), Clock: time.Now, Title: "My *Horde*"}
	for _, f := range change {
		f(&c)
	}
	d, err := content.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func page(t *testing.T, d *content.Documents, name string) content.Page {
	t.Helper()
	p, err := d.Page(t.Context(), name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// Each document has a default that names the horde, in both formats
// (platform §3.11).
func TestEachDocumentHasADefault(t *testing.T) {
	d := open(t, storetest.On(t, storetest.SQLite), func(c *content.Config) { c.Contact = "me@example.org" })
	for _, name := range content.Names {
		t.Run(name, func(t *testing.T) {
			p := page(t, d, name)
			if !strings.Contains(p.HTML, "<h1") || !strings.Contains(p.HTML, "My *Horde*</h1>") {
				t.Errorf("HTML begins %.80q", p.HTML)
			}
			if !strings.HasPrefix(p.Markdown, "# ") || strings.Contains(p.Markdown, "{{") {
				t.Errorf("Markdown is %.80q", p.Markdown)
			}
			if name != content.Sponsors && !strings.Contains(p.HTML, "me@example.org") {
				t.Error("the contact is missing")
			}
		})
	}
	if _, err := d.Page(t.Context(), "../terms"); horde.CodeOf(err) != horde.RequestNotFound {
		t.Errorf("an unknown document: %v", err)
	}
}

func TestWhatIsPutHoldsUntilItIsRestored(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		here := open(t, db)
		nodes := []*content.Documents{here}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, open(t, db))
		}
		standard := page(t, here, content.Terms)

		for _, c := range []struct {
			name, format, text string
			code               horde.Code
		}{
			{"nothing", api.Markdown, "x", horde.RequestNotFound},
			{content.Terms, "pdf", "x", horde.BadRequest},
			{content.Terms, api.Markdown, " \n", horde.BadRequest},
			{content.Terms, api.Markdown, "a\x00b", horde.BadRequest},
			{content.Terms, api.Markdown, "\xff", horde.BadRequest},
			{content.Terms, api.Markdown, strings.Repeat("x", 64<<10+1), horde.BadRequest},
			{content.Terms, api.HTML, strings.Repeat("<div>", 600) + "x", horde.BadRequest},
			{content.Terms, api.HTML, "<script>alert(1)</script>", horde.BadRequest},
			{content.Terms, api.Markdown, "# Ours\n\nBe *kind*.", ""},
		} {
			err := here.Put(t.Context(), c.name, c.format, c.text)
			if horde.CodeOf(err) != c.code || err != nil && c.code == "" {
				t.Errorf("put %s as %s, %.20q: %v, want %q", c.name, c.format, c.text, err, c.code)
			}
		}
		for i, n := range nodes {
			const html, markdown = "<h1>Ours</h1>\n<p>Be <em>kind</em>.</p>", "# Ours\n\nBe *kind*."
			if p := page(t, n, content.Terms); p.HTML != html || p.Markdown != markdown {
				t.Errorf("node %d shows %+v", i, p)
			}
		}

		if err := here.Put(t.Context(), content.Terms, api.HTML, "<h2>Ours</h2><p>Be <b>kind</b>.</p>"); err != nil {
			t.Fatal(err)
		}
		if p := page(t, here, content.Terms); p.Markdown != "## Ours\n\nBe **kind**." {
			t.Errorf("HTML as Markdown is %q", p.Markdown)
		}
		const table = "<table><tr><th>What</th><th>How long</th></tr><tr><td>x</td><td>a day</td></tr></table>"
		if err := here.Put(t.Context(), content.Terms, api.HTML, table); err != nil {
			t.Fatal(err)
		}
		p := page(t, here, content.Terms)
		if !strings.Contains(p.Markdown, "| What") || !strings.Contains(p.Markdown, "a day") {
			t.Errorf("a table as Markdown is %q", p.Markdown)
		}
		if err := here.Restore(t.Context(), content.Terms); err != nil {
			t.Fatal(err)
		}
		for i, n := range nodes {
			if p := page(t, n, content.Terms); p != standard {
				t.Errorf("restored, node %d shows %.60q", i, p.Markdown)
			}
		}
	})
}

// Nothing that runs or loads gets through, whatever a document is written in.
func TestHTMLIsSanitised(t *testing.T) {
	d := open(t, storetest.On(t, storetest.SQLite))
	const bad = `<script>alert(1)</script><img src=x onerror=alert(1)><iframe src="https://x"></iframe>` +
		`<a href="javascript:alert(1)">x</a><style>*{display:none}</style><form action="https://x"><input></form>`
	for _, format := range []string{api.HTML, api.Markdown} {
		if err := d.Put(t.Context(), content.Privacy, format, "hello "+bad+"\n\n[y](javascript:alert(1))"); err != nil {
			t.Fatal(err)
		}
		p := page(t, d, content.Privacy)
		traces := []string{"<script", "onerror", "<iframe", `href="javascript`, "<style", "<form", "<input"}
		for _, trace := range traces {
			if strings.Contains(p.HTML, trace) || strings.Contains(p.Markdown, trace) {
				t.Errorf("%s: %q is left in %s\n%s", format, trace, p.HTML, p.Markdown)
			}
		}
		if !strings.Contains(p.HTML, "hello") {
			t.Errorf("%s: nothing is left: %q", format, p.HTML)
		}
	}
}

// A configured file wins, is read again when it changes, and has to be there at the
// start.
func TestAConfiguredFileWins(t *testing.T) {
	db := storetest.On(t, storetest.SQLite)
	path := filepath.Join(t.TempDir(), "terms.HTML")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files := map[string]string{content.Terms: path}
	s := db.Open()
	_, err := content.New(content.Config{Store: s, Clock: time.Now, Files: files})
	if err == nil || !strings.Contains(err.Error(), path) {
		t.Fatalf("without the file: %v", err)
	}

	write("<p>one</p>")
	d, err := content.New(content.Config{Store: s, Clock: time.Now, Files: files})
	if err != nil {
		t.Fatal(err)
	}
	if p := page(t, d, content.Terms); p.HTML != "<p>one</p>" || p.Markdown != "one" {
		t.Errorf("the file is shown as %+v", p)
	}
	write("<p>two</p>")
	if p := page(t, d, content.Terms); p.HTML != "<p>two</p>" {
		t.Errorf("the changed file is shown as %+v", p)
	}
	for _, bad := range []string{"", strings.Repeat("<div>", 600) + "x"} {
		write(bad)
		if p := page(t, d, content.Terms); p.HTML != "<p>two</p>" {
			t.Errorf("with a file that is no document: %+v", p)
		}
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if p := page(t, d, content.Terms); p.HTML != "<p>two</p>" {
		t.Errorf("without the file: %+v", p)
	}
	if err := d.Put(t.Context(), content.Terms, api.Markdown, "three"); horde.CodeOf(err) != horde.Locked {
		t.Errorf("put beside a configured file: %v", err)
	}
}

func TestTheSponsorsPageNamesThemAsText(t *testing.T) {
	d := open(t, storetest.On(t, storetest.SQLite))
	if p := page(t, d, content.Sponsors); !strings.Contains(p.HTML, "has no sponsors") {
		t.Errorf("without any: %q", p.HTML)
	}

	err := d.SetSupporters(t.Context(), content.Supporters{
		Sponsors: []content.Supporter{
			{Name: "[Big](https://evil)", Link: "https://example.org/big"},
			{Name: "Bold **one**"},
		},
		Patrons: []content.Supporter{
			{Name: "Ann"}, {Name: "<b>Bob</b>"}, {Name: "https://spam.example"}, {Name: "www.spam.example"},
			{Name: "me@spam.example"}, {Name: "~~struck~~"}},
	})
	if err != nil {
		t.Fatal(err)
	}

	p := page(t, d, content.Sponsors)
	for _, want := range []string{
		`href="https://example.org/big"`,
		"Bold **one**",
		"Ann, &lt;b&gt;Bob&lt;/b&gt;, https://spam.example, www.spam.example, me@spam.example, ~~struck~~.",
	} {
		if !strings.Contains(p.HTML, want) {
			t.Errorf("%q is missing in %s", want, p.HTML)
		}
	}

	if strings.Count(p.HTML, "href=") != 1 {
		t.Errorf("a name became a link: %s", p.HTML)
	}
}
