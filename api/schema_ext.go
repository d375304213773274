package api

// ProgressSchema describes a Progress report.
var ProgressSchema = func() *Schema {
	s := object("Progress",
		required("step", integer("0", "10000", "Step that was finished last.")),
		required("steps", integer("1", "10000", "Steps of the whole job.")),
		optional("preview", sized(0, 90000, "Small picture in base64, at most 64 KiB.")),
	)
	s.NeedsKey = true
	return s
}()
