package fleet

import (
	"maps"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/bridge"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/moderation"
)

// Limits of what a pop declares; the rest is cut off.
const (
	maxImageModels   = 300
	maxTextModels    = 200
	maxBlacklist     = 200
	maxBlackWord     = 15 // characters
	maxSoftprompts   = 200
	maxSoftprompt    = 100 // characters
	maxPriorityUsers = 1000
)

// noModels begins the refusal of a pop without a model. Workers match it.
const noModels = "Unfortunately we cannot accept workers serving unrecognised models at this time."

func foreignModel(name string) error {
	return horde.Errorf(horde.BadRequest, "The model %q belongs to another user.", clip(name, 100))
}

// agentOf returns a bridge agent as it is stored.
func agentOf(text string) string {
	if text = moderation.Sanitize(text); text != "" {
		return text
	}
	return "unknown:0:unknown"
}

// imageSettings reads a pop with the effective defaults of generation §1.14.
func (f *Fleet) imageSettings(owner *account.User, pop api.ImagePop) (Settings, error) {
	s := Settings{
		BridgeAgent:         agentOf(pop.BridgeAgent),
		Threads:             valueOr(pop.Threads, 1),
		NSFW:                valueOr(pop.NSFW, true),
		RequireUpfrontKudos: valueOr(pop.RequireUpfrontKudos, false),
		MaxPixels:           valueOr(pop.MaxPixels, 262144),
		AllowImg2Img:        valueOr(pop.AllowImg2Img, true),
		AllowPainting:       valueOr(pop.AllowPainting, true),
		AllowUnsafeIP:       valueOr(pop.AllowUnsafeIPAddr, true),
		AllowPostProcessing: valueOr(pop.AllowPostProcessing, true),
		AllowControlnet:     valueOr(pop.AllowControlnet, false),
		AllowSDXLControlnet: valueOr(pop.AllowSDXLControlnet, false),
		AllowLora:           valueOr(pop.AllowLora, false),
		LimitMaxSteps:       valueOr(pop.LimitMaxSteps, false),
		ExtraSlow:           valueOr(pop.ExtraSlowWorker, false),
	}
	for _, word := range pop.Blacklist[:min(len(pop.Blacklist), maxBlacklist)] {
		s.Blacklist = append(s.Blacklist, strings.ToLower(clip(moderation.Sanitize(word), maxBlackWord)))
	}

	var err error
	s.Models, err = f.acceptModels(owner, pop.Models)
	return s, err
}

// acceptModels keeps the models that this owner may serve (generation §1.14 "Model list").
func (f *Fleet) acceptModels(owner *account.User, names []string) ([]string, error) {
	known := f.Catalog.Snapshot()
	set := map[string]struct{}{}
	for _, name := range names[:min(len(names), maxImageModels)] {
		_, alias, special := strings.Cut(name, "::")
		switch {
		case special && owner.Is(account.Special):
			if alias != owner.Alias() {
				return nil, foreignModel(name)
			}
			set[name] = struct{}{}
		case known.KnownImage(name), owner.Is(account.Customizer):
			set[name] = struct{}{}
		}
	}

	if len(set) == 0 {
		return nil, horde.Errorf(horde.BadRequest,
			"%s Offer at least one model of this horde's reference, or ask the moderators for the customizer role.", noModels)
	}
	return slices.Sorted(maps.Keys(set)), nil
}

// textSettings reads a text pop with the effective defaults of generation §2.7. What text
// generation ignores is not stored.
func textSettings(owner *account.User, pop api.TextPop) (Settings, error) {
	s := Settings{
		BridgeAgent:      agentOf(pop.BridgeAgent),
		Threads:          valueOr(pop.Threads, 1),
		NSFW:             valueOr(pop.NSFW, true),
		AllowUnsafeIP:    true,
		MaxLength:        valueOr(pop.MaxLength, 512),
		MaxContextLength: valueOr(pop.MaxContextLength, 2048),
	}
	for _, name := range pop.Softprompts[:min(len(pop.Softprompts), maxSoftprompts)] {
		s.Softprompts = append(s.Softprompts, clip(moderation.Sanitize(name), maxSoftprompt))
	}

	seen := map[string]bool{}
	for _, name := range pop.Models[:min(len(pop.Models), maxTextModels)] {
		if _, alias, special := strings.Cut(name, "::"); special && alias != owner.Alias() {
			return s, foreignModel(name)
		}
		if !seen[name] {
			seen[name] = true
			s.Models = append(s.Models, name)
		}
	}

	if len(s.Models) == 0 {
		return s, horde.Errorf(horde.BadRequest, "%s Name the model that the worker serves.", noModels)
	}
	return s, nil
}

// priorityUsers returns the ids of the users that a worker serves first.
func priorityUsers(names []string) (ids []horde.UserID, err error) {
	for _, name := range names[:min(len(names), maxPriorityUsers)] {
		id, ok := account.IDOfAlias(name)
		if !ok {
			return nil, horde.Errorf(horde.InvalidPriorityUsername,
				"The priority username %q does not end with a user number.", clip(name, 60))
		}
		ids = append(ids, id)
	}
	return ids, nil
}

// uptimeReward returns what ten minutes of a worker with these settings are worth
// (generation §6.8).
func (f *Fleet) uptimeReward(kind horde.Kind, s Settings) horde.Kudos {
	switch kind {
	case horde.KindText:
		size := f.Catalog.Snapshot().TextSize(s.Models[0])
		return kudos.TextOffer{
			MaxContext: s.MaxContextLength,
			Billions:   size,
			Validated:  bridge.Parse(s.BridgeAgent).Validated(),
		}.Uptime()
	case horde.KindAlchemy:
		return kudos.FormUptime()
	}
	return kudos.ImageOffer{Models: len(s.Models), Loras: s.AllowLora}.Uptime()
}
