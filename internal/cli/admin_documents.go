package cli

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
	"horde/internal/content"
	"horde/internal/store"
)

// AdminDocumentsCmd is about the documents of a server: terms, privacy, sponsors.
type AdminDocumentsCmd struct {
	List    AdminDocumentsListCmd    `cmd:"" help:"Show where each document comes from."`
	Show    AdminDocumentsShowCmd    `cmd:"" help:"Print a document as Markdown."`
	Set     AdminDocumentsSetCmd     `cmd:"" help:"Replace a document with a file."`
	Restore AdminDocumentsRestoreCmd `cmd:"" help:"Restore the default of a document."`
}

// Help shows examples.
func (AdminDocumentsCmd) Help() string {
	return `Examples:
  horde admin documents list --data /var/lib/horde
  horde admin documents set terms terms.md --data /var/lib/horde`
}

// documents is what can be done with documents, in a database or on a server.
type documents interface {
	list(con *console) ([]api.DocumentSource, error)
	show(con *console, name string) (string, error)
	set(con *console, name, format, text string) error
	restore(con *console, name string) error
}

// withDocuments opens the documents (by open where they are in a database), calls use
// and closes them.
func (f *referenceFlags) withDocuments(
	con *console, open func(*console) (*store.Store, error), use func(documents) error,
) error {
	if f.Horde != "" {
		return use(remoteDocuments{client.New(f.Horde, f.APIKey, client.WithRetries(0))})
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

func (d remoteDocuments) list(con *console) ([]api.DocumentSource, error) {
	return d.Documents(con.ctx)
}

func (d remoteDocuments) show(con *console, name string) (string, error) {
	return d.Document(con.ctx, name)
}

func (d remoteDocuments) set(con *console, name, format, text string) error {
	in := api.DocumentInput{Markdown: &text}
	if format == api.HTML {
		in = api.DocumentInput{HTML: &text}
	}
	return d.PutDocument(con.ctx, name, in)
}

func (d remoteDocuments) restore(con *console, name string) error {
	return d.RestoreDocument(con.ctx, name)
}

type localDocuments struct{ *content.Documents }

func (d localDocuments) list(con *console) ([]api.DocumentSource, error) { return d.List(con.ctx) }

func (d localDocuments) show(con *console, name string) (string, error) {
	page, err := d.Page(con.ctx, name)
	return page.Markdown, withoutCode(err)
}

func (d localDocuments) set(con *console, name, format, text string) error {
	return withoutCode(d.Put(con.ctx, name, format, text))
}

func (d localDocuments) restore(con *console, name string) error {
	return withoutCode(d.Restore(con.ctx, name))
}

// AdminDocumentsListCmd shows the documents.
type AdminDocumentsListCmd struct {
	referenceFlags
	JSON bool `help:"Print JSON."`
}

// Help shows examples.
func (AdminDocumentsListCmd) Help() string {
	return `Files that the configuration of a server names (--terms, --privacy, --sponsors) are shown only with --horde.

Examples:
  horde admin documents list
  horde admin documents list --horde http://127.0.0.1:7001 --apikey KEY`
}

// Run prints.
func (c *AdminDocumentsListCmd) Run(con *console) error {
	return c.withDocuments(con, c.read, func(d documents) error {
		list, err := d.list(con)
		if err != nil {
			return err
		}

		if c.JSON {
			return printJSON(con.stdout, list)
		}
		rows := [][]string{{"DOCUMENT", "FROM", "FORMAT", "BYTES", "CHANGED"}}
		for _, v := range list {
			from := v.From
			if v.Path != "" {
				from += " " + v.Path
			}
			rows = append(rows, []string{
				clean(v.Name),
				clean(from),
				clean(v.Format),
				fmt.Sprint(v.Bytes),
				age(v.Changed),
			})
		}
		return table(con.stdout, rows)
	})
}

// AdminDocumentsShowCmd prints a document.
type AdminDocumentsShowCmd struct {
	Name string `arg:"" enum:"terms,privacy,sponsors" help:"terms, privacy or sponsors."`
	referenceFlags
}

// Help shows examples.
func (AdminDocumentsShowCmd) Help() string {
	return `Examples:
  horde admin documents show terms > terms.md
  horde admin documents show privacy --horde http://127.0.0.1:7001`
}

// Run prints.
func (c *AdminDocumentsShowCmd) Run(con *console) error {
	return c.withDocuments(con, c.read, func(d documents) error {
		text, err := d.show(con, c.Name)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(con.stdout, strings.TrimRight(text, "\n"))
		return err
	})
}

// AdminDocumentsSetCmd replaces a document.
type AdminDocumentsSetCmd struct {
	Name string `arg:"" enum:"terms,privacy,sponsors" help:"terms, privacy or sponsors."`
	File string `arg:"" placeholder:"FILE" help:"The document; - is standard input. HTML where the name ends in .html, else Markdown."`
	referenceFlags
}

// Help shows examples.
func (AdminDocumentsSetCmd) Help() string {
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
func (c *AdminDocumentsSetCmd) Run(con *console) error {
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
		_, err := fmt.Fprintf(con.stdout, "%s: replaced, %d bytes of %s\n", c.Name, len(text), format)
		return err
	})
}

func (c *AdminDocumentsSetCmd) content(con *console) (string, error) {
	r := con.stdin
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

// AdminDocumentsRestoreCmd restores a default.
type AdminDocumentsRestoreCmd struct {
	Name string `arg:"" enum:"terms,privacy,sponsors" help:"terms, privacy or sponsors."`
	referenceFlags
}

// Help shows examples.
func (AdminDocumentsRestoreCmd) Help() string {
	return `Examples:
  horde admin documents restore terms
  horde admin documents restore sponsors --horde http://127.0.0.1:7001 --apikey KEY`
}

// Run restores.
func (c *AdminDocumentsRestoreCmd) Run(con *console) error {
	return c.withDocuments(con, c.open, func(d documents) error {
		if err := d.restore(con, c.Name); err != nil {
			return err
		}
		_, err := fmt.Fprintf(con.stdout, "%s: the default again\n", c.Name)
		return err
	})
}
