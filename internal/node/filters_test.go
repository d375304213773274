package node

import (
	"context"
	"net/http"
	"testing"

	"horde/api"
	"horde/internal/moderation"
)

// Filters that somebody else wrote on this node's store are in force at once: they come
// in as those of other nodes do.
func TestFiltersOfOthersAreInForceAtOnce(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	ctx := context.Background()
	other, err := moderation.OpenFilters(ctx, moderation.FilterConfig{Store: n.Store})
	if err != nil {
		t.Fatal(err)
	}
	var id string
	for _, f := range []api.PutFilter{{Regex: "young", FilterType: 10}, {Regex: "naked", FilterType: 20}} {
		d, err := other.Put(ctx, 1, f)
		if err != nil {
			t.Fatal(err)
		}
		id = d.ID
	}
	if !n.Filters.Refuses("young naked") {
		t.Error("not known after the commit")
	}
	if err := other.Delete(ctx, id); err != nil {
		t.Fatal(err)
	}
	if n.Filters.Refuses("young naked") {
		t.Error("still known after it was deleted")
	}
}

func TestDisabledFiltersCanBeWorkedOn(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t, func(o *Options) { o.NoFilters = true })
	var f api.FilterDetails
	if w := n.call(t, http.MethodPut, "/api/v2/filters", admin, `{"regex":"young","filter_type":10}`,
		&f); w.Code != http.StatusCreated || f.Regex != "young" {
		t.Errorf("%d %+v", w.Code, f)
	}
	var s api.FilterPromptSuspicion
	if n.call(t, http.MethodPost, "/api/v2/filters", admin, `{"prompt":"young"}`, &s); s.Suspicion != "0" {
		t.Errorf("%+v", s)
	}
}
