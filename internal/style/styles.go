package style

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/store"
)

// Config is what styles depend on.
type Config struct {
	Store    *store.Store
	Accounts *account.Accounts
	Catalog  *catalog.Catalog
}

// Styles finds, makes and changes styles and collections.
type Styles struct{ Config }

// New returns the styles of a store.
func New(c Config) *Styles { return &Styles{c} }

// Style is a preset, with its lists decoded.
type Style struct {
	store.Style
	Tags     []string
	Models   []string
	Examples []Example
}

// Example is an image generated with a style. If a style has examples, exactly one is
// the primary.
type Example struct {
	ID      string `json:"id"`
	URL     string `json:"url"`
	Primary bool   `json:"primary"`
}

func fromRow(row store.Style) (*Style, error) {
	v := &Style{Style: row}
	for _, list := range []struct {
		text string
		into any
	}{{row.Tags, &v.Tags}, {row.Models, &v.Models}, {row.Examples, &v.Examples}} {
		if err := json.Unmarshal([]byte(list.text), list.into); err != nil {
			return nil, fmt.Errorf("style %s: %w", row.ID, err)
		}
	}
	return v, nil
}

// toRow encodes the lists for the store.
func (v *Style) toRow() (store.Style, error) {
	for _, list := range []struct {
		of   any
		into *string
	}{{v.Tags, &v.Style.Tags}, {v.Models, &v.Style.Models}, {v.Examples, &v.Style.Examples}} {
		text, err := json.Marshal(list.of)
		if err != nil {
			return store.Style{}, err
		}
		*list.into = string(text)
	}
	return v.Style, nil
}

// alias returns the alias of a style's owner.
func alias(username string, id horde.UserID) string {
	return username + "#" + id.String()
}

// FullName is the name of the style in lists: owner::style::name.
func (v *Style) FullName() string { return alias(v.Creator, v.UserID) + "::style::" + v.Name }

// errNotFound is the refusal of calls that accept styles of any kind.
func errNotFound(ref string) error {
	return horde.Errorf(horde.StyleNotFound, "Style '%s' not found.", clip(ref))
}

// errKind refuses a style of the other kind.
func errKind(v *Style) error {
	return horde.Errorf(horde.BadRequest, "This is a style for %ss. Use the calls for those.", v.Kind)
}

func clip(s string) string {
	if len(s) > 100 {
		return strings.ToValidUTF8(s[:100], "") + "…"
	}
	return s
}

// byID reads a style of any kind; StyleNotFound if there is none.
func (s *Styles) byID(ctx context.Context, id string) (*Style, error) {
	if !horde.IsID(id) {
		return nil, errNotFound(id)
	}
	row, err := s.Store.Style(ctx, strings.ToLower(id))
	if errors.Is(err, store.ErrNotFound) {
		return nil, errNotFound(id)
	}
	if err != nil {
		return nil, err
	}
	return fromRow(row)
}

// Find reads a style of a kind by id, for a call that changes it.
func (s *Styles) Find(ctx context.Context, kind horde.Kind, id string) (*Style, error) {
	v, err := s.byID(ctx, id)
	if err == nil && v.Kind != kind {
		return nil, errKind(v)
	}
	return v, err
}

// Get reads a style of a kind by id, for a call that shows it.
func (s *Styles) Get(ctx context.Context, kind horde.Kind, id string) (*Style, error) {
	v, err := s.Find(ctx, kind, id)
	if horde.CodeOf(err) == horde.StyleNotFound {
		title, code := "Image", horde.ImageStyleNotFound
		if kind == horde.KindText {
			title, code = "Text", horde.TextStyleNotFound
		}
		return nil, horde.Errorf(code, "%s style with ID '%s' not found.", title, clip(id))
	}
	return v, err
}

// Named reads a style of a kind by name.
func (s *Styles) Named(ctx context.Context, kind horde.Kind, ref string) (*Style, error) {
	n, err := s.parse(ctx, ref)
	if err != nil {
		return nil, err
	}

	v, err := s.named(ctx, n, kind)
	if err == nil && v == nil {
		return nil, errNotFound(ref)
	}
	if err == nil && v.Kind != kind {
		return nil, errKind(v)
	}
	return v, err
}

// name is a style's or collection's name as requests write it.
type name struct {
	scope string       // style, collection; "": either
	user  horde.UserID // whose it is; -1: anybody's
	name  string
}

// maxScopes is how many words before a name are looked at: one of its kind, one alias,
// and some that are nobody's. Each alias is looked up.
const maxScopes = 8

// parse splits a written name: "name" after any of "style::" or
// "collection::" and "alias#id::" in any order. An alias that is nobody's does
// restrict nothing.
func (s *Styles) parse(ctx context.Context, ref string) (name, error) {
	n := name{user: -1, name: ref}
	for range maxScopes {
		head, tail, more := strings.Cut(n.name, "::")
		id, aliased := account.IDOfAlias(head)

		switch {
		case !more:
			return n, nil
		case n.scope == "" && (head == "style" || head == "collection"):
			n.scope = head
		case n.user < 0 && aliased && strings.Contains(head, "#"):
			_, err := s.Accounts.ByID(ctx, id)
			if err == nil {
				n.user = id
			} else if horde.CodeOf(err) == "" {
				return n, err
			}
		default:
			return n, nil
		}
		n.name = tail
	}
	return n, nil
}

// named finds a style by name, one of the given kind first; nil if there is
// none.
func (s *Styles) named(ctx context.Context, n name, kind horde.Kind) (*Style, error) {
	if n.scope == "collection" || !storable(n.name) {
		return nil, nil
	}
	for _, kind := range []horde.Kind{kind, ""} {
		row, err := s.Store.StyleNamed(ctx, n.name, n.user, kind)
		if err == nil {
			return fromRow(row)
		}
		if !errors.Is(err, store.ErrNotFound) {
			return nil, err
		}
	}
	return nil, nil
}

// storable reports whether text can be stored in the database at all.
func storable(text string) bool { return strings.IndexByte(text, 0) < 0 }

// Listing says which styles to list.
type Listing struct {
	Kind       horde.Kind
	Sort       string // popular, age
	Page       int    // of pageSize, from 1
	Tag, Model string
}

// Pages of a list.
const (
	pageSize = 25
	lastPage = 100_000
)

// of returns the store's form of a listing.
func (l Listing) of() (store.Listing, error) {
	out := store.Listing{Kind: l.Kind, Age: l.Sort == "age", Tag: l.Tag, Model: l.Model, Limit: pageSize,
		Offset: pageSize * (min(max(1, l.Page), lastPage) - 1)}

	if l.Sort != "age" && l.Sort != "popular" {
		return out, horde.Errorf(horde.BadRequest, "sort is popular or age.")
	}
	if !storable(l.Tag) || !storable(l.Model) {
		return out, horde.Errorf(horde.NulByteInPayload, "The query may not contain NUL bytes.")
	}
	return out, nil
}

// List reads a page of the public styles of a kind.
func (s *Styles) List(ctx context.Context, l Listing) ([]*Style, error) {
	query, err := l.of()
	if err != nil {
		return nil, err
	}

	found, err := s.Store.ListStyles(ctx, query)
	if err != nil {
		return nil, err
	}

	list := make([]*Style, len(found))
	for i, row := range found {
		if list[i], err = fromRow(row); err != nil {
			return nil, err
		}
	}
	return list, nil
}

// ImageDetails returns an image style as the API shows it.
func (s *Styles) ImageDetails(ctx context.Context, v *Style) (api.ImageStyle, error) {
	out := api.ImageStyle{
		ID:       v.ID,
		UseCount: v.UseCount,
		Creator:  alias(v.Creator, v.UserID),
		Examples: make([]api.StyleExample, len(v.Examples)),
		Name:     v.Name,
		Info:     v.Info,
		Prompt:   v.Prompt,
		Public:   v.Public,
		NSFW:     v.NSFW,
		Tags:     v.Tags,
		Models:   v.Models,
	}
	for i, e := range v.Examples {
		out.Examples[i] = api.StyleExample(e)
	}

	var params api.ImageStyleParams
	if err := json.Unmarshal([]byte(v.Params), &params); err != nil {
		return out, fmt.Errorf("style %s: %w", v.ID, err)
	}
	params.Complete()
	if !reflect.ValueOf(params).IsZero() {
		out.Params = &params
	}

	if v.SharedKey == "" {
		return out, nil
	}
	k, err := s.Accounts.SharedKey(ctx, v.SharedKey)
	if horde.CodeOf(err) != "" { // deleted just now
		return out, nil
	}
	if err == nil {
		d := k.Details()
		out.SharedKey = &d
	}
	return out, err
}

// TextDetails returns a text style as the API shows it.
func (s *Styles) TextDetails(v *Style) (api.TextStyle, error) {
	out := api.TextStyle{
		ID:       v.ID,
		UseCount: v.UseCount,
		Creator:  alias(v.Creator, v.UserID),
		Name:     v.Name,
		Info:     v.Info,
		Prompt:   v.Prompt,
		Params:   admission.TextDefaults().TextSampling,
		Public:   v.Public,
		NSFW:     v.NSFW,
		Tags:     v.Tags,
		Models:   v.Models,
	}

	if err := json.Unmarshal([]byte(v.Params), &out.Params); err != nil {
		return out, fmt.Errorf("style %s: %w", v.ID, err)
	}
	return out, nil
}
