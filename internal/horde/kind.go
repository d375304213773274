package horde

// Kinds of work, and of the workers that do it, as the database and the wire name
// them. On the wire alchemy is called interrogation.
const (
	KindImage   = "image"
	KindText    = "text"
	KindAlchemy = "interrogation"
)
