package api

// ImageTotals is the answer of GET /stats/img/totals (platform §3.10).
type ImageTotals struct {
	Minute ImagesMade `json:"minute"`
	Hour   ImagesMade `json:"hour"`
	Day    ImagesMade `json:"day"`
	Month  ImagesMade `json:"month"` // 30 days
	Total  ImagesMade `json:"total"`
}

// ImagesMade is a number of images and what they took.
type ImagesMade struct {
	Images     int64 `json:"images"`
	Pixelsteps int64 `json:"ps"` // width × height × steps, summed up
}

// TextTotals is the answer of GET /stats/text/totals.
type TextTotals struct {
	Minute TextsMade `json:"minute"`
	Hour   TextsMade `json:"hour"`
	Day    TextsMade `json:"day"`
	Month  TextsMade `json:"month"` // 30 days
	Total  TextsMade `json:"total"`
}

// TextsMade is a number of text generations and how many tokens they could have.
type TextsMade struct {
	Requests int64 `json:"requests"`
	Tokens   int64 `json:"tokens"` // max_length, summed up
}

// ModelTotals counts jobs by model.
type ModelTotals struct {
	Day   ModelJobs `json:"day"`
	Month ModelJobs `json:"month"` // 30 days
	Total ModelJobs `json:"total"`
}

// ModelJobs is a number of jobs for each model by its name; models without any are
// left out.
type ModelJobs map[string]int64

// ImageModelTotals is the answer of GET /stats/img/models, TextModelTotals that of
// GET /stats/text/models.
type (
	ImageModelTotals ModelTotals
	TextModelTotals  ModelTotals
)
