package requests

const maxShownID = 64 // bytes

// Shown is an id that a stranger sent, cut for a message.
func Shown(id string) string {
	if len(id) > maxShownID {
		return id[:maxShownID] + "…"
	}
	return id
}
