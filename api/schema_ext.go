package api

// AdjustmentSchema describes the body of POST /api/ext/v1/kudos/adjust.
var AdjustmentSchema = func() *Schema {
	s := object("Adjustment",
		required("username", sized(1, 100, "Whose kudos: name#id or id.")),
		required("amount", integer("-1000000000000", "1000000000000", "Whole kudos to give or, below 0, to take.")),
		required("reason", sized(1, 500, "Why. The user reads it.")),
	)
	s.NeedsKey = true
	return s
}()

// DocumentSchema describes a DocumentInput.
var DocumentSchema = keyed(object("DocumentInput",
	optional("html", sized(1, 65536, "The document in HTML; scripts, styles and frames are removed.")),
	optional("markdown", sized(1, 65536, "The document in Markdown.")),
))

// ProgressSchema describes a Progress report.
var ProgressSchema = func() *Schema {
	s := object("Progress",
		required("step", integer("0", "10000", "Step that was finished last.")),
		required("steps", integer("1", "10000", "Steps of the whole job.")),
		optional("preview", sized(0, 90000, "Small JPEG, PNG or WebP in base64, at most 64 KiB.")),
		optional("text", sized(0, MaxProgressText, "Text so far, of a text generation.")),
	)
	s.NeedsKey = true
	return s
}()
