package admission

import (
	"slices"
	"strings"
	"unicode/utf8"

	"horde/internal/horde"
)

// Common is what the queue keeps of a request of any kind.
type Common struct {
	Prompt string   `json:"prompt"`
	Models []string `json:"models"` // empty: any model
	N      int      `json:"n"`      // results

	TrustedWorkers  bool     `json:"trusted_workers,omitempty"`
	SlowWorkers     bool     `json:"slow_workers"`
	Workers         []string `json:"workers,omitempty"` // at most 5
	WorkerBlacklist bool     `json:"worker_blacklist,omitempty"`

	DryRun         bool   `json:"dry_run,omitempty"`
	AllowDowngrade bool   `json:"allow_downgrade,omitempty"`
	Webhook        string `json:"webhook,omitempty"`
	ProxiedAccount string `json:"proxied_account,omitempty"`
	ClientAgent    string `json:"client_agent,omitempty"`
}

// Targeted reports whether the request is for named workers only.
func (cm *Common) Targeted() bool { return len(cm.Workers) > 0 && !cm.WorkerBlacklist }

const maxWorkers = 5 // of a worker list are stored (generation §1.1)

// Bounds of a list of models.
const (
	maxModels    = 1000
	maxModelName = 255 // characters, as in a pop
)

// firstWorkers returns the workers that are stored, each once.
func firstWorkers(ids []string) (first []string) {
	for _, id := range ids[:min(len(ids), maxWorkers)] {
		id = horde.PlainID(id)
		if !slices.Contains(first, id) {
			first = append(first, id)
		}
	}
	return first
}

// anyNUL reports whether one of the texts holds a NUL character, which no store
// keeps.
func anyNUL(texts ...string) bool {
	return slices.ContainsFunc(texts, func(s string) bool { return strings.IndexByte(s, 0) >= 0 })
}

func (cm *Common) hasNUL() bool {
	return anyNUL(cm.Prompt, cm.Webhook, cm.ProxiedAccount, cm.ClientAgent) || anyNUL(cm.Models...) ||
		anyNUL(cm.Workers...)
}

// entrance is what the first rows of generation §1.4 consider: they are the same for every
// kind of request.
type entrance struct {
	prompt, webhook, proxied string
	models                   []string
	extraSources             int
	n                        int
	alone                    bool  // without batching, as asked
	style, foreign           Style // foreign: the kind of style that does not fit
	caller                   Caller
	server                   Server
}

// entranceChecks are the rows of generation §1.4 up to 18.
var entranceChecks = []check[*entrance]{
	{3, horde.StyleNotFound, func(e *entrance) bool { return e.style == UnknownStyle },
		"There is no style or collection of this name or id. Look it up in GET /api/v2/styles/image or /styles/text."},
	{4, horde.BadRequest, func(e *entrance) bool { return e.style != NoStyle && e.style == e.foreign },
		"Text styles cannot be used on image requests, nor image styles on text requests. Name a style of the other kind."},
	{5, horde.MaintenanceMode, func(e *entrance) bool { return e.server.Maintenance },
		"The horde is in maintenance mode and takes no new requests. Please try again later."},
	{6, horde.BadRequest, func(e *entrance) bool { return e.webhook != "" && !strings.HasPrefix(e.webhook, "https://") },
		"webhook must be an address that begins with https://."},
	{11, horde.OnlyServiceAccountProxy, func(e *entrance) bool { return e.proxied != "" && !e.caller.Service },
		"proxied_account is only for service accounts. Leave it out."},
	{12, horde.DeletedUser, func(e *entrance) bool { return e.caller.Deleted },
		"This account is scheduled for deletion and cannot be used."},
	{13, horde.TooManyExtraSourceImagesWithStop, func(e *entrance) bool { return e.extraSources > maxExtraSources },
		"A request can have at most 5 extra source images."},
	{14, horde.MoreThanMinExtraSourceImageWithStop, func(e *entrance) bool {
		return e.extraSources > 1 && !e.caller.Vouched()
	},
		"More than 1 extra source image is for trusted users and patrons only."},
	// Where the original does the caller a favour, a bound of ours: more models
	// than exist, or longer names than workers can offer (generation §1.14), cannot be meant.
	{15, horde.BadRequest, func(e *entrance) bool {
		return len(e.models) > maxModels ||
			slices.ContainsFunc(e.models, func(m string) bool { return utf8.RuneCountInString(m) > maxModelName })
	}, "A request can name at most 1000 models, with names of at most 255 characters. Name none to take any model."},
	{16, horde.MissingPrompt, func(e *entrance) bool { return e.prompt == "" },
		"The prompt is empty. Say what is wanted."},
	{18, horde.RequiresTrust, func(e *entrance) bool { return e.n > 1 && e.alone && !e.caller.Vouched() },
		"disable_batching with more than 1 result is for trusted users and patrons only."},
}
