package match

import (
	"strings"

	"horde/internal/horde"
)

// Reasons by which the walk refuses requests, on the wire.
const (
	SkippedBlacklist = "blacklist"
	SkippedFunds     = "kudos"

	Silent = "-" // refused, but not counted here: not at all, or by the census
)

// Pop is one worker's look for work: what it looks with, and what it notes on the
// way. It may look several times, with more Funds each time.
type Pop struct {
	Worker *Worker
	Now    horde.Micros
	Want   int // items at most

	// MatchedTargeting: requests for named workers are only for those of them that put
	// the user first.
	MatchedTargeting bool
	// Funds is what users could pay, of those that had to be looked up.
	Funds map[horde.UserID]horde.Kudos
	// Yields reports whether an item that has failed is left to other workers; nil:
	// none is.
	Yields func(*Item) bool

	unknown map[horde.UserID]bool // users whose funds decide, and are not in Funds
	skipped map[string]int
	scanned int    // bytes of prompts times words of the blacklist
	black   *words // the blacklist, once there was much to look through
	search  search
	one     [1]*Item // memory for what is found
}

// search merges several lines in the order of the queue.
type search struct {
	pop     *Pop
	friends bool // the lines are those of the worker's friends
	heads   heads
	seen    map[*Item]bool
	apart   []head // refused as a whole, but to be counted
	found   []*Item
}

// Result is what a look brought.
type Result struct {
	// Found are the items that the worker gets, the first ones first; none: nothing
	// fits.
	Found []*Item
	// NeedsFunds are the users whose Funds have to be known before the look can say
	// anything; it has to be taken again with them.
	NeedsFunds []horde.UserID
	// Skipped counts, by reason, what the worker was withheld from. It is nil where
	// something was found.
	Skipped map[string]int
}

// CouldGet reports whether a pop of the worker could bring an item, were it the first
// in the queue, by the very rules of pops. Reasons in except do not count, and
// neither does whether the user could pay.
func (w *Worker) CouldGet(it *Item, except Lacks) bool {
	if !w.Serves(it.Models) || w.Skills.Lacking(it.Features)&^except != 0 {
		return false
	}
	look := Pop{Worker: w}
	return look.gate(it, 0) == ""
}

// suits reports whether the worker, who lacks this for the features of an item, can have
// it, and counts why not.
func (p *Pop) suits(it *Item, lacks Lacks) bool {
	if lacks&^p.Worker.Walked != 0 {
		return false
	}
	gate := p.gate(it, lacks)
	if gate != "" && gate != Silent {
		p.skip(gate, 1)
	}
	return gate == "" && (p.Yields == nil || !p.Yields(it))
}

func (p *Pop) skip(reason string, n int) {
	if p.skipped == nil {
		p.skipped = map[string]int{}
	}
	p.skipped[reason] += n
}

// gate names the first gate of generation §1.16 that stops the worker at this very item, "" when
// it can have it. lacks is what the worker lacks for its features.
func (p *Pop) gate(it *Item, lacks Lacks) string {
	w := p.Worker
	switch {
	case w.OwnOnly && it.User != w.Owner, !it.targets(w.ID), it.Length > w.MaxLength, it.Context > w.MaxContext:
		return Silent
	case it.DecoyWorkers[w.ID]:
		return Silent
	case p.blacklisted(it.Prompt):
		return SkippedBlacklist
	}
	if gate := w.Skills.Refuses(it, lacks); gate != "" {
		return gate
	}
	if w.RequireFunds && p.cannotPay(it) {
		return SkippedFunds
	}
	return ""
}

// cannotPay reports whether a user lacks the price of one job. Trusted users and
// friends are not asked.
func (p *Pop) cannotPay(it *Item) bool {
	return !p.Worker.befriends(it.User) && !it.Trusted && p.LacksFunds(it)
}

// LacksFunds reports whether a user lacks the price of one job. Funds that are not
// known yet are noted, and lacking until they have been looked up.
func (p *Pop) LacksFunds(it *Item) bool {
	funds, known := p.Funds[it.User]
	if !known {
		if p.unknown == nil {
			p.unknown = map[horde.UserID]bool{}
		}
		p.unknown[it.User] = true
		return true
	}
	return funds < it.Price
}

// maxLinearScan is for how much a pop looks for each word of its blacklist by itself:
// beyond, it is worth while to make an automaton of the words.
const maxLinearScan = 1 << 20 // bytes of prompts × words

func (p *Pop) blacklisted(prompt string) bool {
	list := p.Worker.Blacklist
	if len(list) == 0 {
		return false
	}
	prompt = strings.ToLower(prompt)

	// The automaton is made when there was much to look through.
	if p.scanned += len(prompt) * len(list); p.scanned > maxLinearScan {
		if p.black == nil {
			p.black = newWords(list)
		}
		return p.black.in(prompt)
	}

	for _, word := range list {
		if strings.Contains(prompt, word) {
			return true
		}
	}
	return false
}
