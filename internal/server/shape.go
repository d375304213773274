package server

import (
	"sync"

	"horde/api"
	"horde/internal/server/pyjson"
)

var shapes sync.Map // *api.Schema → *pyjson.Shape

// shapeOf returns the shape of the bodies that a schema describes: what it names, and
// whatever stands in objects that are kept as they came.
func shapeOf(s *api.Schema) *pyjson.Shape {
	if shape, ok := shapes.Load(s); ok {
		return shape.(*pyjson.Shape)
	}

	shape := newShape(s)
	shapes.Store(s, shape)
	return shape
}

// newShape makes the shape of a schema.
func newShape(s *api.Schema) *pyjson.Shape {
	switch {
	case s.Type == api.Array && s.Items != nil:
		return pyjson.ListShape(newShape(s.Items))
	case s.Type != api.Object || s.KeepsUnnamed():
		return nil
	}

	members := map[string]*pyjson.Shape{}
	for _, p := range s.Properties {
		members[p.Name] = newShape(p.Schema)
	}
	for _, name := range s.Unlisted {
		members[name] = nil
	}
	return pyjson.ObjectShape(members)
}
