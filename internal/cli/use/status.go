package use

import (
	"errors"
	"fmt"
	"io"
	"sort"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"horde/api"
	"horde/client"
	"horde/internal/cli/console"
)

// StatusCmd shows a horde's state.
type StatusCmd struct {
	console.HordeFlags
	JSON bool `help:"Print JSON."`
}

// Help shows examples.
func (StatusCmd) Help() string {
	return "Examples:\n  horde status\n  horde status --horde https://aihorde.net --json"
}

// hordeStatus is what --json prints.
type hordeStatus struct {
	Heartbeat   *api.Heartbeat   `json:"heartbeat"`
	Performance *api.Performance `json:"performance"`
	PriceNet    *api.PriceNet    `json:"price_net,omitempty"` // of our own servers alone
}

// Run prints.
func (c *StatusCmd) Run(con *console.Console) error {
	h := client.New(c.Horde, c.APIKey, client.WithRetries(0))

	var s hordeStatus
	g, ctx := errgroup.WithContext(con.Ctx)
	g.Go(func() (err error) { s.Heartbeat, err = h.Heartbeat(ctx); return err })
	g.Go(func() (err error) { s.Performance, err = h.Performance(ctx); return err })
	g.Go(func() error {
		s.PriceNet, _ = h.PriceNet(ctx) // other hordes have no such route
		return nil
	})
	if err := g.Wait(); err != nil {
		return err
	}

	if err := c.print(con, h.URL(), s); err != nil {
		return err
	}

	if s.Heartbeat.Message == "DOWN" {
		return errors.New("the horde answers, but it is down: its database does not answer. See the server's log")
	}
	return nil
}

func (c *StatusCmd) print(con *console.Console, url string, s hordeStatus) error {
	if c.JSON {
		return console.PrintJSON(con.Stdout, s)
	}
	p := s.Performance
	rows := [][]string{
		{"horde", url},
		{"state", s.Heartbeat.Message},
		{"version", s.Heartbeat.Version},
		{"image workers", fmt.Sprintf("%d (%d threads)", p.WorkerCount, p.ThreadCount)},
		{"text workers", fmt.Sprintf("%d (%d threads)", p.TextWorkerCount, p.TextThreadCount)},
		{"alchemists", fmt.Sprintf("%d (%d threads)", p.InterrogatorCount, p.InterrogatorThreadCount)},
		{"image queue", fmt.Sprintf("%d requests, %.2f megapixelsteps", p.QueuedRequests, float64(p.QueuedMegapixelsteps))},
		{"text queue", fmt.Sprintf("%d requests, %.0f tokens", p.QueuedTextRequests, float64(p.QueuedTokens))},
		{"alchemy queue", fmt.Sprintf("%.0f forms", float64(p.QueuedForms))},
		{"past minute", fmt.Sprintf("%.2f megapixelsteps, %.0f tokens",
			float64(p.PastMinuteMegapixelsteps), float64(p.PastMinuteTokens))},
	}

	if n := s.PriceNet; n != nil {
		text := console.Clean(n.Name)
		if n.Accuracy > 0 {
			text += fmt.Sprintf(" (accuracy %.4f)", float64(n.Accuracy))
		}
		rows = append(rows, []string{"price network", text})
	}
	return console.Table(con.Stdout, rows)
}

// unknownWait is the ETA that the horde reports for a model that has requests and has
// delivered nothing yet (platform §3.9).
const unknownWait = 10000 // seconds

// ModelsCmd lists what is served.
type ModelsCmd struct {
	console.HordeFlags
	Type string `default:"image" enum:"image,text" help:"image or text."`
	JSON bool   `help:"Print JSON: the answer of the horde, whose eta is in seconds, and wait_seconds, which is null where there is no worker or the time is not known."`
}

// Help shows examples.
func (ModelsCmd) Help() string {
	return "Examples:\n  horde models\n  horde models --type text --json"
}

// modelJSON is a line of --json: what the horde answers, and how long a request
// waits.
type modelJSON struct {
	api.ActiveModel
	WaitSeconds *int `json:"wait_seconds"` // nil: no worker, or not known
}

// Run prints.
func (c *ModelsCmd) Run(con *console.Console) error {
	models, err := client.New(c.Horde, c.APIKey, client.WithRetries(0)).Models(con.Ctx, c.Type)
	if err != nil {
		return err
	}

	sort.SliceStable(models, func(i, k int) bool {
		if models[i].Count != models[k].Count {
			return models[i].Count > models[k].Count
		}
		return models[i].Name < models[k].Name
	})

	if len(servedModels(models)) == 0 {
		fmt.Fprintln(con.Stderr, noWorker(c.Type))
	}
	if c.JSON {
		return printModels(con.Stdout, models)
	}
	if len(models) == 0 {
		return nil
	}

	rows := [][]string{{"MODEL", "THREADS", "QUEUED JOBS", "WAIT"}}
	for _, m := range models {
		wait := (time.Duration(m.ETA) * time.Second).String()
		switch {
		case m.Count == 0:
			wait = "no worker"
		case m.ETA >= unknownWait:
			wait = "unknown"
		}
		rows = append(rows, []string{
			console.Clean(m.Name),
			fmt.Sprint(m.Count),
			fmt.Sprintf("%.0f", float64(m.Jobs)),
			wait,
		})
	}
	return console.Table(con.Stdout, rows)
}

// printModels prints models as JSON.
func printModels(w io.Writer, models []api.ActiveModel) error {
	list := make([]modelJSON, len(models))
	for i, m := range models {
		list[i].ActiveModel = m
		if m.Count > 0 && m.ETA < unknownWait {
			list[i].WaitSeconds = &m.ETA
		}
	}
	return console.PrintJSON(w, list)
}

// WhoamiCmd shows an account.
type WhoamiCmd struct {
	console.HordeFlags
	JSON bool `help:"Print JSON: the answer of the horde, and account_age_seconds."`
}

// Help shows examples.
func (WhoamiCmd) Help() string {
	return "Examples:\n  horde whoami --apikey KEY\n  HORDE_APIKEY=KEY horde whoami --json"
}

var errUnknownKey = errors.New("the horde knows no user of this API key: check --apikey or HORDE_APIKEY")

// userJSON is what --json prints.
type userJSON struct {
	*api.UserDetails
	AccountAgeSeconds int `json:"account_age_seconds"`
}

// Run prints.
func (c *WhoamiCmd) Run(con *console.Console) error {
	u, err := client.New(c.Horde, c.APIKey, client.WithRetries(0)).FindUser(con.Ctx)
	if refused := (*api.Error)(nil); errors.As(err, &refused) && refused.RC == "UserNotFound" {
		return errUnknownKey
	}
	if err != nil {
		return err
	}

	if c.JSON {
		return console.PrintJSON(con.Stdout, userJSON{u, u.AccountAge})
	}
	var roles []string
	for _, r := range []struct {
		has  bool
		name string
	}{
		{u.Moderator, "moderator"},
		{u.Trusted, "trusted"},
		{u.Service, "service"},
		{u.Education, "education"},
		{u.Customizer, "customizer"},
		{u.Flagged, "flagged"},
	} {
		if r.has {
			roles = append(roles, r.name)
		}
	}

	if len(roles) == 0 {
		roles = []string{"-"}
	}
	return console.Table(con.Stdout, [][]string{
		{"user", console.Clean(u.Username)},
		{"kudos", fmt.Sprintf("%.2f", float64(u.Kudos))},
		{"roles", strings.Join(roles, ", ")},
		{"workers", fmt.Sprint(u.WorkerCount)},
		// Hordes count each charge: for accepting a request, and for each image of it.
		{"image charges", fmt.Sprintf("%d (requests accepted, and images delivered)", u.Records.Request.Image)},
		{"images generated", fmt.Sprint(u.Records.Fulfillment.Image)},
		{"account age", (time.Duration(u.AccountAge) * time.Second).String()},
	})
}
