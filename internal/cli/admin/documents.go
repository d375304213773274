package admin

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"horde/api"
	"horde/client"
	"horde/internal/cli/console"
	"horde/internal/content"
	"horde/internal/store"
)

// DocumentsCmd is about the documents of a server: terms, privacy, sponsors.
type DocumentsCmd struct {
	List    DocumentsListCmd    `cmd:"" help:"Show where each document comes from."`
	Show    DocumentsShowCmd    `cmd:"" help:"Print a document as Markdown."`
	Set     DocumentsSetCmd     `cmd:"" help:"Replace a document with a file."`
	Restore DocumentsRestoreCmd `cmd:"" help:"Restore the default of a document."`
}

// Help shows examples.
func (DocumentsCmd) Help() string {
	return `Examples:
  horde admin documents list --data /var/lib/horde
  horde admin documents set terms terms.md --data /var/lib/horde`
}

// documents is what can be done with documents, in a database or on a server.
type documents interface {
	list(con *console.Console) ([]api.DocumentSource, error)
	show(con *console.Console, name string) (string, error)
	set(con *console.Console, name, format, text string) error
	restore(con *console.Console, name string) error
}

// withDocuments opens the documents (by open where they are in a database), calls use
// and closes them.
func (rf *referenceFlags) withDocuments(
	con *console.Console, open func(*console.Console) (*store.Store, error), use func(documents) error,
) error {
	if rf.Horde != "" {
		return use(remoteDocuments{client.New(rf.Horde, rf.APIKey, client.WithRetries(0))})
	}
	return withStore(con, open, func(s *store.Store) error {
		d, err := content.New(content.Config{Store: s, Clock: time.Now, Title: "AI Horde"})
		if err != nil {
			return err
		}
		return use(localDocuments{d})
	})
}

type remoteDocuments struct{ *client.Client }

func (rd remoteDocuments) list(con *console.Console) ([]api.DocumentSource, error) {
	return rd.Documents(con.Ctx)
}

func (rd remoteDocuments) show(con *console.Console, name string) (string, error) {
	return rd.Document(con.Ctx, name)
}

func (rd remoteDocuments) set(con *console.Console, name, format, text string) error {
	in := api.DocumentInput{Markdown: &text}
	if format == api.HTML {
		in = api.DocumentInput{HTML: &text}
	}
	return rd.PutDocument(con.Ctx, name, in)
}

func (rd remoteDocuments) restore(con *console.Console, name string) error {
	return rd.RestoreDocument(con.Ctx, name)
}

type localDocuments struct{ *content.Documents }

func (d localDocuments) list(con *console.Console) ([]api.DocumentSource, error) {
	return d.List(con.Ctx)
}

func (d localDocuments) show(con *console.Console, name string) (string, error) {
	page, err := d.Page(con.Ctx, name)
	return page.Markdown, withoutCode(err)
}

func (d localDocuments) set(con *console.Console, name, format, text string) error {
	return withoutCode(d.Put(con.Ctx, name, format, text))
}

func (d localDocuments) restore(con *console.Console, name string) error {
	return withoutCode(d.Restore(con.Ctx, name))
}

// DocumentsListCmd shows the documents.
type DocumentsListCmd struct {
	referenceFlags
	JSON bool `help:"Print JSON."`
}

// Help shows examples.
func (DocumentsListCmd) Help() string {
	return `Files that the configuration of a server names (--terms, --privacy, --sponsors) are shown only with --horde.

Examples:
  horde admin documents list
  horde admin documents list --horde http://127.0.0.1:7001 --apikey KEY`
}

// Run prints.
func (c *DocumentsListCmd) Run(con *console.Console) error {
	return c.withDocuments(con, c.read, func(d documents) error {
		list, err := d.list(con)
		if err != nil {
			return err
		}

		if c.JSON {
			return console.PrintJSON(con.Stdout, list)
		}
		rows := [][]string{{"DOCUMENT", "FROM", "FORMAT", "BYTES", "CHANGED"}}
		for _, v := range list {
			from := v.From
			if v.Path != "" {
				from += " " + v.Path
			}
			rows = append(rows, []string{
				console.Clean(v.Name),
				console.Clean(from),
				console.Clean(v.Format),
				fmt.Sprint(v.Bytes),
				age(v.Changed),
			})
		}
		return console.Table(con.Stdout, rows)
	})
}

// DocumentsShowCmd prints a document.
type DocumentsShowCmd struct {
	Name string `arg:"" enum:"terms,privacy,sponsors" help:"terms, privacy or sponsors."`
	referenceFlags
}

// Help shows examples.
func (DocumentsShowCmd) Help() string {
	return `Examples:
  horde admin documents show terms > terms.md
  horde admin documents show privacy --horde http://127.0.0.1:7001`
}

// Run prints.
func (c *DocumentsShowCmd) Run(con *console.Console) error {
	return c.withDocuments(con, c.read, func(d documents) error {
		text, err := d.show(con, c.Name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(con.Stdout, strings.TrimRight(text, "\n"))
		return err
	})
}

// DocumentsSetCmd replaces a document.
type DocumentsSetCmd struct {
	Name string `arg:"" enum:"terms,privacy,sponsors" help:"terms, privacy or sponsors."`
	File string `arg:"" placeholder:"FILE" help:"The document; - is standard input. HTML where the name ends in .html, else Markdown."`
	referenceFlags
}

// Help shows examples.
func (DocumentsSetCmd) Help() string {
	return `All nodes of the database show the new document at once, at /terms, /privacy and /sponsors and by the API. Scripts, styles and frames are removed.

Examples:
  horde admin documents set terms terms.md
  horde admin documents set privacy privacy.html --db postgres://horde@db/horde
  horde admin documents set terms terms.md --horde http://127.0.0.1:7001 --apikey KEY`
}

// maxDocumentFile bounds what is read of a document; the server's own bound is lower
// and says so.
const maxDocumentFile = 1 << 20 // bytes

// Run replaces.
func (c *DocumentsSetCmd) Run(con *console.Console) error {
	text, err := c.content(con)
	if err != nil {
		return fmt.Errorf("%s: %w", c.File, err)
	}

	format := api.Markdown
	if ext := strings.ToLower(filepath.Ext(c.File)); ext == ".html" || ext == ".htm" {
		format = api.HTML
	}
	return c.withDocuments(con, c.openOrMake, func(d documents) error {
		if err := d.set(con, c.Name, format, text); err != nil {
			return err
		}
		_, err := fmt.Fprintf(con.Stdout, "%s: replaced, %d bytes of %s\n", c.Name, len(text), format)
		return err
	})
}

func (c *DocumentsSetCmd) content(con *console.Console) (string, error) {
	r := con.Stdin
	if c.File != "-" {
		f, err := os.Open(c.File)
		if err != nil {
			return "", errors.Unwrap(err) // without the path
		}
		defer f.Close()
		r = f
	}

	text, err := io.ReadAll(io.LimitReader(r, maxDocumentFile))
	return string(text), err
}

// DocumentsRestoreCmd restores a default.
type DocumentsRestoreCmd struct {
	Name string `arg:"" enum:"terms,privacy,sponsors" help:"terms, privacy or sponsors."`
	referenceFlags
}

// Help shows examples.
func (DocumentsRestoreCmd) Help() string {
	return `Examples:
  horde admin documents restore terms
  horde admin documents restore sponsors --horde http://127.0.0.1:7001 --apikey KEY`
}

// Run restores.
func (c *DocumentsRestoreCmd) Run(con *console.Console) error {
	return c.withDocuments(con, c.open, func(d documents) error {
		if err := d.restore(con, c.Name); err != nil {
			return err
		}
		_, err := fmt.Fprintf(con.Stdout, "%s: the default again\n", c.Name)
		return err
	})
}
