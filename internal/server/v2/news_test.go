package v2

import (
	"testing"
)

func TestNewsAreNewestFirst(t *testing.T) {
	t.Parallel()
	if len(news) == 0 {
		t.Fatal("there are no news")
	}
	for i, n := range news {
		if n.Title == "" || n.Newspiece == "" || len(n.DatePublished) != len("2006-01-02") {
			t.Errorf("news %d lack something: %+v", i, n)
		}
		if i > 0 && n.DatePublished > news[i-1].DatePublished {
			t.Errorf("news %d are newer than those before", i)
		}
	}
}
