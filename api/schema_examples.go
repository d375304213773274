package api

// body is a JSON object of an example.
type body = map[string]any

// examplePixel is an image of one colour, 64×64 pixels, as a PNG in base64.
const examplePixel = "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAT0lEQVR42u3PQQkAAAgEsMtjOAOZ1gi+" +
	"hcEKLNXzWgQEBAQEBAQEBAQEBAQEBAQEBAQE" +
	"BAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQELgs6SCEe5juB1QAAAABJRU5ErkJggg=="

// Bodies that can be sent as they are: people who try a call out begin with them.
func init() {
	for schema, example := range map[*Schema]body{
		ImageRequestSchema: {
			"prompt": "a lighthouse in a storm, oil on canvas ### people, text",
			"params": body{"width": 512, "height": 512, "steps": 20, "n": 1, "sampler_name": "k_euler_a", "cfg_scale": 7},
			"models": []any{},
			"r2":     true,
		},
		ImagePopSchema: {
			"name":         "my first dreamer",
			"models":       []any{"stable_diffusion"},
			"bridge_agent": exampleAgent,
			"max_pixels":   589824,
			"threads":      1,
		},
		ImageSubmitSchema: {"id": exampleID, "generation": "R2", "seed": 1234, "state": "ok"},
		TextRequestSchema: {
			"prompt": "The keeper climbed the stairs of the lighthouse and",
			"params": body{"max_length": 80, "max_context_length": 1024, "temperature": 0.8},
			"models": []any{},
		},
		TextPopSchema: {
			"name":               "my first scribe",
			"models":             []any{"koboldcpp/tiny"},
			"bridge_agent":       exampleAgent,
			"max_length":         512,
			"max_context_length": 2048,
		},
		TextSubmitSchema:     {"id": exampleID, "generation": " lit the lamp once more.", "state": "ok"},
		AlchemyRequestSchema: {"forms": []any{body{"name": "caption"}}, "source_image": examplePixel},
		AlchemyPopSchema: {
			"name":         "my first alchemist",
			"forms":        []any{"caption"},
			"bridge_agent": exampleAgent,
			"max_tiles":    16,
		},

		ImageStyleSchema: {
			"name":   "watercolour",
			"info":   "Soft colours on wet paper.",
			"prompt": "{p}, watercolour on paper{np}",
			"params": body{"steps": 25, "cfg_scale": 6},
			"models": []any{"stable_diffusion"},
			"tags":   []any{"painting"},
		},
		ImageStylePatchSchema: {"info": "Soft colours on wet paper, with white left."},
		TextStyleSchema: {
			"name":   "logbook",
			"info":   "Tells it as a ship's log.",
			"prompt": "Ship's log. {p}",
			"params": body{"temperature": 0.7},
			"models": []any{"koboldcpp/tiny"},
		},
		TextStylePatchSchema: {"info": "Tells it as a ship's log, briefly."},
		StyleExampleSchema:   {"url": "https://example.org/lighthouse.webp", "primary": true},
		CollectionSchema:     {"name": "seaside", "info": "Styles for the sea.", "styles": []any{"watercolour"}},
		CollectionPatchSchema: {
			"name":   "seaside",
			"info":   "Styles for sea and shore.",
			"styles": []any{"watercolour"},
		},

		ModifyUserSchema:   {"username": "maria"},
		ModifyWorkerSchema: {"maintenance": true, "maintenance_msg": "Back at eight."},
		SharedKeyInputSchema: {
			"name":             "for my class",
			"kudos":            500,
			"expiry":           30,
			"max_image_pixels": 1048576,
			"max_image_steps":  50,
			"max_text_tokens":  200,
		},
		AestheticsSchema: {"ratings": []any{body{"id": exampleID, "rating": 8, "artifacts": 0}}},
		CreateTeamSchema: {"name": "lamp keepers", "info": "We keep the light on."},
		ModifyTeamSchema: {"info": "We keep the light on, day and night."},
		NewMessageSchema: {"worker_id": exampleID, "message": "Your worker needs an update.", "expiry": 24},

		AddTimeoutIPSchema:     {"ipaddr": "203.0.113.7", "hours": 24},
		DeleteTimeoutIPSchema:  {"ipaddr": "203.0.113.7"},
		AddWorkerTimeoutSchema: {"days": 7},
		PutFilterSchema: {
			"regex":       "forbidd?en",
			"filter_type": 20,
			"description": "A word that nobody should say.",
		},
		PatchFilterSchema: {"description": "A word that few should say."},
		AdjustmentSchema:  {"username": "maria#42", "amount": 100, "reason": "Thanks for the report."},
		DocumentSchema:    {"markdown": "# Terms of use\n\nBe kind."},
		ProgressSchema:    {"step": 5, "steps": 20},

		FilterTestSchema: {"prompt": "a lighthouse in a storm"},
		AlchemySubmitSchema: {
			"id":     exampleID,
			"result": body{"caption": "a lighthouse in a storm"},
			"state":  "done",
		},
		KudosTransferSchema: {"username": "maria#42", "amount": 10},
		ModifyModesSchema:   {"raid_mode": false},
	} {
		schema.Example = example
	}
}
