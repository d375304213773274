package v2

import (
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
)

// maxNamedFields bounds how many unknown fields of a body a refusal repeats.
const maxNamedFields = 3

// unselected are the codes of calls that were to change something and name nothing.
var unselected = []horde.Code{
	horde.NoFilterModSelected,
	horde.NoHordeModSelected,
	horde.NoSharedKeyModSelected,
	horde.NoTeamModSelected,
	horde.NoUserModSelected,
	horde.NoWorkerModSelected,
}

// explainUnselected completes the refusal of a call that was to change something
// and names nothing to change: it says what became of the body that was sent.
// Other errors pass.
func explainUnselected(err error, r *http.Request, body map[string]any, schema *api.Schema) error {
	var refused *horde.Error
	if !errors.As(err, &refused) || !slices.Contains(unselected, refused.Code) {
		return err
	}

	var known []string
	for _, p := range schema.Properties {
		known = append(known, p.Name)
	}
	fields := "The fields are " + strings.Join(known, ", ") + "."
	return horde.Errorf(refused.Code, "%s %s%s", refused.Detail, whyUnselected(r, body, known), fields)
}

// whyUnselected is a sentence on a body without any effect, with a blank after it;
// "" for one that is empty.
func whyUnselected(r *http.Request, body map[string]any, known []string) string {
	var unknown, null, idle []string
	for _, name := range slices.Sorted(maps.Keys(body)) {
		switch {
		case !slices.Contains(known, name):
			unknown = append(unknown, "'"+strings.ToValidUTF8(server.Clip(name, 40), "")+"'")
		case body[name] == nil:
			null = append(null, "'"+name+"'")
		default:
			idle = append(idle, "'"+name+"'")
		}
	}

	switch {
	case len(body) == 0 && r.ContentLength != 0 && !server.IsJSON(r):
		return "The body was not read: it needs the header Content-Type: application/json. "
	case len(body) == 0 && r.ContentLength > 0:
		return "The body is no JSON object, or one without fields. "
	case len(unknown) == 1:
		return "There is no field " + unknown[0] + " here. "
	case len(unknown) > 1:
		return "There are no fields " + strings.Join(unknown[:min(len(unknown), maxNamedFields)], ", ") + " here. "
	case len(null) > 0:
		return "A field that is null counts as absent: " + strings.Join(null, ", ") + ". "
	case len(idle) > 0:
		return "By itself " + strings.Join(idle, ", ") + " changes nothing. "
	}
	return ""
}
