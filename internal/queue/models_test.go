package queue

import (
	"fmt"
	"testing"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// TestModelsThatNobodyKnowsAreListedWithinABound: scribes may call their models as they like, so a
// list of them has no end of its own. What somebody offers first is always there.
func TestModelsThatNobodyKnowsAreListedWithinABound(t *testing.T) {
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	n.Catalog = knownTexts(t)
	const each, scribes = 200, mostForeign/200 + 3
	owner := n.person(t, true, 0)
	for i := range scribes {
		if i%20 == 0 {
			owner = n.person(t, true, 0)
		}
		p := api.TextPop{Name: fmt.Sprint("scribe ", i), BridgeAgent: "KoboldCppEmbedWorker:2:x"}
		for j := range each {
			p.Models = append(p.Models, fmt.Sprint("model ", i, " ", j))
		}
		if i == 0 { // what is known is listed though it comes last
			p.Models[each-1] = "small"
		}
		if _, err := n.Fleet.CheckInText(t.Context(), owner.User, p, fmt.Sprint("10.0.0.", i)); err != nil {
			t.Fatal(err)
		}

		list, err := n.Models(t.Context(), horde.KindText)
		if err != nil {
			t.Fatal(err)
		}
		offered := (i + 1) * each
		if offered <= mostForeign && len(list) != offered { // all are
			t.Fatalf("%d models are listed of %d", len(list), offered)
		}
		if len(list) > mostForeign+1 {
			t.Fatalf("%d models are listed", len(list))
		}

		listed := map[string]bool{}
		for _, m := range list {
			listed[m.Name] = true
		}
		for k := range i {
			if first := fmt.Sprint("model ", k+1, " 0"); !listed[first] || !listed["small"] {
				t.Fatalf("%s or what is known is not among %d models", first, len(list))
			}
		}
	}
}
