package e2e

import (
	"cmp"
	"context"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"horde/e2e/program"
	"horde/internal/golden"
)

// notYet are the recorded exchanges that fail for a reason that a later piece of
// work removes, by scenario: the reason, and the steps (none: all of it). A step
// that passes although it is listed here fails the test, so that the list can
// only shrink.
var notYet = map[string]struct {
	why   string
	steps []int
}{}

// setupFor is a horde with the environment that a scenario asks for.
func setupFor(s *golden.Scenario, env ...string) program.Setup {
	for k, v := range s.Env {
		env = append(env, k+"="+v)
	}
	if s.Proxy {
		env = append(env, "HORDE_TRUSTED_PROXIES=127.0.0.1")
	}
	return program.Setup{Env: env}
}

// TestGolden plays every recorded scenario whose routes exist, each on a fresh
// server of either engine, and lists those that wait for routes. On PostgreSQL
// those that take minutes are left out: what they wait for is a clock, not SQL.
// The other engine's run while these wait.
func TestGolden(t *testing.T) {
	t.Parallel()
	dir := golden.Shared(t)
	scenarios, err := golden.Load(filepath.Join(dir, "golden"))
	if err != nil {
		t.Fatal(err)
	}
	// What waits longest begins first.
	slices.SortStableFunc(scenarios, func(a, b *golden.Scenario) int { return cmp.Compare(waits(b), waits(a)) })
	t.Run("sqlite", func(t *testing.T) {
		t.Parallel()
		playAllGolden(t, scenarios, dir, "")
	})
	t.Run("postgres", func(t *testing.T) {
		t.Parallel()
		playAllGolden(t, scenarios, dir, program.Postgres(t))
	})
}

// waits is how long a scenario waits between its steps, in seconds.
func waits(s *golden.Scenario) (sum float64) {
	for _, step := range s.Steps {
		sum += step.Wait
	}
	return sum
}

// playAllGolden plays scenarios at servers with a database each: of their own if
// db is empty, else fresh ones beside db.
func playAllGolden(t *testing.T, scenarios []*golden.Scenario, dir, db string) {
	t.Helper()
	probe := program.Start(t, program.Setup{DB: db})
	var played int

	waiting := map[string][]string{}
	for _, s := range scenarios {
		if strings.HasPrefix(s.Name, "slow-") && (testing.Short() || db != "") {
			continue
		}

		missing, err := s.Missing(context.Background(), probe.URL)
		if err != nil {
			t.Fatal(err)
		}

		if len(missing) > 0 {
			for _, m := range missing {
				waiting[s.Name] = append(waiting[s.Name], m.String())
			}
			continue
		}

		played++
		t.Run(s.Name, func(t *testing.T) {
			t.Parallel()
			o := goldenSetup(s, dir)
			if db != "" {
				o.DB = program.Postgres(t)
			}
			playGolden(t, s, program.Start(t, o).URL)
		})
	}

	for _, name := range slices.Sorted(maps.Keys(waiting)) {
		t.Errorf("%s waits for routes: %s", name, strings.Join(waiting[name], ", "))
	}

	t.Logf("%d scenarios played", played)
}

// goldenSetup is a horde as the recordings want one.
func goldenSetup(s *golden.Scenario, dir string) program.Setup {
	return setupFor(s,
		"HORDE_MODEL_REFERENCE_IMAGES="+filepath.Join(dir, "data/model-reference/image-stable_diffusion.json"),
		"HORDE_MODEL_REFERENCE_TEXT="+filepath.Join(dir, "data/model-reference/text-db.json"))
}

func playGolden(t *testing.T, s *golden.Scenario, url string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 8*time.Minute)
	defer cancel()
	later := notYet[s.Name]
	expected := map[int]bool{}
	for _, f := range golden.Replay(ctx, s, url) {
		if later.why != "" && (len(later.steps) == 0 || slices.Contains(later.steps, f.Step.Number)) {
			expected[f.Step.Number] = true
			t.Logf("later (%s): %s", later.why, f)
			continue
		}
		t.Error(f)
	}
	for _, step := range later.steps {
		if !expected[step] {
			t.Errorf("step %d is listed as waiting (%s) but passes: take it off the list", step, later.why)
		}
	}
}
