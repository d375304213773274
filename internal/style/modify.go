package style

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/store"
)

// Bounds of styles. maxPerUser is not in the contract: it keeps one account from
// filling the database.
const (
	maxModels  = 5
	maxTags    = 10
	maxPerUser = 1000 // styles, and collections, of a user
)

// Prompt templates of styles that give none.
const (
	defaultImagePrompt = "{p}{np}"
	defaultTextPrompt  = "{p}"
)

// Create creates a style (platform §3.12) and returns its id, with the
// warnings of an image style.
func (s *Styles) Create(
	ctx context.Context, kind horde.Kind, in api.StyleInput, key string,
) (string, []api.Warning, error) {
	if in.Models == nil {
		return "", nil, horde.Errorf(horde.BadRequest, "A style needs between 1 and %d models.", maxModels)
	}
	if err := checkLists(in); err != nil {
		return "", nil, err
	}

	caller, err := s.maker(ctx, key)
	if err != nil {
		return "", nil, err
	}
	v := &Style{
		Style: store.Style{
			ID:     horde.NewID(),
			Kind:   kind,
			UserID: caller.ID,
			Public: true,
			Prompt: defaultImagePrompt,
			Params: "{}",
		},
		Tags:     []string{},
		Models:   []string{},
		Examples: []Example{},
	}
	if kind == horde.KindText {
		v.Prompt = defaultTextPrompt
	}

	// Refusals come in the order of the contract.
	if err := s.decent(in); err != nil {
		return "", nil, err
	}
	if err := s.checkKey(ctx, caller, in.SharedKey); err != nil {
		return "", nil, err
	}
	if caller.Is(account.Deleted) {
		return "", nil, errDeleted
	}

	if err := v.apply(in); err != nil {
		return "", nil, err
	}
	warnings, refusal := s.check(caller, v)
	return v.ID, warnings, s.write(ctx, v, refusal, func(tx *store.Tx) error { return insert(tx, v) })
}

// maker finds who creates a style.
func (s *Styles) maker(ctx context.Context, key string) (*account.User, error) {
	caller, err := s.Accounts.ByKey(ctx, key)
	switch {
	case err != nil:
		return nil, err
	case !caller.Is(account.Customizer) && !caller.Is(account.Trusted):
		return nil, horde.Errorf(horde.StylesRequiresCustomizer,
			"Only trusted users and customizers can make styles. Ask the moderators of this horde.")
	case caller.Anonymous():
		return nil, errAnonymous
	}
	return caller, nil
}

var (
	errAnonymous = horde.Errorf(horde.StylesAnonForbidden,
		"The anonymous user has no styles and collections. Register an account of your own.")
	errDeleted  = horde.Errorf(horde.DeletedUser, "This account is scheduled for deletion and cannot be used.")
	errNotOwner = horde.Errorf(horde.Forbidden, "Only the owner of a style can change it.")
)

// Modify changes a style of the caller: what is absent stays unchanged. It returns the id,
// with the warnings of an image style.
func (s *Styles) Modify(
	ctx context.Context, kind horde.Kind, id string, in api.StyleInput, key string,
) (string, []api.Warning, error) {
	if err := checkLists(in); err != nil {
		return "", nil, err
	}

	v, caller, err := s.target(ctx, kind, id, key)
	if err != nil {
		return "", nil, err
	}
	if v.UserID != caller.ID {
		return "", nil, errNotOwner
	}

	if err := s.decent(in); err != nil {
		return "", nil, err
	}
	if err := s.checkKey(ctx, caller, in.SharedKey); err != nil {
		return "", nil, err
	}

	if err := v.apply(in); err != nil {
		return "", nil, err
	}
	warnings, refusal := s.check(caller, v)
	return v.ID, warnings, s.write(ctx, v, refusal, func(tx *store.Tx) error {
		now, err := tx.Style(v.ID)
		if err != nil {
			return err
		}

		row, err := v.toRow()
		if err != nil {
			return err
		}
		row.Examples = now.Examples // those are changed by calls of their own
		return tx.UpdateStyle(row, v.Tags, v.Models)
	})
}

// target finds a style to be changed, then the caller.
func (s *Styles) target(ctx context.Context, kind horde.Kind, id, key string) (*Style, *account.User, error) {
	v, err := s.Find(ctx, kind, id)
	if err != nil {
		return nil, nil, err
	}
	caller, err := s.Accounts.ByKey(ctx, key)
	return v, caller, err
}

// Delete removes a style: its owner and moderators may.
func (s *Styles) Delete(ctx context.Context, kind horde.Kind, id, key string) error {
	v, caller, err := s.target(ctx, kind, id, key)
	switch {
	case err != nil:
		return err
	case caller.Anonymous():
		return errAnonymous
	case v.UserID != caller.ID && !caller.Is(account.Moderator):
		return errNotOwner
	}
	if err := s.Accounts.RefuseAbove(caller, v.UserID); err != nil {
		return err
	}
	err = s.Store.Write(ctx, store.Unit{Key: v.ID, Accounts: []horde.UserID{v.UserID}, Do: func(tx *store.Tx) error {
		return tx.DeleteStyle(v.ID)
	}})
	if err != nil {
		return err
	}
	return s.Accounts.RecordOver(ctx, v.UserID,
		account.Act{By: caller, Action: "style deleted", Target: v.Name + " " + v.ID})
}

// checkLists refuses too many models or tags, or no models.
func checkLists(in api.StyleInput) error {
	if in.Models != nil && (len(*in.Models) == 0 || len(*in.Models) > maxModels) {
		return horde.Errorf(horde.BadRequest, "A style needs between 1 and %d models.", maxModels)
	}
	if in.Tags != nil && len(*in.Tags) > maxTags {
		return horde.Errorf(horde.BadRequest, "A style can have at most %d tags.", maxTags)
	}
	return nil
}

// decent refuses text that has no place in public.
func (s *Styles) decent(in api.StyleInput) error {
	var texts []string
	for _, t := range []*string{in.Name, in.Info} {
		if t != nil {
			texts = append(texts, *t)
		}
	}

	for _, list := range []*[]string{in.Tags, in.Models} {
		if list != nil {
			texts = append(texts, *list...)
		}
	}

	if slices.ContainsFunc(texts, moderation.Profane) {
		return horde.Errorf(horde.BadRequest, "Please choose words that everybody can read.")
	}
	return nil
}

// checkKey refuses a shared key that cannot pay for a style: it must be the
// caller's own, or whoever was given a key could take it from all others.
func (s *Styles) checkKey(ctx context.Context, caller *account.User, id string) error {
	if id == "" {
		return nil
	}

	k, err := s.Accounts.SharedKey(ctx, id)
	if err != nil && horde.CodeOf(err) == "" {
		return err
	}
	if err != nil || k.UserID != caller.ID || !s.Accounts.Valid(k) {
		return horde.Errorf(horde.BadRequest,
			"The shared key does not exist, is not yours, has expired or has no kudos left.")
	}
	return nil
}

// apply applies what an input gives to a style, sanitised.
func (v *Style) apply(in api.StyleInput) error {
	if in.Name != nil {
		if err := moderation.CheckName(*in.Name); err != nil {
			return err
		}
		v.Name = moderation.Sanitize(*in.Name)
	}
	if v.Name == "" {
		return horde.Errorf(horde.BadRequest, "The style needs a name.")
	}

	if in.Info != nil {
		v.Info = moderation.Sanitize(*in.Info)
	}
	if in.Prompt != nil {
		v.Prompt = *in.Prompt
	}
	if in.Public != nil {
		v.Public = *in.Public
	}

	if in.NSFW != nil {
		v.NSFW = *in.NSFW
	}
	if in.Tags != nil {
		v.Tags = tidy(*in.Tags)
	}
	if in.Models != nil {
		v.Models = slices.Clone(*in.Models)
	}

	if in.SharedKey != "" {
		v.SharedKey = strings.ToLower(in.SharedKey)
	}

	if in.Params != nil {
		text, err := json.Marshal(known(v.Kind, in.Params))
		if err != nil {
			return horde.Errorf(horde.BadRequest, "params contains a number that is not one.")
		}
		v.Params = string(text)
	}
	return nil
}

// tidy returns a list of tags sanitised, without duplicates and empty ones.
func tidy(tags []string) []string {
	kept := make([]string, 0, len(tags))
	for _, tag := range tags {
		if tag = moderation.Sanitize(tag); tag != "" && !slices.Contains(kept, tag) {
			kept = append(kept, tag)
		}
	}
	return kept
}

// known keeps the params that a request of the kind could also send: styles may
// set more than their schema names, but nothing that would make a request
// unreadable.
func known(kind horde.Kind, params map[string]any) map[string]any {
	of := api.ImageRequestSchema
	if kind == horde.KindText {
		of = api.TextRequestSchema
	}

	kept := map[string]any{}
	for _, p := range of.Property("params").Properties {
		if v, ok := params[p.Name]; ok && len(p.Schema.Validate(v)) == 0 {
			kept[p.Name] = v
		}
	}
	return kept
}

// check applies the checks of requests to a style.
func (s *Styles) check(caller *account.User, v *Style) ([]api.Warning, error) {
	if v.Kind == horde.KindText {
		r := &admission.TextRequest{Asked: api.TextRequest{Prompt: v.Prompt, Models: v.Models}, Style: admission.TextStyle}
		if err := json.Unmarshal([]byte(v.Params), &r.Asked.Params); err != nil {
			return nil, err
		}

		r.Normalize(admission.Caller{})
		if err := r.Check(admission.Preset); err != nil {
			return nil, err
		}
		return nil, holds(v, "{p}")
	}
	r := &admission.Request{
		Asked:     api.ImageRequest{Prompt: v.Prompt, Models: &v.Models},
		RawParams: json.RawMessage(v.Params),
		Models:    s.Catalog.Snapshot(),
		Style:     admission.ImageStyle,
	}
	if err := json.Unmarshal([]byte(v.Params), &r.Asked.Params); err != nil {
		return nil, err
	}

	r.Normalize(admission.Caller{
		ID:      caller.ID,
		Alias:   caller.Alias(),
		Trusted: caller.Is(account.Trusted),
		Special: caller.Is(account.Special),
	}, func() uint32 { return 0 })
	if err := r.Check(admission.Preset); err != nil {
		return nil, err
	}
	return r.Warnings(), holds(v, "{p}", "{np}")
}

// holds refuses a template that lacks one of places.
func holds(v *Style, places ...string) error {
	for _, p := range places {
		if !strings.Contains(v.Prompt, p) {
			return horde.Errorf(horde.BadRequest,
				"The prompt of a style must have %s, where the client's prompt goes.", strings.Join(places, " and "))
		}
	}
	return nil
}

var errNameTaken = horde.Errorf(horde.BadRequest,
	"You have a style or collection of this name already. Please choose another one.")

// write stores a style under a name that its owner has not used yet. A refusal
// found earlier comes after that of the name, as the contract has it.
func (s *Styles) write(ctx context.Context, v *Style, refusal error, do func(*store.Tx) error) error {
	err := s.Store.Write(ctx, store.Unit{Key: v.ID, Accounts: []horde.UserID{v.UserID}, Do: func(tx *store.Tx) error {
		taken, err := tx.StyleNameTaken(v.UserID, v.Name, v.ID)
		switch {
		case err != nil:
			return err
		case taken:
			return errNameTaken
		case refusal != nil:
			return refusal
		}
		return do(tx)
	}})
	switch {
	case errors.Is(err, store.ErrDuplicate):
		return errNameTaken
	case errors.Is(err, store.ErrNotFound):
		return errNotFound(v.ID)
	}
	return err
}

// insert stores a new style, within the limit of its owner.
func insert(tx *store.Tx, v *Style) error {
	n, err := tx.CountStyles(v.UserID)
	if err != nil {
		return err
	}
	if n >= maxPerUser {
		return horde.Errorf(horde.Forbidden, "You have %d styles, which is as many as an account can have.", n)
	}

	v.Created = tx.Now
	row, err := v.toRow()
	if err != nil {
		return err
	}
	return tx.InsertStyle(row, v.Tags, v.Models)
}
