package ext

import (
	"context"
	"net/http"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/queue"
	"horde/internal/server"
	"horde/internal/server/domain"
	"horde/internal/server/pyjson"
)

// priceRoutes declares what a request would cost.
func (a *API) priceRoutes() []server.Route {
	kind := &api.Schema{
		Type:        api.String,
		Enum:        []string{imageKind, textKind},
		Description: "What the body asks for; default: told by its fields.",
	}
	return []server.Route{
		server.Post("/api/ext/v1/kudos/price", a.postPrice).Limit(server.RequestRates).ShedFirst().
			About("See what a request would cost, line by line", server.Agent).
			Query(server.Param{Name: "type", Schema: kind}).
			Body(api.ImageRequestSchema).Answer(api.Price{}),
		server.Get("/api/ext/v1/kudos/net", a.getPriceNet).
			About("See which network prices images").Answer(api.PriceNet{}),
	}
}

// postPrice prices the body of POST generate/async or generate/text/async.
func (a *API) postPrice(w http.ResponseWriter, r *http.Request) error {
	body, kind, err := a.readPriced(w, r)
	if err != nil {
		return err
	}

	var p *api.Price
	if kind == textKind {
		p, err = a.textPrice(r, body)
	} else {
		p, err = a.imagePrice(r, body)
	}
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, p)
}

// imagePrice prices a request for images.
func (a *API) imagePrice(r *http.Request, body any) (*api.Price, error) {
	in, raw, err := server.Fill[api.ImageRequest](r, body, api.ImageRequestSchema)
	if err != nil {
		return nil, err
	}
	params, err := pyjson.Marshal(raw["params"])
	if err != nil {
		return nil, err
	}
	return a.Queue.Price(r.Context(), queue.ImageRequest{Body: in, RawParams: params, From: domain.From(r)})
}

// textPrice prices a request for text generation.
func (a *API) textPrice(r *http.Request, body any) (*api.Price, error) {
	in, _, err := server.Fill[api.TextRequest](r, body, api.TextRequestSchema)
	if err != nil {
		return nil, err
	}
	return a.Queue.PriceText(r.Context(), queue.TextRequest{Body: in, From: domain.From(r)})
}

// What a body asks for, as the query says it.
const (
	imageKind = "image"
	textKind  = "text"
)

// readPriced reads a body whose kind the query says or, where it does not, the body
// does.
func (a *API) readPriced(w http.ResponseWriter, r *http.Request) (body any, kind string, err error) {
	kind = r.URL.Query().Get("type")
	size := api.ImageRequestSchema.Size()
	switch kind {
	case textKind:
		size = api.TextRequestSchema.Size()
	case "", imageKind:
	default:
		return nil, "", server.InvalidField("type", "must be image or text")
	}

	if body, err = server.ReadValue(w, r, size); err == nil && kind == "" {
		kind = a.kindOfBody(r.Context(), body)
	}
	return body, kind, err
}

// kindOfBody tells a request for text generation from one for images by the fields that
// only one of them has, else by the first model or the style. A body that says nothing
// of these is one for images.
func (a *API) kindOfBody(ctx context.Context, body any) string {
	fields, _ := body.(map[string]any)
	params, _ := fields["params"].(map[string]any)
	image, text := api.ImageRequestSchema, api.TextRequestSchema
	imageParams, textParams := image.Property("params"), text.Property("params")

	texts := countOwn(fields, text, image) + countOwn(params, textParams, imageParams)
	images := countOwn(fields, image, text) + countOwn(params, imageParams, textParams)
	switch {
	case texts > images:
		return textKind
	case images > texts:
		return imageKind
	case isTextModel(fields["models"], a.Catalog.Snapshot()), a.isTextStyle(ctx, fields["style"]):
		return textKind
	}
	return imageKind
}

// isTextModel reports whether the first of a list of models is known for text
// generation alone.
func isTextModel(models any, known *catalog.Snapshot) bool {
	list, _ := models.([]any)
	if len(list) == 0 {
		return false
	}
	name, _ := list[0].(string)
	return known.KnownText(name) && !known.KnownImage(name)
}

// maxStyleName is the longest name of a style that is looked for.
const maxStyleName = 1024 // bytes

// isTextStyle reports whether a style for text generation is named.
func (a *API) isTextStyle(ctx context.Context, name any) bool {
	ref, _ := name.(string)
	if ref == "" || len(ref) > maxStyleName {
		return false
	}
	c, err := a.Styles.Choose(ctx, horde.KindImage, ref)
	return err == nil && c.Style.Kind == horde.KindText
}

// countOwn counts the fields that one schema has and another has not.
func countOwn(fields map[string]any, one, other *api.Schema) (n int) {
	for name := range fields {
		if one.Property(name) != nil && other.Property(name) == nil {
			n++
		}
	}
	return n
}

// getPriceNet says which network prices images.
func (a *API) getPriceNet(w http.ResponseWriter, r *http.Request) error {
	return server.Reply(w, r, http.StatusOK, a.Queue.PriceNet())
}
