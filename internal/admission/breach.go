package admission

import (
	"fmt"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
)

// Rule names a rule by which a request needs its kudos upfront. The
// names are on the wire (api.UpfrontRule).
type Rule string

// The rules of generation §1.5 and §2.4, in their order.
const (
	RuleSlowWorkers  Rule = "slow_workers"
	RuleLCMSteps     Rule = "lcm_steps"
	RuleModelSteps   Rule = "model_steps"
	RuleSize         Rule = "size"
	RuleControlSteps Rule = "control_steps"
	RuleTextLength   Rule = "text_length"
	RuleWorkers      Rule = "workers"
)

// Breach is a rule that a request breaks.
type Breach struct {
	Rule   Rule
	Fields []string // of the request's body that the rule considers, as dotted paths
	Asked  int      // what the rule counts: steps, pixels, tokens or workers; 0: nothing
	Limit  int      // how much of that needs no kudos upfront
	Text   string   // a sentence with the figures
	Remedy string   // what would satisfy the rule, as an imperative in the middle of a sentence
}

// slowWorkersBreach is the breach of a request for fast workers only.
func slowWorkersBreach() Breach {
	return Breach{
		Rule: RuleSlowWorkers, Fields: []string{"slow_workers"},
		Text:   "Requests with slow_workers false always need their kudos upfront.",
		Remedy: "leave slow_workers true",
	}
}

// workersBreach is the breach of a request for named workers, on a horde that wants the kudos
// of such requests upfront.
func workersBreach(workers []string) Breach {
	return Breach{
		Rule: RuleWorkers, Fields: []string{"workers"}, Asked: len(workers),
		Text:   "On this horde, requests with a list of workers need their kudos upfront.",
		Remedy: "leave workers out",
	}
}

// stepsBreach is the breach of more accurate steps than who (a model, LCM, a control type)
// allows without kudos.
func (m *Image) stepsBreach(rule Rule, who string, limit int) Breach {
	text := fmt.Sprintf("%s allows %d steps without kudos, not %d.", who, limit, m.AccurateSteps)
	if m.AccurateSteps != m.Steps {
		text = fmt.Sprintf("%d steps of %s count as %d; %s allows %d without kudos.",
			m.Steps, m.Sampler, m.AccurateSteps, who, limit)
	}

	return Breach{
		Rule:   rule,
		Fields: []string{"params.steps", "params.sampler_name"},
		Asked:  m.AccurateSteps,
		Limit:  limit,
		Text:   text,
	}
}

// stepsRemedy is what keeps the accurate steps within a limit.
func (m *Image) stepsRemedy(limit int) string {
	for steps := limit; steps > 0; steps-- {
		if kudos.AccurateSteps(m.Sampler, steps) <= limit {
			return fmt.Sprintf("ask for at most %d steps", steps)
		}
	}
	return "choose another sampler than " + m.Sampler
}

// remedySteps gives every breach about steps the remedy of the strictest one.
func (m *Image) remedySteps(broken []Breach) {
	strictest := -1
	for i := range broken {
		if broken[i].aboutSteps() && (strictest < 0 || broken[i].Limit < broken[strictest].Limit) {
			strictest = i
		}
	}
	if strictest < 0 {
		return
	}

	remedy := m.stepsRemedy(broken[strictest].Limit)
	for i := range broken {
		if broken[i].aboutSteps() {
			broken[i].Remedy = remedy
		}
	}
}

func (b *Breach) aboutSteps() bool {
	return b.Rule == RuleLCMSteps || b.Rule == RuleModelSteps || b.Rule == RuleControlSteps
}

// clip cuts a name that a stranger chose, for a message.
func clip(name string) string {
	const maxBytes = 64
	if len(name) <= maxBytes {
		return name
	}
	return strings.ToValidUTF8(name[:maxBytes], "") + "…"
}

// nowBusy explains a limit that is lower than on an idle horde.
func nowBusy(limit, idle int) string {
	if limit >= idle {
		return ""
	}
	return " as busy as the horde is now"
}

// Why names the rules that a request breaks, in a sentence each; "" for none.
func (u *Upfront) Why() string {
	var texts []string
	for _, b := range u.Broken {
		texts = append(texts, b.Text)
	}
	return strings.Join(texts, " ")
}

// Rules are the rules that a request breaks, for programs.
func (u *Upfront) Rules() []api.UpfrontRule {
	rules := make([]api.UpfrontRule, len(u.Broken))
	for i, b := range u.Broken {
		rules[i] = api.UpfrontRule{Rule: string(b.Rule), Fields: b.Fields, Asked: b.Asked, Limit: b.Limit, Text: b.Text}
	}
	return rules
}

// Funds are what a request needs upfront and what the paying account has.
type Funds struct {
	Needed  horde.Kudos
	Balance horde.Kudos
	Floor   horde.Kudos // what the account keeps in any case
	Held    horde.Kudos // set aside for other requests

	// ByKey: a shared key pays, whose user is not told what its owner has.
	ByKey bool
}

// Refusal says why the kudos of an account do not suffice: which rules need them
// upfront and by what figures, what is available, and what can be done.
func (u *Upfront) Refusal(f Funds) error {
	text := fmt.Sprintf("This request needs %s kudos upfront, more than ", f.Needed)
	if f.ByKey {
		text += "the owner of the shared key can commit now."
	} else {
		text += fmt.Sprintf("the %s that this account can commit now: its balance of %s, less the floor of %s",
			f.spendable(), f.Balance, f.Floor)
		if f.Held != 0 {
			text += fmt.Sprintf(" and %s set aside for other requests", f.Held)
		}
		text += "."
	}

	var remedies []string
	for _, b := range u.Broken {
		if !slices.Contains(remedies, b.Remedy) {
			remedies = append(remedies, b.Remedy)
		}
	}

	text += " " + u.Why() + " To need none, " + enumerate(remedies)
	if u.MayDowngrade && !u.AllowsDowngrade {
		text += ", or set allow_downgrade"
	}

	last := "Or earn kudos by running a worker."
	if f.ByKey {
		last = "Or ask the key's owner, who can earn kudos by running a worker."
	}
	return horde.Errorf(horde.KudosUpfront, "%s. %s", text, last)
}

// enumerate joins imperatives into one.
func enumerate(orders []string) string {
	last := len(orders) - 1
	if last < 2 {
		return strings.Join(orders, " and ")
	}
	return strings.Join(orders[:last], ", ") + " and " + orders[last]
}

// spendable is what the account can commit, for people: never below 0.
func (f Funds) spendable() horde.Kudos { return max(0, f.Balance-f.Floor-f.Held) }
