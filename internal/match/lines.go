package match

import (
	"container/heap"

	"github.com/tidwall/btree"
)

// shelf is the waiting items of one model, in buckets of equal features.
type shelf map[Features]*line

// line is items in the order of the queue.
type line struct{ *btree.BTreeG[*Item] }

func newLine() *line {
	return &line{btree.NewBTreeGOptions(Before, btree.Options{NoLocks: true})}
}

// enter adds an item to the line of a key.
func enter[K comparable](lines map[K]*line, key K, it *Item) {
	l := lines[key]
	if l == nil {
		l = newLine()
		lines[key] = l
	}
	l.Set(it)
}

// leave takes an item out of its line, and drops a line that is empty then.
func leave[K comparable](lines map[K]*line, key K, it *Item) {
	l := lines[key]
	if l == nil {
		return // the item named the key twice
	}
	if l.Delete(it); l.Len() == 0 {
		delete(lines, key)
	}
}

// head is the first item of a line that was not looked at yet.
type head struct {
	item *Item
	line *line
	iter *btree.IterG[*Item] // nil: the line has not been moved on; most never are

	// alike: all items of the line have the same features, for which the worker lacks
	// this much. Else each has to be compared with it.
	alike bool
	lacks Lacks
}

// heads is a heap by the order of the queue.
type heads []head

func (h heads) Len() int           { return len(h) }
func (h heads) Less(i, j int) bool { return Before(h[i].item, h[j].item) }
func (h heads) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }

// Push is for container/heap, which needs it only where lines come in later.
func (h *heads) Push(v any) { *h = append(*h, v.(head)) }

// Pop drops the last head, whose line is at its end.
func (h *heads) Pop() any {
	last := len(*h) - 1
	(*h)[last] = head{}
	*h = (*h)[:last]
	return nil
}

// advance moves the first line on, or drops it at its end.
func (h *heads) advance() {
	first := &(*h)[0]
	if first.iter == nil {
		first.iter = &btree.IterG[*Item]{}
		first.iter.Init(first.line.BTreeG, false)
		first.iter.First()
	}

	if !first.iter.Next() {
		heap.Pop(h)
		return
	}
	first.item = first.iter.Item()
	heap.Fix(h, 0)
}
