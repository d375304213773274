package use

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"horde/api"
	"horde/engine/pocket/loras"
	"horde/internal/cli/console"
)

// Bounds of what a request can ask of LoRAs (generation §1.2).
const (
	maxLoras        = 5
	maxLoraName     = 255 // characters
	maxLoraStrength = 5
)

// parseLoras reads NAME or NAME:STRENGTH, with which the model and the text encoder
// are changed alike. The trigger words of a built-in LoRA are put into the prompt.
func parseLoras(flags []string) ([]api.Lora, error) {
	if len(flags) > maxLoras {
		return nil, console.UsageError("--lora: at most %d LoRAs can be used at once", maxLoras)
	}

	var list []api.Lora
	for _, flag := range flags {
		name, strength := flag, 1.0
		if at := strings.LastIndexByte(flag, ':'); at >= 0 {
			v, err := strconv.ParseFloat(flag[at+1:], 64)
			if err != nil || !(v >= -maxLoraStrength && v <= maxLoraStrength) {
				return nil, console.UsageError("--lora %s: the strength must be a number from %d to %d",
					flag, -maxLoraStrength, maxLoraStrength)
			}
			name, strength = flag[:at], v
		}
		if name = strings.TrimSpace(name); name == "" || utf8.RuneCountInString(name) > maxLoraName {
			return nil, console.UsageError("--lora %s: name a LoRA, such as night:0.8", flag)
		}

		l := api.Lora{Name: name, Model: &strength, Clip: &strength}
		if slices.ContainsFunc(loras.BuiltIn(), func(i loras.Info) bool { return i.Name == name }) {
			l.InjectTrigger = "any"
		}
		list = append(list, l)
	}
	return list, nil
}
