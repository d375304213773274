package api

// Aesthetics is the body of POST /generate/rate/{id}: what a requester thinks of
// the images (generation §1.13).
type Aesthetics struct {
	Best    string            `json:"best,omitempty"` // id of the best image
	Ratings []AestheticRating `json:"ratings,omitempty"`
}

// AestheticRating is that of one image.
type AestheticRating struct {
	ID        string `json:"id"`
	Rating    int    `json:"rating"`              // 1 to 10
	Artifacts *int   `json:"artifacts,omitempty"` // 0 (flawless) to 5
}

// AestheticsSchema describes an Aesthetics.
var AestheticsSchema = object("AestheticsPayload",
	optional("best", sized(36, 36, "Id of the best image, where there are several.")),
	optional("ratings", list(object("AestheticRating",
		required("id", sized(36, 36, "Id of the image.")),
		required("rating", integer("1", "10", "How it looks.")),
		optional("artifacts", integer("0", "5", "How flawed it is: 0 not at all, 5 beyond use.")),
	))),
)
