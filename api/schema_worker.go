package api

// ModifyWorkerSchema describes a ModifyWorker (platform §3.4). The
// header apikey is looked for after the worker, so NeedsKey is not set.
var ModifyWorkerSchema = object("ModifyWorkerInput",
	optional("maintenance", toggle("The worker only gets requests of its owner.")),
	optional("maintenance_msg", text("What the worker is told in place of a job; with maintenance only.")),
	optional("paused", toggle("The worker gets no real requests of others. For moderators.")),
	optional("info", sized(0, 1000, "What others should know of the worker.")),
	optional("name", sized(5, 100, "Name of the worker.")),
	optional("team", sized(0, 36, "Id of the team that the worker works for; empty for none.")),
).open() // a call without effect is told what it named
