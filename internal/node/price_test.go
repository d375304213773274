package node

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

const pricePath = "/api/ext/v1/kudos/price"

// bodies that the real routes price by their dry run.
var priced = []struct{ path, body string }{
	{"/api/v2/generate/async", `{"prompt":"a fox"}`},
	{"/api/v2/generate/async",
		`{"prompt":"a fox","models":["SDXL 1.0"],"params":{"width":1024,"height":1024,"n":3,"loras":[{"name":"x"}],"tis":[{"name":"y"}]}}`},
	{"/api/v2/generate/async",
		`{"prompt":"a fox","slow_workers":false,"worker_blacklist":true,"workers":[],"params":{"post_processing":["RestoreFormer","RealESRGAN_x4plus"]}}`},
	{"/api/v2/generate/async", `{"prompt":"a fox","source_image":"` + dot + `","params":{"denoising_strength":0.5}}`},
	{"/api/v2/generate/text/async", `{"prompt":"Once","params":{"max_length":80,"max_context_length":2048}}`},
	{"/api/v2/generate/text/async",
		`{"prompt":"Once","models":["koboldcpp/Llama-3-8B"],"params":{"max_length":200,"max_context_length":4096,"n":2}}`},
	{"/api/v2/generate/text/async", `{"prompt":"Once","models":["Sao10K/L3-8B-Stheno-v3.2"]}`},
	{"/api/v2/generate/text/async",
		`{"prompt":"Once","models":["koboldcpp/L3-8B-Stheno-v3.2.Q4_K_M","nobody/knows"],"params":{"n":2},"slow_workers":false}`},
	{"/api/v2/generate/async", `{"prompt":"a fox","models":["nobody/knows"],"params":{"n":2}}`},
}

// The breakdown ends at what the dry run answers, whichever way its kind is told.
func TestPriceIsTheDryRun(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	thousand := int64(1000)
	_, key, _, err := n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "alice", OAuthID: "test-alice"}, &thousand)
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range priced {
		var dry api.DryRun
		if w := n.call(t, "POST", c.path, key, strings.TrimSuffix(c.body, "}")+`,"dry_run":true}`,
			&dry); w.Code != http.StatusOK {
			t.Fatalf("dry run of %.60s: %d %s", c.body, w.Code, w.Body)
		}

		kind := "image"
		if strings.Contains(c.path, "text") {
			kind = "text"
		}

		for _, query := range []string{"", "?type=" + kind} {
			var p api.Price
			w := n.call(t, "POST", pricePath+query, key, c.body, &p)
			if w.Code != http.StatusOK || p.Type != kind || p.Kudos != dry.Kudos || len(p.Lines) < 3 ||
				p.Lines[len(p.Lines)-1].Kudos != dry.Kudos {
				t.Errorf("price of %.60s: %d %s, the dry run says %v", c.body, w.Code, w.Body, dry.Kudos)
			}

			if kind == "image" && (p.Charged != p.Kudos || !p.Exact || p.Net != kudos.Standard().Card().Name) {
				t.Errorf("%.60s: %+v", c.body, p)
			}

			if p.Upfront != (p.Held > 0) || p.Upfront && kind == "image" && p.Held != p.Kudos {
				t.Errorf("%.60s: upfront %v, held %v of %v", c.body, p.Upfront, p.Held, p.Kudos)
			}
		}
	}

	// Nothing of all that is in the queue.
	if live, err := n.Store.LiveRequests(t.Context(), 0); err != nil || len(live) != 0 {
		t.Errorf("%d requests were taken, %v", len(live), err)
	}
}

// The floor of a price is what an account that has less is left with.
func TestAPriceTellsItsFloor(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	zero := int64(0)
	_, key, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "poor", OAuthID: "test-poor"}, &zero)
	if err != nil {
		t.Fatal(err)
	}
	for kind, key := range map[string]string{"an account": key, "anonymous": "0000000000"} {
		const body = `{"prompt":"a fox"}`
		var p api.Price
		if w := n.call(t, "POST", pricePath, key, body, &p); w.Code != http.StatusOK {
			t.Fatalf("%s: %d %s", kind, w.Code, w.Body)
		}
		for range 30 { // 3 kudos each: enough to bring anybody to the floor
			if w := n.call(t, "POST", "/api/v2/generate/async", key, body, nil); w.Code != http.StatusAccepted {
				t.Fatalf("%s: %d %s", kind, w.Code, w.Body)
			}
		}
		var user struct{ Kudos float64 }
		if w := n.call(t, "GET", "/api/v2/find_user", key, "", &user); w.Code != http.StatusOK ||
			user.Kudos != float64(p.Floor) {
			t.Errorf("%s: has %v, and the floor is %v; %d", kind, user.Kudos, p.Floor, w.Code)
		}
	}
}

// A body that names nothing but a style is of the style's kind.
func TestAStyleSaysTheKindOfAPrice(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	for _, kind := range []string{"image", "text"} {
		name := kind + " in oil"
		body := `{"name":"` + name +
			`","info":"thick strokes","prompt":"{p} in oil{np}","models":["Qwen/Qwen3-8B"],"tags":["art"],"params":{}}`
		if kind == "image" {
			body = strings.Replace(body, "Qwen/Qwen3-8B", "SDXL 1.0", 1)
		}

		var made api.StyleModified
		if w := n.call(t, "POST", "/api/v2/styles/"+kind, admin, body, &made); w.Code != http.StatusOK {
			t.Fatalf("%d %s", w.Code, w.Body)
		}

		for _, ref := range []string{name, made.ID, "style::" + name} {
			var p api.Price
			if w := n.call(t, "POST", pricePath, admin, `{"prompt":"a fox","style":"`+ref+`"}`, &p); w.Code != http.StatusOK ||
				p.Type != kind {
				t.Errorf("%s: %d %s, want a price of kind %s", ref, w.Code, w.Body, kind)
			}
		}
	}

	for _, ref := range []string{"nobody knows it", strings.Repeat("x", 1024), "a\\u0000b"} {
		var e api.Error
		if w := n.call(t, "POST", pricePath, admin, `{"prompt":"a fox","style":"`+ref+`"}`,
			&e); w.Code != http.StatusNotFound || e.RC != "StyleNotFound" {
			t.Errorf("%s: %d %s", ref, w.Code, w.Body)
		}
	}
}

func TestAPriceHasALineForEachStep(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	thousand := int64(10_000)
	_, key, _, err := n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "alice", OAuthID: "test-alice"}, &thousand)
	if err != nil {
		t.Fatal(err)
	}

	var p api.Price
	w := n.call(t, "POST", pricePath, key, `{"prompt":"a fox","models":["SDXL 1.0"],"slow_workers":false,"worker_blacklist":true,"source_image":"`+dot+`",
		"params":{"width":1024,"height":1024,"n":2,"loras":[{"name":"x"},{"name":"y"}],"tis":[{"name":"z"}],"post_processing":["GFPGAN","RealESRGAN_x4plus"]}}`, &p)
	var codes []string
	for _, l := range p.Lines {
		codes = append(codes, l.Code)
	}

	want := "network loras tis model source_image post_processing burn slow_workers worker_blacklist each n acceptance"
	if strings.Join(codes, " ") != want || !p.Upfront || p.Held != p.Kudos || p.Tax != 3 ||
		p.N != 2 || p.Basis != "network" {
		t.Errorf("%v %s", codes, w.Body)
	}

	if total := float64(p.Tax) + 2*float64(p.Each); horde.KudosOf(total) != horde.KudosOf(float64(p.Kudos)) {
		t.Errorf("%v and twice %v are not %v", p.Tax, p.Each, p.Kudos)
	}

	for _, text := range []string{`"factor":1.3`, `"add":6.0`, "horde-1", "never returned",
		"stable_diffusion_xl", "set aside"} {
		if !strings.Contains(w.Body.String(), text) {
			t.Errorf("%s is not in %s", text, w.Body)
		}
	}
}

func TestAPriceIsRefusedWhereTheRequestWouldBe(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	_, poor, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "bob", OAuthID: "test-bob"}, nil)
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		path, key, body string
		status          int
		rc              string
	}{
		{"/api/v2/generate/async", poor, `{"prompt":"","params":{"steps":0}}`, 400, ""},
		{"/api/v2/generate/async", poor, `[]`, 400, ""},
		{"/api/v2/generate/async", poor, `{`, 400, ""},
		{"/api/v2/generate/async", "nobody", `{"prompt":"x"}`, 401, "InvalidAPIKey"},
		{"/api/v2/generate/async", poor,
			`{"prompt":"x","params":{"loras":[{"name":"a"},{"name":"b"},{"name":"c"},{"name":"d"},{"name":"e"},{"name":"f"}]}}`,
			400, "TooManyLoras"},
		{"/api/v2/generate/async", poor, `{"prompt":"x","slow_workers":false}`, 403, "KudosUpfront"},
		{"/api/v2/generate/text/async", poor,
			`{"prompt":"x","params":{"max_length":100,"max_context_length":80}}`, 400, "TokenOverflow"},
		{"/api/v2/generate/text/async", poor,
			`{"prompt":"x","slow_workers":false,"params":{"max_length":100}}`, 403, "KudosUpfront"},
		{"/api/v2/generate/text/async", poor, `{"prompt":"x","params":{"max_length":"long"}}`, 400, ""},
	} {
		t.Run(c.path+" "+c.body, func(t *testing.T) {
			real := n.call(t, "POST", c.path, c.key, strings.Replace(c.body, "{", `{"dry_run":true,`, 1), nil)
			if strings.HasPrefix(c.body, "[") || c.body == "{" {
				real = n.call(t, "POST", c.path, c.key, c.body, nil)
			}
			got := n.call(t, "POST", pricePath, c.key, c.body, nil)
			var e api.Error
			_ = json.Unmarshal(got.Body.Bytes(), &e)
			if got.Code != c.status || e.RC != c.rc || got.Body.String() != real.Body.String() {
				t.Errorf("%s: %d %s, the request itself %d %s", c.body, got.Code, got.Body, real.Code, real.Body)
			}
		})
	}

	for path, field := range map[string]string{pricePath + "?type=song": "type", pricePath: "apikey"} {
		var e api.Error
		key := poor
		if field == "apikey" {
			key = ""
		}
		if w := n.call(t, "POST", path, key, `{"prompt":"x"}`, &e); w.Code != 400 || e.Errors[field] == "" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}

	n.call(t, "PUT", "/api/v2/status/modes", admin, `{"maintenance_mode":true}`, nil)
	var e api.Error
	if n.call(t, "POST", pricePath, admin, `{"prompt":"x"}`, &e); e.RC != "MaintenanceMode" {
		t.Errorf("in maintenance: %+v", e)
	}
}

func TestAPriceSaysWhoPays(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	_, poor, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "bob", OAuthID: "test-bob"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var shared api.SharedKey
	if w := n.call(t, "PUT", "/api/v2/sharedkeys", poor, `{"kudos":500,"name":"k"}`, &shared); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	for _, c := range []struct{ key, body, note string }{
		{poor, `{"prompt":"x"}`, "Nothing is set aside"},
		{poor, `{"prompt":"x","models":[]}`, "No model is named"},
		{poor, `{"prompt":"x","models":["SDXL 1.0","stable_diffusion"]}`, "Several models"},
		{poor, `{"prompt":"x","allow_downgrade":true,"params":{"width":2048,"height":2048}}`, "made smaller"},
		{shared.ID, `{"prompt":"x"}`, "500.00 left"},
		{poor, `{"prompt":"x","params":{"max_length":80}}`, "estimate"},
	} {
		t.Run(c.body, func(t *testing.T) {
			w := n.call(t, "POST", pricePath, c.key, c.body, nil)
			if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), c.note) {
				t.Errorf("%s: %d %s, want %q", c.body, w.Code, w.Body, c.note)
			}
		})
	}
}

// The rule by which kudos are needed upfront is told with its figures: to who has
// them by the price, for people and for programs, and to who has not by the same
// sentence in the refusal of the request, of its dry run and of its price.
func TestPriceAndRefusalNameTheSameRule(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	much, forty := int64(100_000), int64(40)
	_, rich, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "alice", OAuthID: "test-alice"}, &much)
	if err != nil {
		t.Fatal(err)
	}
	_, poor, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "bob", OAuthID: "test-bob"}, &forty)
	if err != nil {
		t.Fatal(err)
	}
	var shared api.SharedKey
	if w := n.call(t, "PUT", "/api/v2/sharedkeys", poor, `{"kudos":-1,"name":"k"}`, &shared); w.Code != http.StatusOK {
		t.Fatal(w.Body)
	}
	const image, text = "/api/v2/generate/async", "/api/v2/generate/text/async"
	const many = `,"params":{"n":20,` // so that no row is within the means of the poor
	for _, c := range []struct{ path, body, rule, says string }{
		{image, `{"prompt":"x","models":["stable_diffusion"]` + many + `"steps":21,"sampler_name":"k_heun"}}`, "model_steps",
			"21 steps of k_heun count as 42; stable_diffusion allows 40 without kudos."},
		{image, `{"prompt":"x","models":["stable_diffusion"]` + many + `"steps":12,"sampler_name":"lcm"}}`, "lcm_steps",
			"LCM allows 10 steps without kudos, not 12."},
		{image, `{"prompt":"x","models":["stable_diffusion"]` + many + `"width":1088,"height":1088}}`, "size",
			"1088×1088 pixels are more than the 1024×1024"},
		{image, `{"prompt":"x","models":["stable_diffusion"],"source_image":"` + dot + `"` + many +
			`"steps":21,"control_type":"canny"}}`, "control_steps",
			"control_type canny allows 20 steps without kudos, not 21."},
		{image, `{"prompt":"x","models":["stable_diffusion"],"slow_workers":false` + many + `"steps":20}}`,
			"slow_workers", "slow_workers false"},
		{text, `{"prompt":"x"` + many + `"max_length":600,"max_context_length":2048}}`, "text_length",
			"A max_length of 600 tokens is more than the 512"},
		{text, `{"prompt":"x","slow_workers":false` + many + `"max_length":80}}`, "slow_workers", "slow_workers false"},
	} {
		t.Run(c.rule+c.path[len("/api/v2/generate"):], func(t *testing.T) {
			var p api.Price
			w := n.call(t, "POST", pricePath, rich, c.body, &p)
			if w.Code != http.StatusOK || !p.Upfront || len(p.UpfrontRules) != 1 || p.UpfrontRules[0].Rule != c.rule {
				t.Fatalf("the price: %d %s, want the rule %s", w.Code, w.Body, c.rule)
			}
			sentence := p.UpfrontRules[0].Text
			if !strings.Contains(sentence, c.says) || !slices.Contains(p.Notes, sentence) || p.UpfrontRules[0].Fields[0] == "" {
				t.Errorf("the price says %q and notes %q, want %q", sentence, p.Notes, c.says)
			}

			dry := strings.Replace(c.body, "{", `{"dry_run":true,`, 1)
			for _, call := range []struct{ path, key, body, has string }{
				{c.path, poor, c.body,
					"the 15.00 that this account can commit now: its balance of 40.00, less the floor of 25.00."},
				{c.path, poor, dry, "the 15.00 that this account can commit now"},
				{pricePath, poor, c.body, "the 15.00 that this account can commit now"},
				{c.path, shared.ID, c.body, "more than the owner of the shared key can commit now."},
				{pricePath, shared.ID, c.body, "more than the owner of the shared key can commit now."},
			} {
				var e api.Error
				w := n.call(t, "POST", call.path, call.key, call.body, &e)
				if w.Code != http.StatusForbidden || e.RC != "KudosUpfront" {
					t.Fatalf("%s: %d %s", call.path, w.Code, w.Body)
				}
				for _, part := range []string{"kudos upfront", horde.KudosOf(float64(p.Held)).String(), sentence,
					call.has, "To need none, "} {
					if !strings.Contains(e.Message, part) {
						t.Errorf("%s: %q is not in %q", call.path, part, e.Message)
					}
				}
			}
		})
	}

	// What needs nothing upfront names no rule.
	var raw map[string]any
	n.call(t, "POST", pricePath, rich, `{"prompt":"x"}`, &raw)
	if _, there := raw["upfront_rules"]; there || raw["upfront"] != false {
		t.Errorf("a small request: %v", raw)
	}
}

// Both documents describe the routes they should, and the price network has a
// name.
func TestDocumentsDescribePrices(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	for path, want := range map[string]bool{"/api/swagger.json": false, "/api/ext/v1/swagger.json": true} {
		var doc struct {
			Paths map[string]any
		}
		w := n.call(t, "GET", path, "", "", &doc)
		_, priced := doc.Paths["/ext/v1/kudos/price"]
		ours := strings.Contains(w.Body.String(), `"basis_seconds"`)
		_, async := doc.Paths["/v2/generate/async"]
		if priced != want || ours != want || async == want {
			t.Errorf("%s: price %v, its lines %v, generate %v", path, priced, ours, async)
		}
	}
	var used api.PriceNet
	n.call(t, "GET", "/api/ext/v1/kudos/net", "", "", &used)
	if c := kudos.Standard().Card(); used.Name != c.Name || used.Accuracy < 0.98 || used.Jobs != c.TrainRows {
		t.Errorf("%+v", used)
	}
}

func TestTimingsAreForgotten(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	now := time.Now().Unix() / 3600
	err := n.Store.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error {
		for _, age := range []int64{0, 24 * 89, 24 * 91} {
			tx.Time(store.Timing{Hour: now - age, Machine: "m", Features: "{}"})
		}
		return nil
	}})
	if err == nil {
		err = n.prune(t.Context())
	}
	if err != nil {
		t.Fatal(err)
	}
	var ages []int64
	err = n.Store.Timings(t.Context(), func(v store.Timing) error { ages = append(ages, now-v.Hour); return nil })
	if err != nil || !slices.Equal(ages, []int64{24 * 89, 0}) {
		t.Errorf("left are those of %v hours ago, %v", ages, err)
	}
}

// A net that knows more names than the built-in one is switched on: what went to
// the formula is priced by it, and it is named.
func TestAChosenNetPrices(t *testing.T) {
	t.Parallel()
	layers := []kudos.Layer{{In: kudos.Inputs, Out: 1, Weights: make([]float32, kudos.Inputs), Bias: []float32{1}}}
	layers[0].Weights[kudos.Inputs-kudos.RoomPosts] = 2 // RestoreFormer takes three times as long
	own, err := kudos.NewNet(kudos.Card{Name: "ours",
		Vocabulary: kudos.Vocabulary{PostProcessors: []string{"RestoreFormer"}}}, 5, layers)
	if err != nil {
		t.Fatal(err)
	}
	data := t.TempDir()
	serve := func(p *kudos.Pricer) *Node {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		n, err := Open(t.Context(), Options{Data: data, Listener: l, KeySecret: "k", Pricer: p})
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
	body := `{"prompt":"a fox","models":["stable_diffusion"],"params":{"post_processing":["RestoreFormer"]}}`
	before := serve(nil)
	var p api.Price
	before.call(t, "POST", pricePath, api.AnonymousKey, body, &p)
	if p.Basis != "formula" || p.Net != "horde-1" || p.Lines[0].Kudos != 7.8 ||
		!strings.Contains(p.Lines[0].Text, "RestoreFormer") {
		t.Errorf("by the built-in net: %+v", p)
	}
	if err := before.Close(); err != nil {
		t.Fatal(err)
	}

	after := serve(kudos.NewPricer(own))
	defer after.Close()
	after.call(t, "POST", pricePath, api.AnonymousKey, body, &p)
	if p.Basis != "network" || p.Net != "ours" || p.Lines[0].Kudos != 33 {
		t.Errorf("by the chosen net: %+v", p)
	}
	var named api.PriceNet
	after.call(t, "GET", "/api/ext/v1/kudos/net", "", "", &named)
	if named.Name != "ours" || !slices.Equal(named.PostProcessors, []string{"RestoreFormer"}) {
		t.Errorf("%+v", named)
	}
}

// The price says what allow_downgrade would make of a request, so that a page can
// ask for that instead: then nothing is refused and nothing made smaller unseen.
func TestPriceTellsTheSmallerRequest(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	const large = `{"prompt":"x","models":["stable_diffusion"]%s,"params":{"width":2048,"height":1024,"steps":60}}`
	if w := n.call(t, "POST", pricePath, api.AnonymousKey, fmt.Sprintf(large, ""), nil); w.Code != http.StatusForbidden {
		t.Fatalf("without allow_downgrade: %d %s", w.Code, w.Body)
	}

	var p api.Price
	n.call(t, "POST", pricePath, api.AnonymousKey, fmt.Sprintf(large, `,"allow_downgrade":true`), &p)
	if p.Width%64 != 0 || p.Height%64 != 0 || p.Width <= p.Height || p.Width*p.Height > 1024*1024 ||
		p.Steps >= 60 || p.Steps < 1 {
		t.Fatalf("the smaller request is %d×%d in %d steps", p.Width, p.Height, p.Steps)
	}
	smaller := fmt.Sprintf(`{"prompt":"x","models":["stable_diffusion"],"params":{"width":%d,"height":%d,"steps":%d}}`,
		p.Width, p.Height, p.Steps)
	if w := n.call(t, "POST", "/api/v2/generate/async", api.AnonymousKey, smaller, nil); w.Code != http.StatusAccepted {
		t.Errorf("the smaller request is refused: %d %s", w.Code, w.Body)
	}
}
