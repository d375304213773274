package api

// CreateTeamSchema describes a TeamInput that makes a team, ModifyTeamSchema one
// that changes it (platform §3.6).
var (
	CreateTeamSchema = keyed(object("CreateTeamInput",
		required("name", sized(3, 100, "Name of the team; no other has it, in whatever case.")),
		optional("info", sized(3, 1000, "What others should know of the team.")),
	))
	ModifyTeamSchema = object("ModifyTeamInput",
		optional("name", sized(3, 100, "Name of the team; no other has it, in whatever case.")),
		optional("info", sized(3, 1000, "What others should know of the team.")),
	)
)
