package node

import (
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"horde/api"
)

// TestFiguresShowWhatIsInMemory: /metrics says how many requests and jobs a node keeps,
// and what waits for the database.
func TestFiguresShowWhatIsInMemory(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t, func(o *Options) { o.Metrics = prometheus.NewRegistry() })

	figures := func() string {
		return n.call(t, http.MethodGet, "/metrics", "", "", nil).Body.String()
	}
	for _, want := range []string{
		`horde_live_requests{kind="image"} 0`,
		`horde_live_requests{kind="text"} 0`,
		`horde_live_requests{kind="alchemy"} 0`,
		`horde_write_queue 0`,
		`horde_write_queue_oldest_seconds 0`,
		`horde_calls_refused_total{calls="request"} 0`,
	} {
		if text := figures(); !strings.Contains(text, want+"\n") {
			t.Errorf("there is no line %q", want)
		}
	}

	body := `{"prompt":"a fox","params":{"n":1}}`
	w := n.call(t, http.MethodPost, "/api/v2/generate/async", api.AnonymousKey, body, nil)
	if w.Code != http.StatusAccepted {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if text := figures(); !strings.Contains(text, `horde_live_requests{kind="image"} 1`+"\n") {
		t.Error("the request that was accepted is not counted")
	}
}
