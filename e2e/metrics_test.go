package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"horde/e2e/program"
)

// sample is a line of /metrics.
type sample struct {
	name   string
	labels map[string]string
}

var (
	sampleLine = regexp.MustCompile(`(?m)^([a-z_]+)(?:\{(.*)\})? [^ ]+$`)
	labelPair  = regexp.MustCompile(`([a-z_]+)="((?:[^"\\]|\\.)*)"`)

	grouping   = regexp.MustCompile(`\b(?:by|without|on|ignoring)\s*\(([^)]*)\)`)
	rangeOf    = regexp.MustCompile(`\[[^\]]*\]`)
	selector   = regexp.MustCompile(`\b([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(\{[^}]*\}|\()?`)
	matcher    = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"([^"]*)"`)
	fromScrape = []string{"job", "instance"} // labels that Prometheus adds
)

// scrape reads the metrics of a server that has answered calls, and refused one.
func scrape(t *testing.T, srv *program.Server) (all []sample) {
	t.Helper()
	status, text := call(t, http.MethodGet, srv.URL+"/metrics", "", "")
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, text)
	}
	for _, m := range sampleLine.FindAllStringSubmatch(text, -1) {
		s := sample{m[1], map[string]string{}}
		for _, l := range labelPair.FindAllStringSubmatch(m[2], -1) {
			s.labels[l[1]] = l[2]
		}
		all = append(all, s)
	}
	return all
}

// TestDashboardAndAlertsNameWhatThereIs: every metric, label and value that the dashboard
// and the alerts in deploy/ ask for is one that a server has.
func TestDashboardAndAlertsNameWhatThereIs(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 1)[0]
	deliverTo(t, srv, p, "https://nobody.invalid/")
	samples := scrape(t, srv)

	expressions := append(dashboardExpressions(t), alertExpressions(t)...)
	if len(expressions) < 40 {
		t.Fatalf("only %d expressions were found", len(expressions))
	}
	for _, e := range expressions {
		t.Run(e.where, func(t *testing.T) {
			for _, what := range unknownIn(e.text, samples) {
				t.Errorf("%s in %s", what, e.text)
			}
		})
	}

	// And the test finds what is none.
	for _, wrong := range []string{
		"sum(horde_http_call_total)",
		"sum by (rout) (horde_http_calls_total)",
		`horde_ready{chek="database"}`,
		`rate(horde_calls_refused_total{calls="requests"}[5m])`,
	} {
		if len(unknownIn(wrong, samples)) == 0 {
			t.Errorf("nothing is found in %s", wrong)
		}
	}
}

// expression is one of PromQL, and where it stands.
type expression struct{ where, text string }

func dashboardExpressions(t *testing.T) (all []expression) {
	t.Helper()
	var dashboard struct {
		Panels []struct {
			Title   string
			Targets []struct{ Expr string }
		}
	}
	text, err := os.ReadFile("../deploy/grafana-dashboard.json")
	if err == nil {
		err = json.Unmarshal(text, &dashboard)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range dashboard.Panels {
		for i, target := range p.Targets {
			all = append(all, expression{fmt.Sprintf("%s %c", p.Title, 'A'+i), target.Expr})
		}
	}
	return all
}

// alertNames are those of deploy/prometheus-rules.yaml.
func alertNames(t *testing.T) (names []string) {
	t.Helper()
	for _, e := range alertExpressions(t) {
		names = append(names, e.where)
	}
	return names
}

func alertExpressions(t *testing.T) (all []expression) {
	t.Helper()
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert, Expr string
			}
		}
	}
	text, err := os.ReadFile("../deploy/prometheus-rules.yaml")
	if err == nil {
		err = yaml.Unmarshal(text, &rules)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			all = append(all, expression{r.Alert, r.Expr})
		}
	}
	return all
}

// unknownIn lists the metrics, labels and values of an expression that no sample has.
func unknownIn(expr string, samples []sample) (unknown []string) {
	var labels []string
	for _, m := range grouping.FindAllStringSubmatch(expr, -1) {
		for label := range strings.SplitSeq(m[1], ",") {
			labels = append(labels, strings.TrimSpace(label))
		}
	}
	expr = rangeOf.ReplaceAllString(grouping.ReplaceAllString(expr, " "), " ")

	var found []sample
	for _, m := range selector.FindAllStringSubmatch(expr, -1) {
		name, rest := m[1], m[2]
		if rest == "(" || name == "and" || name == "or" || name == "unless" || name == "up" {
			continue
		}
		of := slices.DeleteFunc(slices.Clone(samples), func(s sample) bool { return s.name != name })
		if len(of) == 0 {
			unknown = append(unknown, "there is no metric "+name)
			continue
		}
		found = append(found, of...)
		if rest != "" && !slices.ContainsFunc(of, func(s sample) bool { return matches(rest, s.labels) }) {
			unknown = append(unknown, "nothing is "+name+rest)
		}
	}

	for _, label := range labels {
		has := func(s sample) bool { _, ok := s.labels[label]; return ok }
		if !slices.Contains(fromScrape, label) && !slices.ContainsFunc(found, has) {
			unknown = append(unknown, "there is no label "+label)
		}
	}
	return unknown
}

// matches reports whether labels are what a selector asks for. What Prometheus adds fits
// anything, and so do statuses: that none failed is well.
func matches(selector string, labels map[string]string) bool {
	for _, m := range matcher.FindAllStringSubmatch(selector, -1) {
		name, op, want := m[1], m[2], m[3]
		if slices.Contains(fromScrape, name) {
			continue
		}
		value, ok := labels[name]
		if !ok {
			return false
		}
		if name == "status" {
			continue
		}

		equal := value == want
		if strings.HasSuffix(op, "~") {
			equal = regexp.MustCompile("^(?:" + want + ")$").MatchString(value)
		}
		if equal == strings.HasPrefix(op, "!") {
			return false
		}
	}
	return true
}

// TestOperatorsReadAboutAllFigures: every metric of a server and every alert stands in
// docs/operators.md, and no other.
func TestOperatorsReadAboutAllFigures(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("../docs/operators.md")
	if err != nil {
		t.Fatal(err)
	}
	reference := filepath.Join(t.TempDir(), "reference.json")
	models := `{"model": {"baseline": "stable diffusion 1", "type": "ckpt"}}`
	if err := os.WriteFile(reference, []byte(models), 0o600); err != nil {
		t.Fatal(err)
	}
	srv := program.Start(t, program.Setup{Env: []string{"HORDE_MODEL_REFERENCE_IMAGES=" + reference}})
	has := map[string]bool{}
	within(t, 20*time.Second, "the reference is read", func() bool {
		for _, s := range scrape(t, srv) {
			if strings.HasPrefix(s.name, "horde_") {
				has[familyOf(s.name)] = true
			}
		}
		return has["horde_model_reference_reads_total"]
	})

	// The names in the text that are no metrics.
	told := map[string]bool{}
	others := []string{"horde_pocket", "horde_sketch", "horde_id"}
	for _, name := range regexp.MustCompile("`(horde_[a-z_]+)").FindAllStringSubmatch(string(text), -1) {
		told[name[1]] = !slices.Contains(others, name[1])
	}
	for name := range has {
		if !told[name] {
			t.Errorf("%s is not in docs/operators.md", name)
		}
	}
	for name, metric := range told {
		if metric && !has[name] {
			t.Errorf("%s is in docs/operators.md, and no metric", name)
		}
	}
	for _, name := range alertNames(t) {
		if !strings.Contains(string(text), "`"+name+"`") {
			t.Errorf("the alert %s is not in docs/operators.md", name)
		}
	}
}

// familyOf is the metric that a sample belongs to: histograms have several.
func familyOf(name string) string {
	for _, part := range []string{"_bucket", "_sum", "_count"} {
		name = strings.TrimSuffix(name, part)
	}
	return name
}
