package api

import "time"

// Bodies of /api/ext/v1, which is not part of the original's contract.

// Progress is the body of POST /api/ext/v1/jobs/{id}/progress: a worker's
// report from inside a job (header apikey: the worker owner's key). Preview, if
// given, is a small image (at most 64 KiB) in base64. Of a text generation steps are
// tokens, and Text is the text so far (at most MaxProgressText characters; of a longer
// one the end). Answer: 204; 410 with
// rc "AbortedGen" or "RequestExpired" when the job is no longer wanted, so that
// the worker can stop early.
type Progress struct {
	Step    int    `json:"step"`
	Steps   int    `json:"steps"`
	Preview string `json:"preview,omitempty"`
	Text    string `json:"text,omitempty"`
}

// MaxProgressText bounds Progress.Text, in characters.
const MaxProgressText = 16 << 10

// Event names of the two streams of server-sent events. A line ": keep-alive" comes
// at least every 10 s in both.
//
// GET /api/ext/v1/requests/{id}/events follows one image or text request.
// "status" carries a Check, first at once and then whenever it changes; "progress"
// a JobProgress; "end" an ImageStatus or a TextStatus, after which the stream is
// closed. It comes when no worker has a job of the request in hand any more. After a
// cancel, or once the request was given up, that may be later than "done".
//
// GET /api/ext/v1/events?ids=A,B follows at most MaxFollowed requests of all kinds
// in one stream. Every event names its request: "status" carries a RequestStatus
// (of alchemy an AlchemyRequestStatus), "progress" a RequestProgress, "end" an
// ImageRequestEnd, a TextRequestEnd or an AlchemyRequestStatus, and "gone" a
// RequestGone for what is not known or has expired. The stream is closed when each
// request has had its "end" or "gone".
const (
	EventStatus   = "status"
	EventProgress = "progress"
	EventEnd      = "end"
	EventGone     = "gone"
)

// MaxFollowed is how many requests one stream may follow.
const MaxFollowed = 100

// RequestRef names the request that an event is about.
type RequestRef struct {
	Request string `json:"request"`
	Type    string `json:"type"` // image, text or alchemy
}

// RequestStatus is the data of "status" in a stream of several requests.
type RequestStatus struct {
	RequestRef
	// Cancelled: nothing more is handed out. What Jobs lists is still delivered and
	// charged.
	Cancelled bool         `json:"cancelled"`
	Jobs      []RunningJob `json:"jobs"`      // those that workers have now
	Delivered []string     `json:"delivered"` // ids of the jobs whose results are there
	Check
}

// RunningJob is a job that a worker has in hand. A job that is missing in a later
// list was delivered or given back; another attempt has another id.
type RunningJob struct {
	Job        string `json:"job"`
	WorkerName string `json:"worker_name"`
}

// RequestProgress is the data of "progress" in a stream of several requests.
type RequestProgress struct {
	RequestRef
	JobProgress
}

// ImageRequestEnd is the data of "end" of an image request.
type ImageRequestEnd struct {
	RequestRef
	Cancelled bool `json:"cancelled"`
	ImageStatus
}

// TextRequestEnd is the data of "end" of a text request.
type TextRequestEnd struct {
	RequestRef
	Cancelled bool `json:"cancelled"`
	TextStatus
}

// AlchemyRequestStatus is the data of "status" and "end" of an alchemy request.
// Results of more than 64 KiB together are left out: a form that is done and shows none
// is read with the status of its request.
type AlchemyRequestStatus struct {
	RequestRef
	AlchemyStatus
}

// RequestGone is the data of "gone": the request is not known, or not any more.
type RequestGone struct {
	Request string `json:"request"`
	RC      string `json:"rc"`
	Message string `json:"message"`
}

// JobProgress is the progress of one job as the owner of the request sees it. A
// job that a worker gives back is over: the next worker's has another id and
// starts from the beginning.
type JobProgress struct {
	Job        string `json:"job"`
	WorkerName string `json:"worker_name"`
	Progress

	// Elapsed is the seconds from handing out the job to this step.
	Elapsed float64 `json:"elapsed,omitempty"`
	// StepSeconds is how long one step of this job takes; 0 while no step is done.
	StepSeconds float64 `json:"step_seconds,omitempty"`
}

// Left estimates the seconds that the job still takes from this step on. known is
// false while no step is done, or where an older server sends no times.
func (j JobProgress) Left() (seconds float64, known bool) {
	each := j.StepSeconds
	if each <= 0 && j.Step > 0 {
		each = j.Elapsed / float64(j.Step)
	}
	if each <= 0 || j.Step <= 0 {
		return 0, false
	}
	return each * float64(max(0, j.Steps-j.Step)), true
}

// ModelReference is a list of known models as the server keeps it: an element of
// the answer of GET /api/ext/v1/references.
type ModelReference struct {
	Kind    string     `json:"kind"` // image, image-extra or text
	Models  int        `json:"models"`
	Source  string     `json:"source"`            // file or URL, or BuiltInReference
	Fetched *time.Time `json:"fetched,omitempty"` // when the source last gave it
	Changed *time.Time `json:"changed,omitempty"` // when the source last gave another one
}

// BuiltInReference is the source of the list that comes with the server.
const BuiltInReference = "built-in"

// ImportedReference is the answer of PUT /api/ext/v1/references/{kind}, whose body
// is the reference in the public format.
type ImportedReference struct {
	Kind    string `json:"kind"`
	Models  int    `json:"models"`
	LeftOut int    `json:"left_out"` // entries that could not be read
	Changed bool   `json:"changed"`  // another document than the one before
}
