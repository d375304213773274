package use

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"horde/api"
	"horde/client"
	"horde/internal/cli/console"
)

// optionalTimeout bounds a call whose answer a command can do without, such as which
// models are served.
const optionalTimeout = 5 * time.Second

// modelsOf lists the models of a kind, image or text, that workers serve or requests
// name now; nil: the horde does not say.
func modelsOf(ctx context.Context, f console.HordeFlags, kind string) []api.ActiveModel {
	ctx, cancel := context.WithTimeout(ctx, optionalTimeout)
	defer cancel()
	models, err := client.New(f.Horde, f.APIKey, client.WithRetries(0)).Models(ctx, kind)
	if err != nil {
		return nil
	}

	if models == nil {
		models = []api.ActiveModel{}
	}
	return models
}

// servedModels are the names of those models that a worker serves.
func servedModels(models []api.ActiveModel) (names []string) {
	for _, m := range models {
		if m.Count > 0 {
			names = append(names, m.Name)
		}
	}
	return names
}

// unserved says that no worker serves any of the requested models (none: any will do);
// "" where one does or the horde does not say.
func unserved(models []api.ActiveModel, kind string, requested []string) string {
	served := servedModels(models)
	switch {
	case models == nil || slices.ContainsFunc(requested, func(m string) bool { return slices.Contains(served, m) }):
		return ""
	case len(requested) > 0:
		return fmt.Sprintf("no worker that is online now serves %s: a request would wait for one, for 20 minutes",
			console.Clean(strings.Join(requested, ", ")))
	case len(served) > 0:
		return ""
	}
	return noWorker(kind)
}

// noWorker says that no worker serves a kind of work, and what to do.
func noWorker(kind string) string {
	switch kind {
	case "text":
		return `no worker serves text models now. Horde's own worker ("horde work") generates images only: ` +
			`connect one for text, see docs/workers.md`
	case "alchemy":
		return `no alchemist is online now. Horde's own worker ("horde work") generates images only: ` +
			`connect one for alchemy, see docs/workers.md`
	}
	return `no worker serves image models now; "horde work" makes this machine one`
}

// unservedForms says which forms no alchemist that is online serves; "" where all are
// served or the horde does not say.
func unservedForms(ctx context.Context, f console.HordeFlags, forms []string) string {
	ctx, cancel := context.WithTimeout(ctx, optionalTimeout)
	defer cancel()
	workers, err := client.New(f.Horde, f.APIKey, client.WithRetries(0)).Workers(ctx, "interrogation")
	if err != nil {
		return ""
	}

	var served []string
	online := 0
	for _, w := range workers {
		if w.Type == "interrogation" && w.Online && !w.MaintenanceMode {
			online++
			served = append(served, w.Forms...)
		}
	}
	if online == 0 {
		return noWorker("alchemy")
	}

	missing := slices.DeleteFunc(slices.Clone(forms), func(form string) bool { return slices.Contains(served, form) })
	if len(missing) == 0 {
		return ""
	}
	return fmt.Sprintf("no alchemist that is online now serves %s", strings.Join(missing, ", "))
}
