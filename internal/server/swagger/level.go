package swagger

import (
	"maps"
	"strings"

	"horde/api"
)

// showLevel takes out of a document what came after a level: marked members, and
// definitions that nothing leads to then. Clients refuse both.
func showLevel(d *document, level api.Level) {
	for _, def := range d.definitions {
		def, _ := def.(map[string]any)
		props, _ := def["properties"].(map[string]any)
		maps.DeleteFunc(props, func(_ string, member any) bool {
			since, _ := member.(map[string]any)[api.SinceMark].(api.Level)
			return !level.Shows(since)
		})
		for _, member := range props {
			delete(member.(map[string]any), api.SinceMark)
		}
	}

	reached := map[string]bool{}
	d.reach(d.paths, reached)
	maps.DeleteFunc(d.definitions, func(name string, _ any) bool { return !reached[name] })
}

// reach marks the definitions that a part of the document leads to.
func (doc *document) reach(v any, reached map[string]bool) {
	switch v := v.(type) {
	case map[string]map[string]any:
		for _, value := range v {
			doc.reach(value, reached)
		}
	case map[string]any:
		for _, value := range v {
			doc.reach(value, reached)
		}
	case []map[string]any:
		for _, value := range v {
			doc.reach(value, reached)
		}
	case string:
		if name, ok := strings.CutPrefix(v, "#/definitions/"); ok && !reached[name] {
			reached[name] = true
			doc.reach(doc.definitions[name], reached)
		}
	}
}
