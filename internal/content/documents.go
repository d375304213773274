package content

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"text/template"
	"time"
	"unicode/utf8"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// Names of the documents.
const (
	Terms    = "terms"
	Privacy  = "privacy"
	Sponsors = "sponsors"
)

// Names are those of all documents.
var Names = []string{Terms, Privacy, Sponsors}

// maxDocument bounds the source of a document: parsing Markdown that is made to be slow
// takes time quadratic in its length, some seconds at this size.
const maxDocument = 64 << 10 // bytes

//go:embed default/*.md
var defaults embed.FS

// Config is what the documents depend on.
type Config struct {
	Store   *store.Store
	Clock   horde.Clock
	Log     *slog.Logger
	Title   string            // of the horde
	Contact string            // of the operator; "" for none
	Files   map[string]string // paths of the operator's own documents, by name
}

// Documents reads and keeps the documents of a horde.
type Documents struct {
	config Config

	cache map[string]*rendered // by name; never changed
}

// rendered is a document in both formats as it was last read.
type rendered struct {
	mu     sync.Mutex
	source string // guarded by mu: what page was made from
	page   Page   // guarded by mu
}

// Page is a document ready to be shown.
type Page struct {
	HTML     string // a fragment, sanitised
	Markdown string
}

// New opens the documents. A configured file that cannot be read, or is no
// document, is an error.
func New(c Config) (*Documents, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	for name, path := range c.Files {
		if !slices.Contains(Names, name) {
			return nil, fmt.Errorf("there is no document %q", name)
		}
		s, err := readFile(path)
		if err == nil {
			_, err = s.render()
		}
		if err != nil {
			return nil, fmt.Errorf("the horde's %s, %s: %w", name, path, err)
		}
	}

	d := &Documents{config: c, cache: map[string]*rendered{}}
	for _, name := range Names {
		d.cache[name] = &rendered{}
	}
	return d, nil
}

// Page returns a document as it is now; a RequestNotFound error for an unknown name. While
// the operator's file cannot be read, or is not a document, the last good copy is used.
func (d *Documents) Page(ctx context.Context, name string) (Page, error) {
	known := d.cache[name]
	if known == nil {
		return Page{}, errUnknown(name)
	}
	s, err := d.source(ctx, name)

	known.mu.Lock()
	defer known.mu.Unlock()
	key := s.Format + ":" + s.Text
	if err == nil && known.source == key {
		return known.page, nil
	}

	var page Page
	if err == nil {
		page, err = s.render()
	}

	if err != nil && known.source != "" && d.config.Files[name] != "" {
		d.config.Log.Warn("the operator's document cannot be shown as it is now; its last good copy is shown",
			"document", name, "error", err)
		return known.page, nil
	}

	if err == nil {
		known.source, known.page = key, page
	}
	return page, err
}

// source is what a document is made from.
type source struct {
	Format string    `json:"format"` // html or markdown
	Text   string    `json:"text"`
	At     time.Time `json:"at,omitzero"` // when it was put
	From   string    `json:"-"`           // file, database or default
}

// Where a document comes from.
const (
	fromFile     = "file"
	fromDatabase = "database"
	fromDefault  = "default"
)

// source reads what a document is made from, each time: pages are seldom looked at, and the
// operator's files tell nobody when they change. So nothing of it has to be kept in step
// with other nodes; what was rendered is used again while its source is the same.
func (d *Documents) source(ctx context.Context, name string) (source, error) {
	if !slices.Contains(Names, name) {
		return source{}, errUnknown(name)
	}
	if path := d.config.Files[name]; path != "" {
		return readFile(path)
	}

	text, err := d.config.Store.Setting(ctx, setting(name))
	if err != nil {
		return source{}, err
	}
	if text == "" {
		return d.standard(ctx, name)
	}
	s := source{From: fromDatabase}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, fmt.Errorf("document %q: %w", name, err)
	}
	return s, nil
}

func errUnknown(name string) error {
	return horde.Errorf(horde.RequestNotFound,
		"There is no document '%s': they are %s.", clip(name), strings.Join(Names, ", "))
}

// clip shortens what a stranger sent, for use in a message.
func clip(s string) string {
	const maxBytes = 40
	if len(s) > maxBytes {
		return s[:maxBytes] + "…"
	}
	return s
}

func setting(name string) string { return "document-" + name }

// readFile reads a document of the operator; the suffix of its name says whether
// it is HTML, else it is Markdown.
func readFile(path string) (source, error) {
	f, err := os.Open(path)
	if err != nil {
		return source{}, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, maxDocument+1))
	if err != nil {
		return source{}, err
	}

	s := source{Format: api.Markdown, Text: string(text), From: fromFile}
	if info, err := f.Stat(); err == nil {
		s.At = info.ModTime()
	}
	if lower := strings.ToLower(path); strings.HasSuffix(lower, ".html") || strings.HasSuffix(lower, ".htm") {
		s.Format = api.HTML
	}
	return s, s.check()
}

// check refuses what is not a document.
func (s *source) check() error {
	switch {
	case s.Format != api.HTML && s.Format != api.Markdown:
		return horde.Errorf(horde.BadRequest, "A document is written in html or markdown.")
	case len(s.Text) > maxDocument:
		return horde.Errorf(horde.BadRequest, "A document has at most %d KiB.", maxDocument>>10)
	case !utf8.ValidString(s.Text) || strings.ContainsRune(s.Text, 0):
		return horde.Errorf(horde.BadRequest, "A document is text in UTF-8.")
	case strings.TrimSpace(s.Text) == "":
		return horde.Errorf(horde.BadRequest, "The document is empty. Restore the default if there is to be none.")
	}
	return nil
}

// render renders a document that passed check.
func (s *source) render() (Page, error) {
	page, err := render(s.Format, s.Text)
	switch {
	case err != nil:
		return page, horde.Errorf(horde.BadRequest, "The document cannot be shown: %s. Nest it less deeply.", err)
	case page.HTML == "":
		return page, horde.Errorf(horde.BadRequest, "Nothing is left of the document without its scripts, styles and frames.")
	}
	return page, nil
}

// standard returns the default of a document.
func (d *Documents) standard(ctx context.Context, name string) (source, error) {
	t, err := template.ParseFS(defaults, "default/"+name+".md")
	if err != nil {
		return source{}, err
	}
	supporters, err := d.supporters(ctx)
	if err != nil {
		return source{}, err
	}

	var text bytes.Buffer
	err = t.Execute(&text, struct {
		Title, Contact    string
		Sponsors, Patrons []Supporter
	}{plainText(d.config.Title), plainText(d.config.Contact), supporters.Sponsors, supporters.Patrons})
	return source{Format: api.Markdown, Text: text.String(), From: fromDefault}, err
}

// List lists the documents and where each comes from.
func (d *Documents) List(ctx context.Context) ([]api.DocumentSource, error) {
	list := make([]api.DocumentSource, 0, len(Names))
	for _, name := range Names {
		s, err := d.source(ctx, name)
		if err != nil {
			return nil, err
		}

		v := api.DocumentSource{
			Name:   name,
			From:   s.From,
			Format: s.Format,
			Bytes:  len(s.Text),
			Path:   d.config.Files[name],
		}
		if !s.At.IsZero() {
			v.Changed = &s.At
		}

		list = append(list, v)
	}
	return list, nil
}

// Put replaces a document for all nodes.
func (d *Documents) Put(ctx context.Context, name, format, text string) error {
	if !slices.Contains(Names, name) {
		return errUnknown(name)
	}
	s := source{Format: format, Text: text, At: d.config.Clock().UTC()}
	if err := s.check(); err != nil {
		return err
	}
	if _, err := s.render(); err != nil {
		return err
	}

	if path := d.config.Files[name]; path != "" {
		return errConfigured(name, path)
	}

	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return d.config.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		return tx.SetSetting(setting(name), string(value))
	}})
}

// Restore restores the default of a document.
func (d *Documents) Restore(ctx context.Context, name string) error {
	if !slices.Contains(Names, name) {
		return errUnknown(name)
	}
	if path := d.config.Files[name]; path != "" {
		return errConfigured(name, path)
	}
	return d.config.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.SetSetting(setting(name), "") }})
}

func errConfigured(name, path string) error {
	return horde.Errorf(horde.Locked,
		"The %s are the file %s, which the configuration of this server names: change that.", name, path)
}

// Supporter is someone who supports the horde with money.
type Supporter struct {
	Name string `json:"name"`
	Link string `json:"link,omitempty"` // https
}

// Supporters are the people that the sponsors' page names.
type Supporters struct {
	Sponsors []Supporter `json:"sponsors,omitempty"`
	Patrons  []Supporter `json:"patrons,omitempty"`
}

const settingSupporters = "supporters"

// SetSupporters records whom the sponsors' page names.
func (d *Documents) SetSupporters(ctx context.Context, s Supporters) error {
	value, err := json.Marshal(s)
	if err != nil {
		return err
	}
	return d.config.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		return tx.SetSetting(settingSupporters, string(value))
	}})
}

func (d *Documents) supporters(ctx context.Context) (s Supporters, err error) {
	text, err := d.config.Store.Setting(ctx, settingSupporters)
	if err != nil || text == "" {
		return s, err
	}
	if err := json.Unmarshal([]byte(text), &s); err != nil {
		return s, errors.Join(errors.New("the list of supporters"), err)
	}

	for _, list := range [][]Supporter{s.Sponsors, s.Patrons} {
		for i := range list {
			list[i].Name = plainText(list[i].Name)
		}
	}
	return s, nil
}

// markup escapes the characters that mean something in Markdown, and those without
// which an address does not become a link.
var markup = strings.NewReplacer(`\`, `\\`, "`", "\\`", "*", `\*`, "_", `\_`, "[", `\[`, "]", `\]`, "<", `\<`, ">", `\>`, "#", `\#`, "|", `\|`,
	"~", `\~`, ":", `\:`, ".", `\.`, "@", `\@`, "\n", " ", "\r", " ")

// plainText escapes a name so that Markdown shows it as it is.
func plainText(s string) string { return markup.Replace(s) }
