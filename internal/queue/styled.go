package queue

import (
	"context"
	"errors"

	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/style"
)

// choose finds the style that a request of a kind names and says what became of it;
// nil when it names none or there is none.
func (q *Queue) choose(ctx context.Context, kind horde.Kind, ref string) (*style.Chosen, admission.Style, error) {
	if ref == "" {
		return nil, admission.NoStyle, nil
	}

	c, err := q.Styles.Choose(ctx, kind, ref)
	switch {
	case horde.CodeOf(err) == horde.StyleNotFound:
		return nil, admission.UnknownStyle, nil
	case err != nil:
		return nil, admission.NoStyle, err
	case c.Style.Kind == horde.KindText:
		return c, admission.TextStyle, nil
	}
	return c, admission.ImageStyle, nil
}

// styled finds the style that an image request names and merges it into the
// request. Rows 3 and 4 of generation §1.4 look at what became of it.
func (q *Queue) styled(ctx context.Context, r *admission.Request) (*terms, error) {
	t := &terms{downgrade: r.Asked.AllowDowngrade != nil && *r.Asked.AllowDowngrade}
	var err error
	t.style, r.Style, err = q.choose(ctx, horde.KindImage, r.Asked.Style)
	if err == nil && r.Style == admission.ImageStyle {
		r.Asked, r.RawParams, err = t.style.Image(r.Asked)
	}
	if errors.Is(err, style.ErrPromptTooLong) { // row 30
		r.PromptTooLong, err = true, nil
	}
	return t, err
}

// styledText is styled for a text request.
func (q *Queue) styledText(ctx context.Context, r *admission.TextRequest) (*terms, error) {
	t := &terms{downgrade: r.Asked.AllowDowngrade != nil && *r.Asked.AllowDowngrade}
	var err error
	if t.style, r.Style, err = q.choose(ctx, horde.KindText, r.Asked.Style); err == nil && r.Style == admission.TextStyle {
		r.Asked, err = t.style.Text(r.Asked)
	}
	if errors.Is(err, style.ErrPromptTooLong) {
		r.PromptTooLong, err = true, nil
	}
	return t, err
}
