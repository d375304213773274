package match

// words is a list of words to be looked for in a text all at once: the automaton
// of Aho and Corasick, whose time depends on the text alone. Looking for each word
// by itself takes as many passes as there are words, which for the longest
// blacklist and the longest prompts is seconds. Libraries for it are slower
// (docs/decisions/0009).
type words struct {
	class [256]uint16 // of bytes; 0: in no word
	width int         // number of classes
	next  []int16     // state and class → state
	ends  []bool      // states in which a word ends
}

// newWords makes an automaton of at most 16,000 bytes of words, which a blacklist
// never has (200 words of 15 characters). An empty word is found in every text.
func newWords(list []string) *words {
	w := &words{width: 1}

	// Bytes that stand in no word are one class, so that the table is small.
	states := 1
	for _, word := range list {
		states += len(word)
		for i := range len(word) {
			if b := word[i]; w.class[b] == 0 {
				w.class[b] = uint16(w.width)
				w.width++
			}
		}
	}

	// A tree of the words: 0 is the root, and stands for "no such word" too.
	w.next, w.ends = make([]int16, w.width, states*w.width), make([]bool, 1, states)
	for _, word := range list {
		s := 0
		for i := range len(word) {
			at := s*w.width + int(w.class[word[i]])
			if w.next[at] == 0 {
				w.next[at] = int16(len(w.ends))
				w.next, w.ends = append(w.next, make([]int16, w.width)...), append(w.ends, false)
			}
			s = int(w.next[at])
		}
		w.ends[s] = true
	}

	w.link()
	return w
}

// link completes the tree of words: where a word does not go on, the longest one
// that began later does. Breadth first, so that shorter ones are complete.
func (set *words) link() {
	back := make([]int16, len(set.ends))
	var queue []int16
	for c := range set.width {
		if s := set.next[c]; s != 0 {
			queue = append(queue, s)
		}
	}

	for i := 0; i < len(queue); i++ {
		s := queue[i]
		set.ends[s] = set.ends[s] || set.ends[back[s]]
		for c := range set.width {
			at, other := int(s)*set.width+c, set.next[int(back[s])*set.width+c]
			if t := set.next[at]; t != 0 {
				back[t] = other
				queue = append(queue, t)
			} else {
				set.next[at] = other
			}
		}
	}
}

// in reports whether one of the words stands somewhere in text.
func (set *words) in(text string) bool {
	if set.ends[0] {
		return true
	}
	s := 0
	for i := range len(text) {
		if s = int(set.next[s*set.width+int(set.class[text[i]])]); set.ends[s] {
			return true
		}
	}
	return false
}
