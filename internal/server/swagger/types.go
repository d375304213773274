package swagger

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"
	"strings"

	"horde/api"
)

// definitionNames are the names that the original's document gives to the types
// of answers. Generated clients and the Python SDK go by them: a definition they
// do not know fails their checks (clients §5). A type that is not here
// has the same name on both sides, or none in the original and is put inline.
var definitionNames = map[reflect.Type]string{
	reflect.TypeFor[api.Accepted]():          "RequestAsync",
	reflect.TypeFor[api.ActiveGenerations](): "UserActiveGenerations",
	reflect.TypeFor[api.AlchemyAccepted]():   "RequestInterrogationResponse",
	reflect.TypeFor[api.AlchemyFormStatus](): "InterrogationFormStatus",
	reflect.TypeFor[api.AlchemyJob]():        "InterrogationPopPayload",
	reflect.TypeFor[api.AlchemyStatus]():     "InterrogationStatus",
	reflect.TypeFor[api.AlchemyTask]():       "InterrogationPopFormPayload",
	reflect.TypeFor[api.AmountRecords]():     "UserAmountRecords",
	reflect.TypeFor[api.Check]():             "RequestStatusCheck",
	reflect.TypeFor[api.Collection]():        "ResponseModelCollection",
	reflect.TypeFor[api.Contributions]():     "ContributionsDetails",
	reflect.TypeFor[api.DryRun]():            inline,
	reflect.TypeFor[api.Error]():             "RequestError",
	reflect.TypeFor[api.ExtraSource]():       "ExtraSourceImage",
	reflect.TypeFor[api.GenMetadatum]():      "GenerationMetadataStable",
	reflect.TypeFor[api.Generation]():        "GenerationStable",
	reflect.TypeFor[api.Heartbeat]():         inline,
	reflect.TypeFor[api.ImageJob]():          "GenerationPayloadStable",
	reflect.TypeFor[api.ImagePayload]():      "ModelPayloadStable",
	reflect.TypeFor[api.ImageModelTotals]():  "ImgModelStats",
	reflect.TypeFor[api.ImageStatus]():       "RequestStatusStable",
	reflect.TypeFor[api.ImageStyle]():        "StyleStable",
	reflect.TypeFor[api.ImageStyleParams]():  "ModelStyleInputParamsStable",
	reflect.TypeFor[api.ImageTotals]():       "StatsImgTotals",
	reflect.TypeFor[api.ImagesMade]():        "SinglePeriodImgStat",
	reflect.TypeFor[api.KudosDetails]():      "UserKudosDetails",
	reflect.TypeFor[api.ListedUser]():        "UserDetails",
	reflect.TypeFor[api.Lora]():              "ModelPayloadLorasStable",
	reflect.TypeFor[api.ModelCount]():        "ActiveModelLite",
	reflect.TypeFor[api.ModifiedTeam]():      "ModifyTeam",
	reflect.TypeFor[api.ModifiedUser]():      "ModifyUser",
	reflect.TypeFor[api.ModifiedWorker]():    "ModifyWorker",
	reflect.TypeFor[api.Message]():           "ResponseModelMessage",
	reflect.TypeFor[api.Modes]():             "HordeModes",
	reflect.TypeFor[api.ModifyModes]():       "HordeModes",
	reflect.TypeFor[api.Performance]():       "HordePerformance",
	reflect.TypeFor[api.SharedKey]():         "SharedKeyDetails",
	reflect.TypeFor[api.ShownFilter]():       "FilterDetails",
	reflect.TypeFor[api.ShortStyle]():        "ResponseModelStylesShort",
	reflect.TypeFor[api.Simple]():            "SimpleResponse",
	reflect.TypeFor[api.StyleLora]():         "ModelPayloadLorasStable",
	reflect.TypeFor[api.StyleModified]():     "StyleModify",
	reflect.TypeFor[api.StyleTI]():           "ModelPayloadTextualInversionsStable",
	reflect.TypeFor[api.StyleWarning]():      "RequestSingleWarning",
	reflect.TypeFor[api.Submitted]():         "GenerationSubmitted",
	reflect.TypeFor[api.TI]():                "ModelPayloadTextualInversionsStable",
	reflect.TypeFor[api.TeamName]():          "TeamDetailsLite",
	reflect.TypeFor[api.TeamWorker]():        "WorkerDetailsLite",
	reflect.TypeFor[api.TextGeneration]():    "GenerationKobold",
	reflect.TypeFor[api.TextJob]():           "GenerationPayloadKobold",
	reflect.TypeFor[api.TextModelTotals]():   "TxtModelStats",
	reflect.TypeFor[api.TextPayload]():       "ModelPayloadKobold",
	reflect.TypeFor[api.TextSampling]():      "ModelStyleInputParamsKobold",
	reflect.TypeFor[api.TextStatus]():        "RequestStatusKobold",
	reflect.TypeFor[api.TextStyle]():         "StyleKobold",
	reflect.TypeFor[api.TextTotals]():        "StatsTxtTotals",
	reflect.TypeFor[api.TextsMade]():         "SinglePeriodTxtStat",
	reflect.TypeFor[api.WorkRecords]():       "UserThingRecords",
	reflect.TypeFor[api.Usage]():             "UsageDetails",
	reflect.TypeFor[api.UserStyle]():         "ResponseModelStylesUser",
	reflect.TypeFor[api.Warning]():           "RequestSingleWarning",
	reflect.TypeFor[api.WorkerKudos]():       "WorkerKudosDetails",
	reflect.TypeFor[api.WorkerMessage]():     "ResponseModelMessagePop",
}

// inline is the name of types without a definition.
const inline = ""

// blank is the type of members that are an empty object in this answer, and more
// in another.
var blank = reflect.TypeFor[struct{}]()

// scalars are types that marshal as something else than their kind.
var scalars = map[reflect.Type]string{
	reflect.TypeFor[api.Float]():       "number",
	reflect.TypeFor[api.Tally]():       "number",
	reflect.TypeFor[json.RawMessage](): "object",
	reflect.TypeFor[api.ModelJobs]():   "object",
}

// answerTypes writes the types of answers into the definitions of a document.
// Bodies were written before and stay as their schemas say; several types with
// one name are one definition with the members of all.
type answerTypes struct {
	defs   map[string]any
	in     wording         // asItIs: says which members are always there, and which may be null
	bodies map[string]bool // names that are taken by bodies
	seen   map[reflect.Type]bool
}

func newAnswerTypes(defs map[string]any, in wording) *answerTypes {
	a := &answerTypes{defs: defs, in: in, bodies: map[string]bool{}, seen: map[reflect.Type]bool{}}
	for name := range defs {
		a.bodies[name] = true
	}
	return a
}

// schemas describes the types of several values.
func (a *answerTypes) schemas(values []any) []map[string]any {
	out := make([]map[string]any, len(values))
	for i, v := range values {
		out[i] = a.schema(reflect.TypeOf(v))
	}
	return out
}

// schema describes a Go type of package api as the wire shows it. Structs become
// definitions.
func (a *answerTypes) schema(t reflect.Type) map[string]any {
	if kind, ok := scalars[t]; ok {
		return map[string]any{"type": kind}
	}

	switch t.Kind() {
	case reflect.Pointer:
		return a.schema(t.Elem())
	case reflect.Slice:
		return map[string]any{"type": "array", "items": a.schema(t.Elem())}
	case reflect.Map:
		out := map[string]any{"type": "object"}
		if of := a.schema(t.Elem()); len(of) == 1 && of["type"] != nil {
			out["additionalProperties"] = of
		}
		return out
	case reflect.Struct:
		return a.structSchema(t)
	case reflect.String:
		return map[string]any{"type": "string"}
	case reflect.Bool:
		return map[string]any{"type": "boolean"}
	case reflect.Float64:
		return map[string]any{"type": "number"}
	case reflect.Interface:
		return map[string]any{"type": "object"}
	default:
		return map[string]any{"type": "integer"}
	}
}

func (a *answerTypes) structSchema(t reflect.Type) map[string]any {
	name, renamed := definitionNames[t]
	if !renamed {
		name = t.Name()
	}
	if name == inline {
		return a.object(t)
	}

	ref := map[string]any{"$ref": "#/definitions/" + name}
	if a.bodies[name] || a.seen[t] {
		return ref
	}

	a.seen[t] = true
	def := a.object(t)
	if known, ok := a.defs[name].(map[string]any); ok {
		merge(known, def)
	} else {
		a.defs[name] = def
	}
	return ref
}

// merge adds the members of another type with the same name; required is what both
// always have.
func merge(known, def map[string]any) {
	maps.Copy(known["properties"].(map[string]any), def["properties"].(map[string]any))
	theirs, _ := def["required"].([]string)
	both, _ := known["required"].([]string)
	both = slices.DeleteFunc(slices.Clone(both), func(member string) bool { return !slices.Contains(theirs, member) })
	delete(known, "required")
	if len(both) > 0 {
		known["required"] = both
	}
}

// object describes the members of a struct.
func (a *answerTypes) object(t reflect.Type) map[string]any {
	props := map[string]any{}
	required := a.properties(t, props)
	out := map[string]any{"type": "object", "properties": props}
	if len(required) > 0 && a.in == asItIs {
		slices.Sort(required)
		out["required"] = required
	}
	return out
}

// properties describes the members of a struct and returns those that are always
// there.
func (a *answerTypes) properties(t reflect.Type, props map[string]any) (required []string) {
	for i := range t.NumField() {
		f := t.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("json"), ",")
		switch {
		case f.Anonymous && name == "":
			required = append(required, a.properties(f.Type, props)...)
		case f.Type == blank:
		case f.IsExported() && name != "" && name != "-":
			member := a.schema(f.Type)
			if options == "" {
				required = append(required, name)
				if f.Type.Kind() == reflect.Pointer && a.in == asItIs {
					member["x-nullable"] = true
				}
			}
			props[name] = member
		}
	}
	return required
}

// complete adds what api.AnswerMembers says to the definitions of answers.
func (a *answerTypes) complete() {
	for name, members := range api.AnswerMembers {
		def, ok := a.defs[name].(map[string]any)
		if !ok || a.bodies[name] {
			continue
		}

		props := def["properties"].(map[string]any)
		required, _ := def["required"].([]string)
		for _, p := range members {
			for named, inner := range p.Schema.Definitions() {
				if a.defs[named] == nil {
					a.defs[named] = inner
				}
			}
			if p.Required && !slices.Contains(required, p.Name) {
				required = append(required, p.Name)
			}

			member := joined(props[p.Name], p.Schema)
			if p.Since != "" {
				member[api.SinceMark] = p.Since
			}
			props[p.Name] = member
		}

		if len(required) > 0 {
			slices.Sort(required)
			def["required"] = required
		}
	}
}

// joined is what is known of a member from its Go type and from a schema, which
// wins.
func joined(known any, s *api.Schema) map[string]any {
	said := s.Reference()
	if from, ok := known.(map[string]any); ok && s.Type == "" {
		if from["$ref"] != nil {
			return from
		}
		said = maps.Clone(from)
		maps.Copy(said, s.Reference())
	}
	return said
}
