package fleet

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/bridge"
	"horde/internal/horde"
)

// Details describes a worker as someone with this privilege sees it (platform §4.2).
// Owners see what everybody sees.
func (f *Fleet) Details(w *Worker, p account.Privilege) api.WorkerDetails {
	d := api.WorkerDetails{
		RequestsFulfilled: int(w.Totals.Fulfilments),
		KudosRewards:      api.Float(w.Totals.Kudos.Float()),
		Performance:       w.performance(),
		Threads:           w.Settings.Threads,
		Uptime:            w.Totals.Uptime,
		MaintenanceMode:   w.Maintenance,
		NSFW:              w.Settings.NSFW,
		UncompletedJobs:   int(w.Totals.Uncompleted),
		BridgeAgent:       w.Settings.BridgeAgent,
		Type:              string(w.Kind),
		Name:              w.Name,
		ID:                w.ID,
		Online:            w.Online(horde.MicrosOf(f.Clock())),
		Team:              f.teamOf(w),
	}
	if w.Info != "" {
		d.Info = &w.Info
	}
	if k := w.Totals.Generated; k != 0 {
		v := api.Float(k.Float())
		d.KudosDetails.Generated = &v
	}
	if k := w.Totals.UptimeKudos; k != 0 {
		v := int64(k.Float())
		d.KudosDetails.Uptime = &v
	}

	switch w.Kind {
	case horde.KindImage:
		imageDetails(w, &d)
	case horde.KindText:
		d.MaxLength, d.MaxContextLength = &w.Settings.MaxLength, &w.Settings.MaxContextLength
	case horde.KindAlchemy:
		d.Forms = append([]string{}, w.Settings.Forms...)
	}
	if w.Kind != horde.KindAlchemy {
		d.Models = append([]string{}, w.Settings.Models...)
	}

	f.ownerDetails(w, &d, p)
	if p >= account.Oversight {
		suspicions := len(w.Totals.Suspicions)
		d.Paused, d.IPAddr, d.Suspicious = &w.Paused, &w.Addr, &suspicions
	}
	return d
}

// imageDetails adds what only image workers have.
func imageDetails(w *Worker, d *api.WorkerDetails) {
	s := &w.Settings
	done := api.Float(math.Round(float64(w.Totals.WorkUnits) / 1e6)) // clients read a whole number
	img2img, painting := s.AllowImg2Img && w.Agent.Has(bridge.Img2Img), s.AllowPainting && w.Agent.Has(bridge.Inpainting)
	d.MaxPixels, d.MegapixelstepsDone = &s.MaxPixels, &done
	d.Img2Img, d.Painting = &img2img, &painting
	d.PostProcessing, d.Lora = &s.AllowPostProcessing, &s.AllowLora
	d.Controlnet, d.SDXLControlnet = &s.AllowControlnet, &s.AllowSDXLControlnet
}

// ownerDetails adds what depends on the owner.
func (f *Fleet) ownerDetails(w *Worker, d *api.WorkerDetails, p account.Privilege) {
	o := w.Owner
	if o == nil {
		return
	}
	d.Trusted, d.Flagged = o.Is(account.Trusted), o.Is(account.Flagged)
	if p >= account.Oversight || o.PublicWorkers {
		alias := o.Alias()
		d.Owner, d.Messages = &alias, f.addressedTo(w)
	}
	if p >= account.Oversight && o.Contact != "" {
		d.Contact = &o.Contact
	}
}

// performance returns the worker's speed in words.
func (w *Worker) performance() string {
	switch {
	case w.Kind == horde.KindImage:
		return fmt.Sprintf("%.1f megapixelsteps per second", w.Speed()/1e6)
	case w.Kind == horde.KindText:
		return fmt.Sprintf("%.1f tokens per second", w.Speed())
	case len(w.Totals.Speeds) == 0:
		return "No requests fulfilled yet"
	}
	return fmt.Sprintf("%.1f seconds per form", w.Speed())
}

// Listing says which workers List returns. The zero Listing means all.
type Listing struct {
	Kind horde.Kind // image, text, interrogation; no worker has any other
	Name string     // case-insensitive; with a name the kind does not count
}

// List returns the workers seen within the last 300 s, the oldest first.
func (f *Fleet) List(l Listing) []*Worker {
	now := horde.MicrosOf(f.Clock())
	list := []*Worker{}

	f.mu.RLock()
	for _, w := range f.byID {
		wanted := l.Kind == "" || l.Kind == w.Kind
		if l.Name != "" {
			wanted = strings.EqualFold(l.Name, w.Name)
		}
		if wanted && w.Online(now) {
			list = append(list, w)
		}
	}
	f.mu.RUnlock()

	slices.SortFunc(list, oldest)
	return list
}

// oldest orders workers by their creation.
func oldest(a, b *Worker) int {
	return cmp.Or(cmp.Compare(a.Created, b.Created), strings.Compare(a.ID, b.ID))
}
