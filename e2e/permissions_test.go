package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"horde/api"
	"horde/e2e/program"
)

// The callers of the table, in the order of its columns. The owner, a trusted user,
// has what a path names and calls last, when the others have been refused; the
// stranger is trusted with nothing; the administrator has an entry in ADMINS and no
// role.
var callers = []string{"no key", "bad key", "anonymous", "stranger", "moderator", "administrator", "owner"}

// right is one operation and what each caller is answered: ok, or status and return
// code as 403:NotOwner. "missing" is the refusal of the argument parser: 400, with a
// word about the header; "key" is 401:InvalidAPIKey.
type right struct{ call, body, answers string }

// Answers that many operations give, in the order of callers.
const (
	everybody  = "ok ok ok ok ok ok ok"
	withKey    = "missing key ok ok ok ok ok"
	moderators = "missing key 403:NotModerator 403:NotModerator ok 403:NotModerator 403:NotModerator"
	dreamers   = "missing key 403:AnonForbiddenWorker ok ok ok ok"
	deliverers = "missing key 403:WrongCredentials 403:WrongCredentials 403:WrongCredentials 403:WrongCredentials ok"
	makers     = "missing key 403:StylesRequiresCustomizer 403:StylesRequiresCustomizer ok ok ok"
	styleOwner = "missing key 403:Forbidden 403:Forbidden 403:Forbidden 403:Forbidden ok"
	ownerOrMod = "missing key 403:Forbidden 403:Forbidden ok 403:Forbidden ok"
	styleBoth  = "missing key 403:StylesAnonForbidden 403:Forbidden ok 403:Forbidden ok"
)

// rights are the permissions of platform §2 and §3: every operation of the
// document, and operations whose members have different ones once for each. What
// ends something or shuts somebody out comes last.
var rights = []right{
	{"POST /generate/async", `{"prompt":"x"}`, withKey},
	{"GET /generate/check/{id}", ``, everybody},
	{"GET /generate/status/{id}", ``, everybody},
	{"POST /generate/rate/{id}", `{"ratings":[]}`, strings.Repeat("400:AestheticsNotCompleted ", 7)},
	{"POST /generate/pop", `{"name":"dreamer of {me}","models":["stable_diffusion"]}`, dreamers},
	{"POST /generate/submit", `{"id":"{job}","generation":"R2","seed":1}`, deliverers},
	{"DELETE /generate/status/{id}", ``, everybody},

	{"POST /generate/text/async", `{"prompt":"x"}`, withKey},
	{"GET /generate/text/status/{id}", ``, everybody},
	{"POST /generate/text/pop", `{"name":"scribe of {me}","models":["stable_diffusion"]}`, dreamers},
	{"POST /generate/text/submit", `{"id":"{text job}","generation":"x"}`, deliverers},
	{"DELETE /generate/text/status/{id}", ``, everybody},

	{"POST /interrogate/async", `{"forms":[{"name":"caption"}],"source_image":"{image}"}`, withKey},
	{"GET /interrogate/status/{id}", ``, everybody},
	{"POST /interrogate/pop", `{"name":"alchemist of {me}","forms":["vectorize"]}`, dreamers},
	{"POST /interrogate/submit", `{"id":"{form}","result":{"caption":"x"}}`, deliverers},
	{"DELETE /interrogate/status/{id}", ``, everybody},

	{"GET /styles/image", ``, everybody},
	{"POST /styles/image", `{"name":"style {n}","prompt":"{p} in blue{np}","models":["stable_diffusion"]}`, makers},
	{"GET /styles/image/{style_id}", ``, everybody},
	{"PATCH /styles/image/{style_id}", `{"name":"style {n}","prompt":"{p} in red{np}"}`, styleOwner},
	{"GET /styles/image_by_name/{style_name}", ``, everybody},
	{"POST /styles/image/{style_id}/example", `{"url":"https://example.org/{n}.webp","primary":false}`, ownerOrMod},
	{"PATCH /styles/image/{style_id}/example/{example_id}", `{"url":"https://example.org/{n}.webp"}`, ownerOrMod},
	{"DELETE /styles/image/{style_id}/example/{example_id}", ``, ownerOrMod},
	{"DELETE /styles/image/{style_id}", ``, styleBoth},
	{"GET /styles/text", ``, everybody},
	{"POST /styles/text", `{"name":"style {n}","prompt":"tell {p}","models":["any model"]}`, makers},
	{"GET /styles/text/{style_id}", ``, everybody},
	{"PATCH /styles/text/{style_id}", `{"name":"style {n}","prompt":"sing {p}"}`, styleOwner},
	{"GET /styles/text_by_name/{style_name}", ``, everybody},
	{"DELETE /styles/text/{style_id}", ``, styleBoth},

	{"GET /collections", ``, everybody},
	{"POST /collections", `{"name":"collection {n}","styles":["{style}"]}`,
		"missing key 403:StylesAnonForbidden ok ok ok ok"},
	{"GET /collections/{collection_id}", ``, everybody},
	{"PATCH /collections/{collection_id}", `{"name":"collection {n}","styles":["{style}"]}`, styleOwner},
	{"GET /collection_by_name/{collection_name}", ``, everybody},
	{"DELETE /collections/{collection_id}", ``, styleBoth},

	{"GET /users", ``, everybody},
	{"GET /users/{user_id}", ``, "ok key ok ok ok ok ok"},
	{"PUT /users/{user_id}", `{"username":"owner {n}"}`,
		"missing key 403:NotModerator 403:NotModerator ok 403:NotModerator ok"},
	{"PUT /users/{user_id}", `{"concurrency":30}`, moderators},
	{"PUT /users/{user_id}", `{"kudos":1}`, "missing key 403:NotAdmin 403:NotAdmin 403:NotAdmin ok 403:NotAdmin"},
	{"PUT /users/{user_id}", `{"moderator":false}`, "missing key 403:NotAdmin 403:NotAdmin 403:NotAdmin ok 403:NotAdmin"},
	{"PUT /users/{user_id}", `{"generate_proxy_passkey":true}`,
		"missing key 403:NotModerator 403:NotModerator 403:NonServiceForbidden 403:NotModerator 403:NonServiceForbidden"},
	{"GET /find_user", ``, "key 404:UserNotFound ok ok ok ok ok"},
	{"PUT /sharedkeys", `{"name":"for {n}"}`, "missing key 403:AnonForbidden ok ok ok ok"},
	{"GET /sharedkeys/{sharedkey_id}", ``, everybody},
	{"PATCH /sharedkeys/{sharedkey_id}", `{"name":"of {n}"}`, styleOwner},
	{"DELETE /sharedkeys/{sharedkey_id}", ``, styleOwner},

	{"GET /workers", ``, everybody},
	{"GET /workers/{worker_id}", ``, everybody},
	{"GET /workers/name/{worker_name}", ``, everybody},
	{"PUT /workers/{worker_id}", `{"info":"about {n}"}`, "missing key 403:NotOwner 403:NotOwner ok 403:NotOwner ok"},
	{"PUT /workers/{worker_id}", `{"maintenance":false}`, "missing key 403:NotOwner 403:NotOwner ok 403:NotOwner ok"},
	{"PUT /workers/{worker_id}", `{"name":"worker {n}"}`,
		"missing key 403:NotModerator 403:NotModerator ok 403:NotModerator ok"},
	{"PUT /workers/{worker_id}", `{"paused":false}`, moderators},
	{"GET /workers/messages", ``, withKey},
	{"POST /workers/messages", `{"worker_id":"{worker}","message":"x"}`,
		"missing key 403:AnonForbidden 403:MessagesOnlyOwnWorkers ok 403:MessagesOnlyOwnWorkers ok"},
	{"GET /workers/messages/{message_id}", ``, everybody},
	{"DELETE /workers/messages/{message_id}", ``, ownerOrMod},
	{"DELETE /workers/{worker_id}", ``, "key key 403:NotModerator 403:NotModerator ok 403:NotModerator ok"},

	{"POST /kudos/transfer", `{"username":"bystander#{bystander}","amount":1}`,
		"missing key 400:KudosTransferFromAnon ok ok ok ok"},
	{"POST /kudos/award", `{"username":"bystander#{bystander}","amount":1}`,
		"missing key 403:NotAllowedAwards 403:NotAllowedAwards 403:NotAllowedAwards ok 403:NotAllowedAwards"},

	{"GET /status/modes", ``, "ok key 403:NotModerator 403:NotModerator ok 403:NotModerator 403:NotModerator"},
	{"PUT /status/modes", `{"invite_only_mode":false}`, moderators},
	{"PUT /status/modes", `{"maintenance_mode":false}`,
		"missing key 403:NotAdmin 403:NotAdmin 403:NotAdmin ok 403:NotAdmin"},
	{"GET /status/performance", ``, everybody},
	{"GET /status/models", ``, everybody},
	{"GET /status/models/{model_name}", ``, everybody},
	{"GET /status/news", ``, everybody},
	{"GET /status/heartbeat", ``, everybody},
	{"GET /stats/img/totals", ``, everybody},
	{"GET /stats/img/models", ``, everybody},
	{"GET /stats/text/totals", ``, everybody},
	{"GET /stats/text/models", ``, everybody},
	{"GET /documents/terms", ``, everybody},
	{"GET /documents/privacy", ``, everybody},
	{"GET /documents/sponsors", ``, everybody},

	{"GET /teams", ``, everybody},
	{"POST /teams", `{"name":"team {n}"}`, "missing key 403:AnonForbidden 403:UntrustedTeamCreation ok ok ok"},
	{"GET /teams/{team_id}", ``, "ok key 403:NotModerator 403:NotModerator ok 403:NotModerator 403:NotModerator"},
	{"PATCH /teams/{team_id}", `{"info":"about {n}"}`, "key key 403:NotOwner 403:NotOwner ok 403:NotOwner ok"},
	{"PATCH /teams/{team_id}", `{"name":"team {n}"}`, "key key 403:NotModerator 403:NotModerator ok 403:NotModerator ok"},
	{"DELETE /teams/{team_id}", ``, "key key 403:NotModerator 403:NotModerator ok 403:NotModerator ok"},

	{"GET /filters", ``, moderators},
	{"PUT /filters", `{"regex":"zz{n}","filter_type":10}`, moderators},
	{"POST /filters", `{"prompt":"x"}`, moderators},
	{"GET /filters/regex", ``, moderators},
	{"GET /filters/{filter_id}", ``, moderators},
	{"PATCH /filters/{filter_id}", `{"description":"about {n}"}`, moderators},
	{"DELETE /filters/{filter_id}", ``, moderators},

	{"DELETE /users/{user_id}", ``, "key key 403:AnonForbiddenUser 403:NotUserOrMod ok 403:NotUserOrMod ok"},
	{"GET /operations/ipaddr", ``, moderators},
	{"GET /operations/ipaddr/{ipaddr}", ``, moderators},
	{"POST /operations/ipaddr", `{"ipaddr":"203.0.113.9","hours":1}`, moderators},
	{"DELETE /operations/ipaddr", `{"ipaddr":"203.0.113.9"}`, moderators},
	{"PUT /operations/block_worker_ipaddr/{worker_id}", `{"days":1}`, moderators},
	{"DELETE /operations/block_worker_ipaddr/{worker_id}", ``, moderators},
}

// TestRights: every operation of the document answers each kind of caller as the
// rulebook says, in status and return code.
func TestRights(t *testing.T) {
	t.Parallel()
	// The administrator comes first: account 1 awards kudos.
	srv := program.Start(t, program.Setup{Env: []string{`ADMINS=["administrator#1"]`}})
	w := newHousehold(t, srv)

	var d struct {
		Paths map[string]map[string]struct{ Responses map[string]any }
	}
	raw := withoutPathParameters(t, srv)
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	known := map[string]int{} // operation → status of success
	for path, item := range d.Paths {
		for method, op := range item {
			for status := range op.Responses {
				if status[0] == '2' {
					var n int
					_, _ = fmt.Sscan(status, &n)
					known[strings.ToUpper(method)+" "+strings.TrimPrefix(path, "/v2")] = n
				}
			}
		}
	}
	for op := range known {
		if !slices.ContainsFunc(rights, func(r right) bool { return r.call == op }) {
			t.Errorf("%s has no line", op)
		}
	}
	calls := 0
	for _, r := range rights {
		success, ok := known[r.call]
		if !ok {
			t.Logf("%s is not in the document yet", r.call)
			continue
		}
		answers := strings.Fields(r.answers)
		if len(answers) != len(callers) {
			t.Fatalf("%s: %d answers", r.call, len(answers))
		}
		for i, caller := range callers {
			calls++
			w.check(t, r, caller, answers[i], success)
		}
	}
	t.Logf("%d operations, %d calls", len(known), calls)
}

// withoutPathParameters is the document with operations only in its paths.
func withoutPathParameters(t *testing.T, srv *program.Server) []byte {
	t.Helper()
	status, body := call(t, http.MethodGet, srv.URL+"/api/swagger.json", "", "")
	var d map[string]any
	decodeAs(t, http.StatusOK, status, body, &d)
	for _, item := range d["paths"].(map[string]any) {
		delete(item.(map[string]any), "parameters")
	}
	raw, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// household is a horde with an account for each caller and, made when asked for,
// things that belong to the owner.
type household struct {
	srv       *program.Server
	keys      map[string]string // caller → key
	ids       map[string]int    // caller → number of the account
	things    map[string]string // kind → id, until something ends it
	leaverKey string
	n         int
}

func newHousehold(t *testing.T, srv *program.Server) *household {
	t.Helper()
	w := &household{srv: srv, keys: map[string]string{"no key": "", "bad key": "nobody", "anonymous": api.AnonymousKey},
		ids: map[string]int{}, things: map[string]string{}}
	for _, name := range []string{"administrator", "moderator", "owner", "stranger", "bystander"} {
		roles := `"moderator":false,"trusted":true`
		switch name {
		case "moderator":
			roles = `"moderator":true,"trusted":true`
		case "stranger":
			roles = `"moderator":false,"trusted":false`
		}
		w.account(t, name, roles)
	}
	return w
}

// account makes an account with a name and roles, as the body names them.
func (w *household) account(t *testing.T, name, roles string) {
	t.Helper()
	status, body := call(t, http.MethodPost, w.srv.URL+"/api/v2/dev/test-user", "",
		fmt.Sprintf(`{"username":%q,"oauth_id":%q,"kudos":100000,%s}`, name, name, roles))
	var u api.TestUser
	decodeAs(t, http.StatusCreated, status, body, &u)
	w.keys[name] = u.APIKey
	var id int
	_, _ = fmt.Sscan(u.UserID, &id)
	w.ids[name] = id
}

// check makes one call and compares its answer.
func (w *household) check(t *testing.T, r right, caller, wanted string, success int) {
	t.Helper()
	method, path, _ := strings.Cut(r.call, " ")
	w.n++
	body := w.fillBody(t, r.body, caller)
	target, kind := w.fillPath(t, method, path)
	key := w.keys[caller]
	if caller == "owner" && kind == "leaver" {
		key = w.leaverKey
	}

	status, answer := call(t, method, w.srv.URL+"/api/v2"+target, key, body)
	if status < 300 && method == http.MethodDelete {
		delete(w.things, kind)
	}

	var said struct {
		RC     string
		Errors map[string]string
	}

	_ = json.Unmarshal([]byte(answer), &said)
	got := fmt.Sprintf("%d:%s", status, said.RC)
	switch {
	case status == success:
		got = "ok"
	case status == http.StatusBadRequest && said.RC == "" && said.Errors["apikey"] != "":
		got = "missing"
	case got == "401:InvalidAPIKey":
		got = "key"
	}

	if got != wanted {
		t.Errorf("%s %s by %s: %s, want %s: %s", r.call, r.body, caller, got, wanted, clipped(answer))
	}
}

// fillBody puts what exists for the words in braces.
func (w *household) fillBody(t *testing.T, body, caller string) string {
	t.Helper()
	for _, kind := range []string{"job", "text job", "form", "style", "worker"} {
		if strings.Contains(body, "{"+kind+"}") {
			name := w.thing(t, kind)
			if kind == "style" {
				name = w.nameOf(t, "styles/image/"+name)
			}
			body = strings.ReplaceAll(body, "{"+kind+"}", name)
		}
	}
	return strings.NewReplacer("{me}", caller, "{n}", fmt.Sprint(w.n), "{image}", tinyImage(), "{bystander}",
		fmt.Sprint(w.ids["bystander"])).Replace(body)
}

// kindsOfPaths is what a path with a parameter names, by how it begins.
var kindsOfPaths = []struct{ prefix, kind string }{
	{"/generate/text/", "text request"}, {"/generate/", "request"}, {"/interrogate/", "alchemy"},
	{"/styles/text", "text style"}, {"/styles/image", "style"}, {"/collection", "collection"}, {"/users/", "user"},
	{"/sharedkeys/", "shared key"}, {"/workers/messages/", "message"}, {"/workers/", "worker"},
	{"/operations/block_worker_ipaddr/", "worker"}, {"/teams/", "team"}, {"/filters/", "filter"},
}

// fillPath puts things of the owner into a path, and says of which kind the one is
// that a DELETE ends.
func (w *household) fillPath(t *testing.T, method, path string) (target, kind string) {
	t.Helper()
	if !strings.Contains(path, "{") {
		return path, ""
	}

	for _, k := range kindsOfPaths {
		if strings.HasPrefix(path, k.prefix) {
			kind = k.kind
			break
		}
	}

	if kind == "user" && method == http.MethodDelete {
		kind = "leaver"
	}

	if kind == "" {
		return strings.NewReplacer("{ipaddr}", "203.0.113.9", "{model_name}", "stable_diffusion").Replace(path), ""
	}

	id := w.thing(t, kind)
	if strings.Contains(path, "{example_id}") {
		path = strings.ReplaceAll(path, "{example_id}", w.thing(t, "example"))
		kind = "example"
	} else if strings.HasSuffix(path, "/example") {
		kind = "style" // a style has room for four: begin a new one for each
		delete(w.things, "style")
		delete(w.things, "example")
		id = w.thing(t, kind)
	}

	before, rest, _ := strings.Cut(path, "{")
	name, after, _ := strings.Cut(rest, "}")
	if strings.HasSuffix(name, "_name") {
		lists := map[string]string{"style": "styles/image/", "text style": "styles/text/",
			"collection": "collections/", "worker": "workers/"}
		id = url.PathEscape(w.nameOf(t, lists[kind]+id))
	}

	return before + id + after, kind
}

// nameOf is the name of what lies at a path.
func (w *household) nameOf(t *testing.T, path string) string {
	t.Helper()
	status, body := call(t, http.MethodGet, w.srv.URL+"/api/v2/"+path, "", "")
	var named struct{ Name string }
	decodeAs(t, http.StatusOK, status, body, &named)
	return named.Name
}

// making are the calls that make a thing of a kind, by its owner, and return its id.
// A number makes names unique.
var making = map[string]func(t *testing.T, w *household, n string) string{
	"request": func(t *testing.T, w *household, _ string) string {
		return w.own(t, 202, "POST", "generate/async", `{"prompt":"x","models":["never"]}`)
	},
	"text request": func(t *testing.T, w *household, _ string) string {
		return w.own(t, 202, "POST", "generate/text/async", `{"prompt":"x","models":["never"]}`)
	},
	"alchemy": func(t *testing.T, w *household, _ string) string {
		return w.own(t, 202, "POST", "interrogate/async", `{"forms":[{"name":"nsfw"}],"source_image":"`+tinyImage()+`"}`)
	},
	"job": func(t *testing.T, w *household, _ string) string {
		w.own(t, 202, "POST", "generate/async", `{"prompt":"x","models":["stable_diffusion"]}`)
		return w.own(t, 200, "POST", "generate/pop",
			`{"name":"dreamer","models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13:x"}`)
	},
	"text job": func(t *testing.T, w *household, _ string) string {
		w.own(t, 202, "POST", "generate/text/async", `{"prompt":"x","models":["any model"]}`)
		return w.own(t, 200, "POST", "generate/text/pop",
			`{"name":"scribe","models":["any model"],"bridge_agent":"KoboldCppEmbedWorker:2:x"}`)
	},
	"form": func(t *testing.T, w *household, _ string) string {
		w.own(t, 202, "POST", "interrogate/async", `{"forms":[{"name":"caption"}],"source_image":"`+tinyImage()+`"}`)
		status, body := call(t, http.MethodPost, w.srv.URL+"/api/v2/interrogate/pop", w.keys["owner"],
			`{"name":"alchemist","forms":["caption"]}`)
		var job api.AlchemyJob
		decodeAs(t, http.StatusOK, status, body, &job)
		if len(job.Forms) != 1 {
			t.Fatalf("no form: %s", body)
		}
		return job.Forms[0].ID
	},
	"style": func(t *testing.T, w *household, n string) string {
		return w.own(t, 200, "POST", "styles/image",
			`{"name":"own `+n+`","prompt":"{p} in blue{np}","models":["stable_diffusion"]}`)
	},
	"text style": func(t *testing.T, w *household, n string) string {
		return w.own(t, 200, "POST", "styles/text", `{"name":"own `+n+`","prompt":"tell {p}","models":["any model"]}`)
	},
	"example": func(t *testing.T, w *household, n string) string {
		return w.own(t, 200, "POST", "styles/image/"+w.things["style"]+"/example",
			`{"url":"https://example.org/own`+n+`.webp","primary":false}`)
	},
	"collection": func(t *testing.T, w *household, n string) string {
		member := w.own(t, 200, "POST", "styles/image",
			`{"name":"member `+n+`","prompt":"{p} in blue{np}","models":["stable_diffusion"]}`)
		return w.own(t, 200, "POST", "collections",
			`{"name":"own `+n+`","styles":["`+w.nameOf(t, "styles/image/"+member)+`"]}`)
	},
	"user": func(_ *testing.T, w *household, _ string) string { return fmt.Sprint(w.ids["owner"]) },
	"leaver": func(t *testing.T, w *household, n string) string {
		w.account(t, "leaver "+n, `"moderator":false,"trusted":true`)
		w.leaverKey = w.keys["leaver "+n]
		return fmt.Sprint(w.ids["leaver "+n])
	},
	"shared key": func(t *testing.T, w *household, n string) string {
		return w.own(t, 200, "PUT", "sharedkeys", `{"name":"own `+n+`"}`)
	},
	"worker": func(t *testing.T, w *household, n string) string {
		w.own(t, 200, "POST", "generate/pop", `{"name":"own `+n+`","models":["stable_diffusion"]}`)
		return w.own(t, 200, "GET", "workers/name/own%20"+n, "")
	},
	"message": func(t *testing.T, w *household, n string) string {
		w.own(t, 200, "POST", "generate/pop", `{"name":"told `+n+`","models":["stable_diffusion"]}`)
		return w.own(t, 200, "POST", "workers/messages",
			`{"worker_id":"`+w.own(t, 200, "GET", "workers/name/told%20"+n, "")+`","message":"x"}`)
	},
	"team": func(t *testing.T, w *household, n string) string {
		return w.own(t, 200, "POST", "teams", `{"name":"own `+n+`"}`)
	},
	"filter": func(t *testing.T, w *household, n string) string {
		return want(t, 201, "PUT", w.srv.URL+"/api/v2/filters", w.keys["moderator"], `{"regex":"own`+n+`","filter_type":10}`)
	},
}

// own makes a call of the owner's and returns the answer's id.
func (w *household) own(t *testing.T, status int, method, path, body string) string {
	t.Helper()
	return want(t, status, method, w.srv.URL+"/api/v2/"+path, w.keys["owner"], body)
}

// thing is the id of something of the owner's, which is made when there is none.
func (w *household) thing(t *testing.T, kind string) string {
	t.Helper()
	if w.things[kind] == "" {
		w.n++
		w.things[kind] = making[kind](t, w, fmt.Sprint(w.n))
	}
	return w.things[kind]
}
