package horde

// Kind is a kind of work, and of the workers that do it, as the database and the wire
// name it.
type Kind string

// Kinds of work. On the wire alchemy is called interrogation.
const (
	KindImage   Kind = "image"
	KindText    Kind = "text"
	KindAlchemy Kind = "interrogation"
)
