package admin

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"horde/api"
	"horde/client"
	"horde/internal/catalog"
	"horde/internal/cli/console"
	"horde/internal/horde"
	"horde/internal/store"
)

// ModelsCmd is about the model references of a server: the lists of models
// that it knows.
type ModelsCmd struct {
	List   ModelsListCmd   `cmd:"" help:"Show the lists of models that a server keeps, where they come from and how old they are."`
	Import ModelsImportCmd `cmd:"" help:"Load a list of models from a file."`
	Forget ModelsForgetCmd `cmd:"" help:"Drop a list of models that was loaded; the built-in one applies again."`
}

// Help shows examples.
func (ModelsCmd) Help() string {
	return `Examples:
  horde admin models list --data /var/lib/horde
  horde admin models import stable_diffusion.json --data /var/lib/horde`
}

// referenceFlags say where the references are: in a database, or with a server
// that runs.
type referenceFlags struct {
	StoreFlags
	Horde  string `env:"-" placeholder:"URL" help:"Ask the server that runs at this address of this machine, instead of opening its database. Needs the key of an account that ADMINS names."`
	APIKey string `name:"apikey" env:"HORDE_APIKEY,HORDE_API_KEY" placeholder:"KEY" help:"API key for --horde."`
}

// references is what can be done with model references, here or on a server.
type references interface {
	list(con *console.Console) ([]api.ModelReference, error)
	load(con *console.Console, kind, source string, doc []byte) (*api.ImportedReference, error)
	forget(con *console.Console, kind string) error
}

// withReferences opens the references (by open where they are in a database), calls
// use and closes them.
func (rf *referenceFlags) withReferences(
	con *console.Console, open func(*console.Console) (*store.Store, error), use func(references) error,
) error {
	if rf.Horde != "" {
		return use(remoteReferences{client.New(rf.Horde, rf.APIKey, client.WithRetries(0))})
	}
	return withStore(con, open, func(s *store.Store) error {
		c, err := catalog.New(catalog.Config{Store: s, Log: con.Log})
		if err != nil {
			return err
		}
		return use(localReferences{c})
	})
}

// withStore opens the database of a server by open, calls use and closes it.
func withStore(
	con *console.Console, open func(*console.Console) (*store.Store, error), use func(*store.Store) error,
) error {
	s, err := open(con)
	if errors.Is(err, store.ErrInUse) {
		return fmt.Errorf("%w. To work with a server that runs, add --horde URL --apikey KEY", err)
	}
	if err != nil {
		return err
	}
	defer s.Close()
	return use(s)
}

type remoteReferences struct{ *client.Client }

func (rr remoteReferences) list(con *console.Console) ([]api.ModelReference, error) {
	return rr.References(con.Ctx)
}

func (rr remoteReferences) load(con *console.Console, kind, source string, doc []byte) (*api.ImportedReference, error) {
	return rr.ImportReference(con.Ctx, kind, source, doc)
}

func (rr remoteReferences) forget(con *console.Console, kind string) error {
	return rr.ForgetReference(con.Ctx, kind)
}

type localReferences struct{ *catalog.Catalog }

func (r localReferences) list(con *console.Console) ([]api.ModelReference, error) {
	return r.References(con.Ctx)
}

func (r localReferences) load(con *console.Console, kind, source string, doc []byte) (*api.ImportedReference, error) {
	t, err := r.Import(con.Ctx, kind, source, doc)
	if err != nil {
		return nil, withoutCode(err)
	}
	return &api.ImportedReference{Kind: kind, Models: t.Models, LeftOut: t.LeftOut, Changed: t.Changed}, nil
}

func (r localReferences) forget(con *console.Console, kind string) error {
	return withoutCode(r.Remove(con.Ctx, kind))
}

// withoutCode drops the code for clients from a refusal.
func withoutCode(err error) error {
	if refused := (*horde.Error)(nil); errors.As(err, &refused) {
		return errors.New(refused.Detail)
	}
	return err
}

// ModelsListCmd shows the references.
type ModelsListCmd struct {
	referenceFlags
	JSON bool `help:"Print JSON."`
}

// Help shows examples.
func (ModelsListCmd) Help() string {
	return `The command only reads; it works beside a server that runs on the database.

Examples:
  horde admin models list
  horde admin models list --data /var/lib/horde --json
  horde admin models list --db postgres://horde@db/horde
  horde admin models list --horde http://127.0.0.1:7001 --apikey KEY`
}

// Run prints.
func (c *ModelsListCmd) Run(con *console.Console) error {
	return c.withReferences(con, c.read, func(r references) error {
		list, err := r.list(con)
		if err != nil {
			return err
		}

		if c.JSON {
			return console.PrintJSON(con.Stdout, list)
		}
		rows := [][]string{{"LIST", "MODELS", "FETCHED", "CHANGED", "SOURCE"}}
		for _, v := range list {
			rows = append(rows, []string{
				console.Clean(v.Kind),
				fmt.Sprint(v.Models),
				age(v.Fetched),
				age(v.Changed),
				console.Clean(v.Source),
			})
		}
		return console.Table(con.Stdout, rows)
	})
}

// age says how long ago a moment was.
func age(t *time.Time) string {
	if t == nil {
		return "-"
	}
	return max(0, time.Since(*t)).Round(time.Second).String() + " ago"
}

// ModelsImportCmd loads a reference.
type ModelsImportCmd struct {
	File string `arg:"" placeholder:"FILE" help:"List of models in the public format; - is standard input."`
	Kind string `default:"auto" enum:"auto,image,image-extra,text" help:"auto, image, image-extra or text (${default}: recognised from the file, as image or text)."`
	referenceFlags
}

// Help describes the file and shows examples.
func (ModelsImportCmd) Help() string {
	return `The file is a JSON object that maps names of models to objects: stable_diffusion.json of AI-Horde-image-model-reference, db.json of AI-Horde-text-model-reference, or one of your own. It replaces the list of its kind as a whole; image-extra is merged into image, and its entries win. All nodes of the database use it at once.

A server that has a file or URL of its own for that kind (HORDE_MODEL_REFERENCE_…) loads that again within the hour.

Examples:
  horde admin models import stable_diffusion.json
  horde admin models import db.json --data /var/lib/horde
  horde admin models import mine.json --kind image-extra --db postgres://horde@db/horde
  horde admin models import stable_diffusion.json --horde http://127.0.0.1:7001 --apikey KEY`
}

// Run imports.
func (c *ModelsImportCmd) Run(con *console.Console) error {
	doc, source, err := c.read(con)
	if err != nil {
		return err
	}

	kind := c.Kind
	if kind == "auto" {
		if kind, err = catalog.Detect(doc); err != nil {
			return console.UsageError("%s %w. If it is a list of models, say of which kind with --kind", c.File, err)
		}
	}
	return c.withReferences(con, c.openOrMake, func(r references) error {
		t, err := r.load(con, kind, source, doc)
		if err != nil {
			return err
		}

		if t.LeftOut > 0 {
			fmt.Fprintf(con.Stderr, "%d entries could not be read and were left out\n", t.LeftOut)
		}
		already := ""
		if !t.Changed {
			already = "; they were known already"
		}
		_, err = fmt.Fprintf(con.Stdout, "%s: %d models%s\n", console.Clean(t.Kind), t.Models, already)
		return err
	})
}

func (c *ModelsImportCmd) read(con *console.Console) (doc []byte, source string, err error) {
	if c.File == "-" {
		doc, err = catalog.ReadBounded(con.Stdin)
		source = "standard input"
	} else {
		doc, source, err = readReference(c.File)
	}
	if err != nil {
		err = console.UsageError("%s: %w", c.File, err)
	}
	return doc, source, err
}

// readReference reads a file and returns its full path too: the list of references
// shows it.
func readReference(path string) ([]byte, string, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, "", errors.Unwrap(err) // without the path
	}
	defer f.Close()
	if full, err := filepath.Abs(path); err == nil {
		path = full
	}

	doc, err := catalog.ReadBounded(f)
	return doc, path, err
}

// ModelsForgetCmd drops a reference.
type ModelsForgetCmd struct {
	Kind string `arg:"" enum:"image,image-extra,text" help:"image, image-extra or text."`
	referenceFlags
}

// Help shows examples.
func (ModelsForgetCmd) Help() string {
	return `A server that has a file or URL of its own for that kind (HORDE_MODEL_REFERENCE_…) loads it again within the hour.

Examples:
  horde admin models forget image
  horde admin models forget text --db postgres://horde@db/horde`
}

// Run forgets.
func (c *ModelsForgetCmd) Run(con *console.Console) error {
	return c.withReferences(con, c.open, func(r references) error {
		if err := r.forget(con, c.Kind); err != nil {
			return err
		}
		_, err := fmt.Fprintf(con.Stdout, "%s: forgotten\n", c.Kind)
		return err
	})
}
