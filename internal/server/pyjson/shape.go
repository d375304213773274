package pyjson

// A Shape names the members of a text that are kept when it is read. The nil Shape keeps
// everything.
type Shape struct {
	members map[string]shapeMember // nil: all
	items   *Shape                 // of a list
}

// shapeMember is a member that is kept. Its name is here so that no text has to hold it.
type shapeMember struct {
	name  string
	shape *Shape
}

// ObjectShape is the shape of an object of which these members are kept, each by its own
// shape.
func ObjectShape(members map[string]*Shape) *Shape {
	s := &Shape{members: make(map[string]shapeMember, len(members))}
	for name, shape := range members {
		s.members[name] = shapeMember{name, shape}
	}
	return s
}

// ListShape is the shape of a list whose items have one.
func ListShape(items *Shape) *Shape {
	if items == nil {
		return nil
	}
	return &Shape{items: items}
}

// selects reports whether some members are skipped.
func (s *Shape) selects() bool { return s != nil && s.members != nil }

// member returns the name to keep a member by and its shape; known is false for one that
// is skipped.
func (s *Shape) member(name string) (kept string, shape *Shape, known bool) {
	if !s.selects() {
		return name, nil, true
	}
	m, known := s.members[name]
	return m.name, m.shape, known
}

// item returns the shape of a list's items.
func (s *Shape) item() *Shape {
	if s == nil {
		return nil
	}
	return s.items
}
