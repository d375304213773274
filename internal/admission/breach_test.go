package admission

import (
	"slices"
	"strings"
	"testing"

	"horde/internal/horde"
)

// broken is a rule that a test expects, with the sentence that names it.
type broken struct {
	rule         Rule
	asked, limit int
	text         string
}

// Each rule is named with its figures and by what keeps it, and no rule is named
// that was kept.
func TestTheRefusalNamesTheRulesThatWereBroken(t *testing.T) {
	idle, busy := Load{}, Load{QueuedRequests: 213} // 1024 − 192 = 832
	for _, c := range []struct {
		name, body string
		load       Load
		set        func(*Request)
		want       []broken
		remedy     string
	}{
		{
			name: "a second-order sampler", body: `{"params": {"steps": 21, "sampler_name": "k_heun"}}`,
			want: []broken{{RuleModelSteps, 42, 40,
				"21 steps of k_heun count as 42; stable_diffusion allows 40 without kudos."}},
			remedy: "To need none, ask for at most 20 steps, or set allow_downgrade.",
		},
		{
			name: "steps", body: `{"params": {"steps": 41}}`,
			want:   []broken{{RuleModelSteps, 41, 40, "stable_diffusion allows 40 steps without kudos, not 41."}},
			remedy: "ask for at most 40 steps, or",
		},
		{
			name: "a model with a limit of its own", body: `{"models": ["stable_diffusion", "fussy"], "params": {"steps": 21}}`,
			want:   []broken{{RuleModelSteps, 21, 20, "fussy allows 20 steps without kudos, not 21."}},
			remedy: "ask for at most 20 steps, or",
		},
		{
			name:   "a sampler that always takes 40",
			body:   `{"models": ["fussy"], "params": {"steps": 3, "sampler_name": "k_dpm_adaptive"}}`,
			want:   []broken{{RuleModelSteps, 40, 20, "3 steps of k_dpm_adaptive count as 40; fussy allows 20 without kudos."}},
			remedy: "choose another sampler than k_dpm_adaptive, or",
		},
		{
			name: "LCM", body: `{"params": {"steps": 12, "sampler_name": "lcm"}}`,
			want:   []broken{{RuleLCMSteps, 12, 10, "LCM allows 10 steps without kudos, not 12."}},
			remedy: "ask for at most 10 steps, or",
		},
		{
			name: "LCM by a LoRA", body: `{"params": {"steps": 6, "sampler_name": "k_heun", "loras": [{"name": "195519"}]}}`,
			want:   []broken{{RuleLCMSteps, 12, 10, "6 steps of k_heun count as 12; LCM allows 10 without kudos."}},
			remedy: "ask for at most 5 steps, or",
		},
		{
			name: "a control type", body: `{"params": {"steps": 21, "control_type": "canny"}}`,
			want:   []broken{{RuleControlSteps, 21, 20, "control_type canny allows 20 steps without kudos, not 21."}},
			remedy: "ask for at most 20 steps, or",
		},
		{
			name: "size", body: `{"params": {"width": 1088, "height": 1024}}`,
			want: []broken{{RuleSize, 1088 * 1024, 1024 * 1024,
				"1088×1024 pixels are more than the 1024×1024 that need no kudos upfront."}},
			remedy: "ask for at most 1024×1024 pixels, or",
		},
		{
			name: "size on a busy horde", body: `{"params": {"width": 1024, "height": 1024}}`, load: busy,
			want: []broken{{RuleSize, 1024 * 1024, 832 * 832,
				"1024×1024 pixels are more than the 832×832 that need no kudos upfront as busy as the horde is now."}},
			remedy: "ask for at most 832×832 pixels, or",
		},
		{
			name: "Flux keeps its size on a busy horde",
			body: `{"models": ["flux"], "params": {"width": 1024, "height": 1024, "steps": 41}}`, load: busy,
			want:   []broken{{RuleModelSteps, 41, 40, "flux allows 40 steps without kudos, not 41."}},
			remedy: "ask for at most 40 steps, or",
		},
		{
			name: "fast workers only", body: `{"slow_workers": false}`,
			want:   []broken{{RuleSlowWorkers, 0, 0, "Requests with slow_workers false always need their kudos upfront."}},
			remedy: "leave slow_workers true, or",
		},
		{
			name: "named workers", body: `{"workers": ["a", "b"]}`,
			set:    func(r *Request) { r.Server.UpfrontOnWorkerList = true },
			want:   []broken{{RuleWorkers, 2, 0, "On this horde, requests with a list of workers need their kudos upfront."}},
			remedy: "leave workers out. Or earn kudos",
		},
		{
			name:   "an unknown model with a long name",
			body:   `{"models": ["` + strings.Repeat("x", 300) + `"], "params": {"steps": 41}}`,
			want:   []broken{{RuleModelSteps, 41, 40, strings.Repeat("x", 64) + "… allows 40 steps without kudos, not 41."}},
			remedy: "ask for at most 40 steps, or",
		},
		{
			name: "several, in the order of the rulebook",
			body: `{"models": ["fussy"], "slow_workers": false, "workers": ["a"], "params": {"width": 2048, "height": 1024, "steps": 40, "sampler_name": "lcm", "control_type": "canny"}}`,
			set:  func(r *Request) { r.Server.UpfrontOnWorkerList = true },
			want: []broken{
				{RuleSlowWorkers, 0, 0, "slow_workers false"}, {RuleLCMSteps, 40, 10, "LCM allows 10"},
				{RuleModelSteps, 40, 20, "fussy allows 20"}, {RuleSize, 2048 * 1024, 1024 * 1024, "2048×1024 pixels"},
				{RuleControlSteps, 40, 20, "canny allows 20"}, {RuleWorkers, 1, 0, "list of workers"},
			},
			remedy: "leave slow_workers true, ask for at most 10 steps, ask for at most 1024×1024 pixels and leave workers " +
				"out, or",
		},
		{
			name: "who allows a smaller one is not told to", body: `{"allow_downgrade": true, "params": {"steps": 41}}`,
			want:   []broken{{RuleModelSteps, 41, 40, "not 41."}},
			remedy: "ask for at most 40 steps. Or earn kudos",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.load == (Load{}) {
				c.load = idle
			}
			r := normal(t, c.body, nobody)
			if c.set != nil {
				c.set(r)
			}
			up := r.Upfront(c.load)
			compareBroken(t, up, c.want, c.remedy)
		})
	}
}

// The same for texts (generation §2.4).
func TestTheRefusalOfATextNamesTheRulesThatWereBroken(t *testing.T) {
	for _, c := range []struct {
		name, body string
		load       Load
		named      bool // the horde wants the kudos of requests for named workers upfront
		want       []broken
		remedy     string
	}{
		{
			name: "length", body: `{"params": {"max_length": 600}}`,
			want: []broken{{RuleTextLength, 600, 512,
				"A max_length of 600 tokens is more than the 512 that need no kudos upfront."}},
			remedy: "To need none, ask for a max_length of at most 512, or set allow_downgrade.",
		},
		{
			name: "length on a busy horde", body: `{"params": {"max_length": 512}}`, load: Load{QueuedRequests: 100},
			want: []broken{{RuleTextLength, 512, 422,
				"A max_length of 512 tokens is more than the 422 that need no kudos upfront as busy as the horde is now."}},
			remedy: "at most 422, or",
		},
		{
			name: "fast workers only", body: `{"slow_workers": false}`,
			want:   []broken{{RuleSlowWorkers, 0, 0, "Requests with slow_workers false always need their kudos upfront."}},
			remedy: "leave slow_workers true, or",
		},
		{
			name: "named workers", body: `{"workers": ["a"]}`, named: true,
			want:   []broken{{RuleWorkers, 1, 0, "list of workers"}},
			remedy: "leave workers out. Or earn kudos",
		},
		{
			name: "all of them", body: `{"workers": ["a"], "slow_workers": false, "params": {"max_length": 1000}}`, named: true,
			want: []broken{
				{RuleSlowWorkers, 0, 0, "slow_workers"}, {RuleTextLength, 1000, 512, "1000 tokens"},
				{RuleWorkers, 1, 0, "list of workers"},
			},
			remedy: "leave slow_workers true, ask for a max_length of at most 512 and leave workers out, or",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := askText(t, c.body)
			r.Server.UpfrontOnWorkerList = c.named
			r.Normalize(nobody)
			compareBroken(t, r.Upfront(c.load), c.want, c.remedy)
		})
	}
}

// compareBroken looks for each rule in the list for programs and in the refusal,
// and for no others.
func compareBroken(t *testing.T, up Upfront, want []broken, remedy string) {
	t.Helper()
	rules, refusal := up.Rules(), up.Refusal(Funds{Needed: horde.KudosOf(52.5)})
	if horde.CodeOf(refusal) != horde.KudosUpfront || !up.Needed {
		t.Errorf("needed %v, refused with %v", up.Needed, refusal)
	}
	text := refusal.Error()
	if len(rules) != len(want) {
		t.Fatalf("the rules are %+v, want %+v", rules, want)
	}
	for i, w := range want {
		got := rules[i]
		if got.Rule != string(w.rule) || got.Asked != w.asked || got.Limit != w.limit || len(got.Fields) == 0 {
			t.Errorf("rule %d is %+v, want %+v", i, got, w)
		}
		if !strings.Contains(got.Text, w.text) || !strings.Contains(text, got.Text) {
			t.Errorf("rule %d says %q, the refusal %q; want %q in both", i, got.Text, text, w.text)
		}
	}

	// What clients look for, what is needed, and what can be done.
	for _, part := range []string{"kudos upfront", "52.50", remedy} {
		if !strings.Contains(text, part) {
			t.Errorf("%q is not in %q", part, text)
		}
	}
	for rule, word := range map[Rule]string{
		RuleLCMSteps: "LCM", RuleControlSteps: "control_type", RuleSlowWorkers: "slow_workers", RuleSize: "pixels",
		RuleWorkers: "list of workers",
	} {
		named := slices.ContainsFunc(want, func(b broken) bool { return b.rule == rule })
		if strings.Contains(text, word) != named {
			t.Errorf("%q names %q, though that rule was kept", text, word)
		}
	}
}

// A refusal says what the account can commit, and to the user of a shared key
// nothing of what its owner has.
func TestTheRefusalSaysWhatCanBeCommitted(t *testing.T) {
	up := normalUpfront(t)
	for _, c := range []struct {
		name  string
		funds Funds
		says  string
		hides string
	}{
		{
			name: "with a hold", funds: Funds{Balance: horde.Whole(40), Floor: horde.Whole(25), Held: horde.Whole(3)},
			says: "the 12.00 that this account can commit now: its balance of 40.00, less the floor of 25.00 and 3.00 set " +
				"aside for other requests.",
		},
		{
			name: "without", funds: Funds{Balance: horde.Whole(40), Floor: horde.Whole(25)},
			says:  "the 15.00 that this account can commit now: its balance of 40.00, less the floor of 25.00.",
			hides: "set aside",
		},
		{
			name: "the anonymous account", funds: Funds{Balance: 0, Floor: horde.Whole(-50)},
			says: "the 50.00 that this account can commit now: its balance of 0.00, less the floor of -50.00.",
		},
		{
			name: "below the floor", funds: Funds{Balance: horde.Whole(10), Floor: horde.Whole(25)},
			says: "the 0.00 that this account can commit now",
		},
		{
			name: "by a shared key", funds: Funds{Balance: horde.Whole(40), Floor: horde.Whole(25), ByKey: true},
			says: "more than the owner of the shared key can commit now.", hides: "40.00",
		},
		{
			name: "by a shared key, what can be done", funds: Funds{ByKey: true},
			says: "Or ask the key's owner, who can earn kudos", hides: "Or earn kudos",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.funds.Needed = horde.Whole(1000)
			text := up.Refusal(c.funds).Error()
			if !strings.Contains(text, "needs 1000.00 kudos upfront") || !strings.Contains(text, c.says) || c.hides != "" &&
				strings.Contains(text, c.hides) {
				t.Errorf("%q: want %q in it, and not %q", text, c.says, c.hides)
			}
		})
	}
}

func normalUpfront(t *testing.T) Upfront {
	t.Helper()
	return normal(t, `{"params": {"steps": 41}}`, nobody).Upfront(Load{})
}
