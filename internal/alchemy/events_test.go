package alchemy

import (
	"strings"
	"testing"

	"horde/api"
)

// TestLongResultsAreNoNews: those who follow a request hear that a form is done, and of its
// result unless the results are too long together; its status shows all of them.
func TestLongResultsAreNoNews(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, walter := n.person("alice", false), n.person("walter", true)
		id := n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "interrogation", "nsfw")})
		before := n.News(id)
		job := n.pop(n.offer(walter, "w", amount(3)))
		if len(job.Forms) != 3 {
			t.Fatalf("popped %+v", job)
		}
		for i, long := range []int{20, maxNewsResults - 1000, maxNewsResults - 100} {
			made := api.AlchemySubmit{
				ID:     job.Forms[i].ID,
				Result: map[string]any{"caption": strings.Repeat("é", long/2)},
			}
			if _, err := n.submit(walter, made); err != nil {
				t.Fatal(err)
			}
		}

		if after := n.News(id); before.Ended || !after.Ended || after.Version <= before.Version {
			t.Errorf("news before %+v, after %+v", before, after)
		}
		short, err := n.ShortStatus(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		whole, err := n.Status(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		for i, shown := range []bool{true, true, false} {
			s, w := short.Forms[i], whole.Forms[i]
			if s.State != "done" || (len(s.Result) > 0) != shown || shown && string(s.Result) != string(w.Result) {
				t.Errorf("form %d: %s with %d bytes of %d", i, s.State, len(s.Result), len(w.Result))
			}
		}
	})
}
