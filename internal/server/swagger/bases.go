package swagger

import (
	"maps"
	"slices"
	"strings"
)

// bases are definitions that the contract's document has only for others to include:
// all members of another definition but some. Each is made from what is above it.
var bases = []struct{ name, of, without string }{
	{"ModelPayloadRootStable", "ModelGenerationInputStable", "steps n"},
	{
		"ModelPayloadStyleStable", "ModelPayloadRootStable",
		"seed seed_variation control_type image_is_control return_control_map extra_texts",
	},
	{"ModelPayloadRootKobold", "ModelGenerationInputKobold", ""},
	{"ModelPayloadStyleKobold", "ModelPayloadRootKobold", "n max_context_length max_length"},
	{"ModelStyleInputParamsStableNoDefaults", "ModelStyleInputParamsStable", "steps"},
	{"Generation", "GenerationStable", "img seed id censored gen_metadata"},
	{"PopInput", "PopInputKobold", "max_length max_context_length softprompts"},
	{"SubmitInput", "SubmitInputKobold", "gen_metadata"},
	{"NoValidRequestFound", "NoValidRequestFoundKobold", "max_context_length max_length matching_softprompt"},
}

// including are definitions that include another one and list only what they have
// beyond it, in the contract's document: generated clients make classes of them that
// inherit.
var including = []struct{ name, base string }{
	{"ModelGenerationInputStable", "ModelPayloadRootStable"},
	{"ModelPayloadStable", "ModelPayloadRootStable"},
	{"ModelPayloadRootStable", "ModelPayloadStyleStable"},
	{"ModelGenerationInputKobold", "ModelPayloadRootKobold"},
	{"ModelPayloadKobold", "ModelPayloadRootKobold"},
	{"ModelPayloadRootKobold", "ModelPayloadStyleKobold"},
	{"ModelStyleInputParamsKobold", "ModelPayloadStyleKobold"},
	{"ModelStyleInputParamsStable", "ModelStyleInputParamsStableNoDefaults"},
	{"RequestStatusStable", "RequestStatusCheck"},
	{"RequestStatusKobold", "RequestStatusCheck"},
	{"GenerationStable", "Generation"},
	{"GenerationKobold", "Generation"},
	{"PopInputStable", "PopInput"},
	{"PopInputKobold", "PopInput"},
	{"SubmitInputStable", "SubmitInput"},
	{"SubmitInputKobold", "SubmitInput"},
	{"NoValidRequestFoundStable", "NoValidRequestFound"},
	{"NoValidRequestFoundKobold", "NoValidRequestFound"},
	{"StyleStable", "ModelStyleInputStable"},
	{"StyleKobold", "ModelStyleInputKobold"},
	{"StyleExample", "InputStyleExamplePost"},
	{"ResponseModelStylesUser", "ResponseModelStylesShort"},
	{"WorkerDetails", "WorkerDetailsLite"},
	{"ActiveModel", "ActiveModelLite"},
	{"TeamDetails", "TeamDetailsLite"},
}

// deriveBases gives definitions, which were written whole, the hierarchy of the
// contract's document. A document that lacks one of two leaves the other whole.
func deriveBases(defs map[string]any) {
	for _, b := range bases {
		if of, ok := defs[b.of].(map[string]any); ok {
			without := strings.Fields(b.without)
			defs[b.name] = part(of, func(member string) bool { return !slices.Contains(without, member) })
		}
	}

	// What a base has is looked up before any of them shrinks.
	members := map[string]map[string]any{}
	for _, i := range including {
		if base, ok := defs[i.base].(map[string]any); ok {
			members[i.base] = base["properties"].(map[string]any)
		}
	}
	for _, i := range including {
		def, ok := defs[i.name].(map[string]any)
		if !ok || members[i.base] == nil {
			continue
		}
		own := part(def, func(member string) bool { return members[i.base][member] == nil })
		defs[i.name] = map[string]any{"allOf": []any{map[string]any{"$ref": "#/definitions/" + i.base}, own}}
	}
}

// part is a definition with those of its members that are wanted.
func part(def map[string]any, wanted func(member string) bool) map[string]any {
	unwanted := func(member string) bool { return !wanted(member) }
	props := maps.Clone(def["properties"].(map[string]any))
	maps.DeleteFunc(props, func(member string, _ any) bool { return unwanted(member) })
	out := map[string]any{"type": "object", "properties": props}

	required, _ := def["required"].([]string)
	required = slices.DeleteFunc(slices.Clone(required), unwanted)
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}
