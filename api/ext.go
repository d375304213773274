package api

// Bodies of /api/ext/v1, which lies beside the original's contract.

// Progress is the body of POST /api/ext/v1/jobs/{id}/progress: a worker's
// report from inside a job (header apikey: the worker owner's key). Preview, if
// given, is a small picture (at most 64 KiB) in base64. Answer: 204; 410 with
// rc "AbortedGen" or "RequestExpired" when the job is no longer wanted, so that
// the worker can stop early.
type Progress struct {
	Step    int    `json:"step"`
	Steps   int    `json:"steps"`
	Preview string `json:"preview,omitempty"`
}

// Event names of GET /api/ext/v1/requests/{id}/events, a stream of server-sent
// events. "status" carries a Check, first at once and then whenever it changes;
// "progress" a JobProgress; "end" an ImageStatus, after which the stream is
// closed. A line ": keep-alive" comes at least every 15 s.
const (
	EventStatus   = "status"
	EventProgress = "progress"
	EventEnd      = "end"
)

// JobProgress is the progress of one job as the owner of the request sees it.
type JobProgress struct {
	Job        string `json:"job"`
	WorkerName string `json:"worker_name"`
	Progress
}
