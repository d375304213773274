package style

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// rig is the styles of a database and some people.
type rig struct {
	*Styles
	t    testing.TB
	keys map[string]string
}

func newRig(t testing.TB, db *storetest.DB) *rig {
	t.Helper()
	h := hordetest.Open(t, db, hordetest.NewClock())
	return &rig{New(Config{Store: h.Store, Accounts: h.Accounts, Catalog: h.Catalog}), t, map[string]string{}}
}

func each(t *testing.T, test func(*rig)) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) { test(newRig(t, db)) })
}

func (r *rig) user(name string, roles account.Role) *account.User {
	r.t.Helper()
	u, key, err := r.Accounts.Create(context.Background(),
		account.NewUser{Username: name, OAuthID: "test-" + name, Roles: roles})
	if err != nil {
		r.t.Fatal(err)
	}
	r.keys[u.Username] = key
	return u
}

func ptr[T any](v T) *T { return &v }

func input(name, prompt string, models ...string) api.StyleInput {
	return api.StyleInput{Name: &name, Prompt: &prompt, Models: &models}
}

func (r *rig) make(kind horde.Kind, owner string, in api.StyleInput) string {
	r.t.Helper()
	id, _, err := r.Create(context.Background(), kind, in, r.keys[owner])
	if err != nil {
		r.t.Fatal(err)
	}
	return id
}

func wantCode(t testing.TB, what string, err error, code horde.Code) {
	t.Helper()
	if err == nil && code == "" {
		return
	}
	if err == nil || horde.CodeOf(err) != code {
		t.Errorf("%s: got %v, want code %q", what, err, code)
	}
}

func TestATemplateTakesThePrompt(t *testing.T) {
	for _, c := range []struct{ template, prompt, want string }{
		{"{p}, impasto###no blur, {np}", "a mainframe###organic", "a mainframe, impasto###no blur, organic"},
		{"{p}, impasto###no blur, {np}", "a mainframe", "a mainframe, impasto###no blur, "},
		{"{p} on paper{np}", "a hill###rain", "a hill on paper###rain"},
		{"{p} on paper{np}", "a hill", "a hill on paper"},
		{"{p} on paper{np}", "a hill###", "a hill on paper"},
		{"{p} on paper{np}", "a hill###rain###snow", "a hill on paperrain###snow"},
		{"{x} {{p}} {np}{p}", "a###b", "{x} {a} ###ba"},
		{"{p}{np}", "{np}{p}###{p}", "{np}{p}###{p}"}, // what was sent is no template
	} {
		t.Run(c.prompt+" in "+c.template, func(t *testing.T) {
			chosen := Chosen{Style: &Style{Style: store.Style{Prompt: c.template, Params: "{}"}}}
			got, _, err := chosen.Image(api.ImageRequest{Prompt: c.prompt})
			if err != nil || got.Prompt != c.want {
				t.Errorf("%q in %q: %q, want %q (%v)", c.prompt, c.template, got.Prompt, c.want, err)
			}
		})
	}
}

func TestAStyleDecidesItsParams(t *testing.T) {
	chosen := Chosen{Style: &Style{Style: store.Style{Prompt: "{p}{np}",
		Params: `{"steps":25,"height":512,"n":9,"special":{"big":12345678901234567890}}`}, Models: []string{"m"}}}
	asked := api.ImageRequest{Prompt: "x", Models: &[]string{"other"}, SourceImage: "pic", NSFW: ptr(false),
		Params: &api.ImageParams{N: ptr(3), Width: ptr(640), Height: ptr(64), Steps: ptr(9), Seed: ptr("77"),
			Tiling: ptr(true)}}

	got, raw, err := chosen.Image(asked)
	p := got.Params
	if err != nil || *p.N != 3 || *p.Width != 640 || *p.Height != 512 || *p.Steps != 25 || p.Seed != nil ||
		p.Tiling != nil ||
		!slices.Equal(*got.Models, []string{"m"}) || got.SourceImage != "pic" || *got.NSFW ||
		string(raw) != chosen.Style.Params {
		t.Errorf("%+v %+v %s %v", got, p, raw, err)
	}

	if (*asked.Models)[0] != "other" || *asked.Params.Steps != 9 {
		t.Error("the request that was sent has changed")
	}

	text, err := (&Chosen{Style: &Style{Style: store.Style{Prompt: "Tell: {p}{np}",
		Params: `{"temperature":0.8,"max_length":200}`}, Models: []string{"m"}}}).
		Text(api.TextRequest{Prompt: "a fox###x", Models: []string{"other"},
			Params: &api.TextParams{N: ptr(2), MaxLength: ptr(20)}})
	if err != nil || text.Prompt != "Tell: a fox###x" || *text.Params.N != 2 || *text.Params.MaxLength != 200 ||
		*text.Params.Temperature != 0.8 || text.Models[0] != "m" {
		t.Errorf("%+v %+v %v", text, text.Params, err)
	}
}

// A template cannot blow a prompt up.
func TestPromptIsBounded(t *testing.T) {
	chosen := Chosen{Style: &Style{Style: store.Style{Prompt: strings.Repeat("{p}", 1000) + "{np}", Params: "{}"}}}
	_, _, err := chosen.Image(api.ImageRequest{Prompt: strings.Repeat("x", 10_000)})
	wantCode(t, "ten million characters", err, horde.InvalidPromptSize)
}

// Whatever a client sends, it stands in the merged prompt as it was sent, and
// nothing of the template is lost.
func TestMergeKeepsThePrompt(t *testing.T) {
	piece := rapid.StringMatching(`[a-z{}, ]{0,8}`)
	rapid.Check(t, func(t *rapid.T) {
		before, middle, after := piece.Draw(t, "before"), piece.Draw(t, "middle"), piece.Draw(t, "after")
		for _, s := range []string{before, middle, after} {
			if strings.Contains(s, "{p}") || strings.Contains(s, "{np}") {
				t.Skip()
			}
		}
		template := before + "{p}" + middle + "###{np}" + after
		positive, negative := piece.Draw(t, "positive"), piece.Draw(t, "negative")
		got, _, err := (&Chosen{Style: &Style{Style: store.Style{Prompt: template,
			Params: "{}"}}}).Image(api.ImageRequest{Prompt: positive + "###" + negative})
		if want := before + positive + middle + "###" + negative + after; err != nil && want != "" || got.Prompt != want {
			// "{" of the template and "p}" of another piece may join to a place
			if strings.Count(template, "{p}") == 1 && strings.Count(template, "{np}") == 1 {
				t.Fatalf("%q in %q: %q, want %q (%v)", positive+"###"+negative, template, got.Prompt, want, err)
			}
		}
	})
}

func TestStylesThatCannotWorkAreRefused(t *testing.T) {
	each(t, func(r *rig) {
		r.user("trudy", account.Trusted)
		r.user("custo", account.Customizer)
		r.user("plain", 0)
		r.user("gone", account.Trusted|account.Deleted)

		ok := input("Impasto", "{p}{np}", "stable_diffusion")
		with := func(edit func(*api.StyleInput)) api.StyleInput {
			in := ok
			edit(&in)
			return in
		}

		six := []string{"a", "b", "c", "d", "e", "f"}
		for _, c := range []struct {
			what, owner string
			in          api.StyleInput
			code        horde.Code
		}{
			{"no models, no key", "nobody", api.StyleInput{Name: ok.Name}, horde.BadRequest},
			{"no key", "nobody", ok, horde.InvalidAPIKey},
			{"plain", "plain", ok, horde.StylesRequiresCustomizer},
			{"deleted", "gone", ok, horde.DeletedUser},
			{"six models", "trudy", with(func(in *api.StyleInput) { in.Models = &six }), horde.BadRequest},
			{"eleven tags", "trudy", with(func(in *api.StyleInput) { in.Tags = ptr(append(six, six...)) }), horde.BadRequest},
			{"profane name", "trudy", with(func(in *api.StyleInput) { in.Name = ptr("fuck this") }), horde.BadRequest},
			{"profane tag", "trudy", with(func(in *api.StyleInput) { in.Tags = &[]string{"shit"} }), horde.BadRequest},
			{"nothing left of the name", "trudy", with(func(in *api.StyleInput) { in.Name = ptr(" <!-- x --> ") }),
				horde.BadRequest},
			{"unknown key", "trudy", with(func(in *api.StyleInput) { in.SharedKey = "00000000-0000-4000-8000-000000000000" }),
				horde.BadRequest},
			{"no place", "trudy", with(func(in *api.StyleInput) { in.Prompt = ptr("{p}, painted") }), horde.BadRequest},
			{"hires", "trudy", with(func(in *api.StyleInput) {
				in.Models, in.Params = &[]string{"x [Flux]"}, map[string]any{"hires_fix": true}
			}), horde.HiResMismatch},
			{"special", "trudy", with(func(in *api.StyleInput) { in.Models = &[]string{"horde_special::x#1"} }),
				horde.Forbidden},
			{"special params", "trudy",
				with(func(in *api.StyleInput) {
					in.Params = map[string]any{"special": map[string]any{"a": int64(1)}}
				}), horde.BadRequest},
			{"good", "trudy", ok, ""},
			{"taken", "trudy", with(func(in *api.StyleInput) { in.Prompt = ptr("{p}, painted") }), horde.BadRequest},
			{"another's name", "custo", ok, ""},
		} {
			_, _, err := r.Create(context.Background(), horde.KindImage, c.in, r.keys[c.owner])
			wantCode(t, c.what, err, c.code)
		}

		long := strings.Repeat("y", 1001)
		for what, c := range map[string]struct {
			params map[string]any
			code   horde.Code
		}{
			"order":    {map[string]any{"sampler_order": []any{int64(1), int64(2)}}, horde.MissingFullSamplerOrder},
			"stops":    {map[string]any{"stop_sequence": []any{long, long + "z"}}, horde.ExcessiveStopSequence},
			"overflow": {map[string]any{"max_length": int64(500), "max_context_length": int64(100)}, horde.TokenOverflow},
			"good":     {map[string]any{"temperature": 0.5}, ""},
		} {
			in := input(what, "Tell: {p}", "m")
			in.Params = c.params
			_, _, err := r.Create(context.Background(), horde.KindText, in, r.keys["trudy"])
			wantCode(t, what, err, c.code)
		}
	})
}

func TestOnlyAnOwnKeyPaysForAStyle(t *testing.T) {
	each(t, func(r *rig) {
		trudy, other := r.user("trudy", account.Trusted), r.user("other", account.Trusted)
		key := func(u *account.User, kudos, days int64) string {
			k, err := r.Accounts.CreateSharedKey(t.Context(), u, account.SharedKeyChange{Kudos: &kudos, Expiry: &days})
			if err != nil {
				t.Fatal(err)
			}
			return k.ID
		}

		for what, c := range map[string]struct {
			key  string
			code horde.Code
		}{"another's": {key(other, 5, -1), horde.BadRequest}, "empty": {key(trudy, 0, -1), horde.BadRequest},
			"expired": {key(trudy, 5, -2), horde.BadRequest}, "good": {key(trudy, 5, -1), ""}} {
			in := input(what, "{p}{np}", "m")
			in.SharedKey = strings.ToUpper(c.key)
			id, _, err := r.Create(context.Background(), horde.KindImage, in, r.keys["trudy"])
			wantCode(t, what, err, c.code)
			if err != nil {
				continue
			}

			v, err := r.Get(context.Background(), horde.KindImage, id)
			if err != nil {
				t.Fatal(err)
			}

			if d, err := r.ImageDetails(context.Background(), v); err != nil || d.SharedKey == nil || d.SharedKey.ID != c.key {
				t.Errorf("%+v, %v", d.SharedKey, err)
			}
		}
	})
}

// What a change leaves out stays (platform §18 row 12).
func TestWhatAChangeLeavesOutStays(t *testing.T) {
	each(t, func(r *rig) {
		ctx := context.Background()
		r.user("trudy", account.Trusted)
		r.user("mod", account.Trusted|account.Moderator)
		in := input("Impasto", "{p}{np}, thick", "stable_diffusion")
		in.Info, in.Tags, in.Public, in.NSFW = ptr("thick & bold"), &[]string{"art", "art", "oil"}, ptr(false), ptr(true)
		in.Params = map[string]any{"steps": int64(25), "cfg_scale": 6.5, "control_type": "canny", "junk": "x",
			"seed": int64(7)}
		id := r.make(horde.KindImage, "trudy", in)
		_, _, err := r.Modify(ctx, horde.KindImage, id, api.StyleInput{Name: ptr("Mine")}, r.keys["mod"])
		wantCode(t, "a moderator", err, horde.Forbidden)
		_, _, err = r.Modify(ctx, horde.KindText, id, api.StyleInput{Name: ptr("Mine")}, r.keys["trudy"])
		wantCode(t, "as text", err, horde.BadRequest)
		_, _, err = r.Modify(ctx, horde.KindImage, "00000000-0000-4000-8000-000000000000", api.StyleInput{}, r.keys["trudy"])
		wantCode(t, "unknown", err, horde.StyleNotFound)
		if _, err := r.AddExample(ctx, id, api.StyleExampleInput{URL: ptr("https://example.com/1")},
			r.keys["trudy"]); err != nil {
			t.Fatal(err)
		}

		if _, _, err := r.Modify(ctx, horde.KindImage, id, api.StyleInput{Name: ptr("Pastose")},
			r.keys["trudy"]); err != nil {
			t.Fatal(err)
		}

		v, err := r.Get(ctx, horde.KindImage, id)
		if err != nil {
			t.Fatal(err)
		}

		if v.Name != "Pastose" || v.Info != "thick &amp; bold" || v.Prompt != "{p}{np}, thick" || v.Public || !v.NSFW ||
			!slices.Equal(v.Tags, []string{"art", "oil"}) || len(v.Examples) != 1 {
			t.Errorf("%+v", v)
		}

		var params map[string]any
		if err := json.Unmarshal([]byte(v.Params), &params); err != nil {
			t.Fatal(err)
		}

		// What a request could not send is dropped, what it could is kept.
		if got := slices.Sorted(maps.Keys(params)); !slices.Equal(got, []string{"cfg_scale", "control_type", "steps"}) {
			t.Errorf("params %v", got)
		}

		d, err := r.ImageDetails(ctx, v)
		if text, _ := json.Marshal(d.Params); err != nil || string(text) != `{"cfg_scale":6.5,"steps":25}` {
			t.Errorf("shown %s, %v", text, err)
		}

		wantCode(t, "delete by a moderator", r.Delete(ctx, horde.KindImage, id, r.keys["mod"]), "")
		_, err = r.Get(ctx, horde.KindImage, id)
		wantCode(t, "deleted", err, horde.ImageStyleNotFound)
	})
}

func TestAStyleIsFoundByEachOfItsNames(t *testing.T) {
	each(t, func(r *rig) {
		ctx := context.Background()
		trudy, other := r.user("trudy", account.Trusted), r.user("other", account.Trusted)
		first := r.make(horde.KindImage, "other", input("Oil", "{p}{np}", "m"))
		own := r.make(horde.KindImage, "trudy", input("Oil", "{p}{np}", "m"))
		text := r.make(horde.KindText, "trudy", input("Tale", "{p}", "m"))

		odd := r.make(horde.KindImage, "trudy", input("a::b", "{p}{np}", "m"))
		for ref, want := range map[string]string{
			"Oil": first, "style::Oil": first, trudy.Alias() + "::Oil": own, "style::" + trudy.Alias() + "::Oil": own,
			trudy.Alias() + "::style::Oil": own, other.Alias() + "::style::Oil": first,
			"x#" + fmt.Sprint(trudy.ID) + "::Oil": own,
			"nobody#999::Oil":                     first, "a::b": odd, "style::a::b": odd,
			"oil": "", "collection::Oil": "", "style::style::Oil": "", "": "", "Oil\x00": "", "::Oil": "",
			trudy.Alias() + "::" + other.Alias() + "::Oil": "",
		} {
			v, err := r.Named(ctx, horde.KindImage, ref)
			switch {
			case want == "":
				wantCode(t, ref, err, horde.StyleNotFound)
			case err != nil || v.ID != want:
				t.Errorf("%q: %v, %v", ref, v, err)
			}
		}

		_, err := r.Named(ctx, horde.KindImage, "Tale")
		wantCode(t, "a text style", err, horde.BadRequest)
		if c, err := r.Choose(ctx, horde.KindImage, strings.ToUpper(text)); err != nil || c.Style.Kind != horde.KindText {
			t.Errorf("%+v, %v", c, err)
		}

		// A style of the kind that is asked for comes first.
		r.make(horde.KindText, "other", input("Both", "{p}", "m"))
		both := r.make(horde.KindImage, "trudy", input("Both", "{p}{np}", "m"))
		if c, err := r.Choose(ctx, horde.KindImage, "Both"); err != nil || c.Style.ID != both {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

// Each alias before a name is looked up, so that not any number of them is.
func TestANameHasSoManyScopes(t *testing.T) {
	each(t, func(r *rig) {
		r.user("trudy", account.Trusted)
		id := r.make(horde.KindImage, "trudy", input("Fair", "{p}{np}", "m"))
		for scopes, found := range map[int]bool{0: true, maxScopes: true, maxScopes + 1: false, 5000: false} {
			ref := strings.Repeat("nobody#999::", scopes) + "Fair"
			c, err := r.Choose(context.Background(), horde.KindImage, ref)
			if found && (err != nil || c.Style.ID != id) || !found && horde.CodeOf(err) != horde.StyleNotFound {
				t.Errorf("%d scopes: %+v, %v", scopes, c, err)
			}
		}
	})
}

func FuzzNames(f *testing.F) {
	r := newRig(f, storetest.On(f, storetest.SQLite))
	r.user("trudy", account.Trusted)
	for _, ref := range []string{"a", "style::a", "collection::trudy#1::a", "trudy#1::style::a", "::", "#::#",
		"x#99999999999999999999::a", "\x00", "style::"} {
		f.Add(ref)
	}
	f.Fuzz(func(t *testing.T, ref string) {
		n, err := r.parse(context.Background(), ref)
		if err != nil || !strings.HasSuffix(ref, n.name) {
			t.Errorf("%q: %+v, %v", ref, n, err)
		}
		if _, err := r.Choose(context.Background(), horde.KindImage, ref); horde.CodeOf(err) != horde.StyleNotFound {
			t.Errorf("%q: %v", ref, err)
		}
	})
}

func TestListsOfStylesAreFiltered(t *testing.T) {
	each(t, func(r *rig) {
		ctx := context.Background()
		trudy := r.user("trudy", account.Trusted)

		var ids []string
		for i := range 27 {
			in := input(fmt.Sprintf("s%02d", i), "{p}{np}", "m"+fmt.Sprint(i%2))
			in.Tags = &[]string{"t" + fmt.Sprint(i%3)}
			ids = append(ids, r.make(horde.KindImage, "trudy", in))
		}

		secret := input("secret", "{p}{np}", "m0")
		secret.Public = ptr(false)
		r.make(horde.KindImage, "trudy", secret)
		err := r.Store.Write(ctx,
			store.Unit{Accounts: []horde.UserID{trudy.ID}, Do: func(tx *store.Tx) error { return tx.UseStyle(ids[20]) }})
		if err != nil {
			t.Fatal(err)
		}

		list := func(l Listing) (got []string) {
			l.Kind = horde.KindImage
			found, err := r.List(ctx, l)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range found {
				got = append(got, v.ID)
			}
			return got
		}
		if got := list(Listing{Sort: "age"}); !slices.Equal(got, ids[:25]) {
			t.Errorf("by age: %d", len(got))
		}

		if got := list(Listing{Sort: "age", Page: 2}); !slices.Equal(got, ids[25:]) {
			t.Errorf("page 2: %d", len(got))
		}

		if got := list(Listing{Sort: "popular", Page: -3}); got[0] != ids[20] || got[1] != ids[0] {
			t.Error("the most used is not the first")
		}

		if got := list(Listing{Sort: "age", Tag: "t1", Model: "m0"}); len(got) != 4 || got[0] != ids[4] {
			t.Errorf("by tag and model: %d", len(got))
		}

		if got := list(Listing{Sort: "age", Page: 1 << 60}); len(got) != 0 {
			t.Errorf("beyond the end: %d", len(got))
		}

		_, err = r.List(ctx, Listing{Kind: horde.KindImage, Sort: "x"})
		wantCode(t, "sort", err, horde.BadRequest)

		// The owner sees all of them among the own details, others the public ones.
		for p, want := range map[account.Privilege]int{account.Public: 27, account.Own: 28} {
			if d, err := r.Accounts.Details(ctx, trudy, p); err != nil || len(d.Styles) != want ||
				d.Styles[0].Name != trudy.Alias()+"::style::s00" {
				t.Errorf("%d styles, %v", len(d.Styles), err)
			}
		}
	})
}

func TestAStyleHasOnePrimaryExample(t *testing.T) {
	each(t, func(r *rig) {
		ctx := context.Background()
		r.user("trudy", account.Trusted)
		r.user("other", account.Trusted)

		id := r.make(horde.KindImage, "trudy", input("Oil", "{p}{np}", "m"))
		add := func(url string, primary bool) string {
			e, err := r.AddExample(ctx, id, api.StyleExampleInput{URL: &url, Primary: &primary}, r.keys["trudy"])
			if err != nil {
				t.Fatal(err)
			}
			return e
		}

		primary := func(want string) {
			t.Helper()
			v, err := r.Get(ctx, horde.KindImage, id)
			if err != nil {
				t.Fatal(err)
			}
			for _, e := range v.Examples {
				if e.Primary != (e.ID == want) {
					t.Errorf("primary %v, want %s", v.Examples, want)
				}
			}
		}

		one := add("https://example.com/1", false)
		primary(one)
		two := add("https://example.com/2", true)
		primary(two)
		three := add("https://example.com/3", false)
		primary(two)

		for url, code := range map[string]horde.Code{"http://example.com/4": horde.BadRequest, "https://": horde.BadRequest,
			"": horde.BadRequest, "https://example.com/1": horde.BadRequest,
			"https://example.com/" + strings.Repeat("x", 2000): horde.BadRequest} {
			_, err := r.AddExample(ctx, id, api.StyleExampleInput{URL: &url}, r.keys["trudy"])
			wantCode(t, url, err, code)
		}

		_, err := r.ModifyExample(ctx, id, one, api.StyleExampleInput{Primary: ptr(false)}, r.keys["other"])
		wantCode(t, "another's", err, horde.Forbidden)
		if _, err := r.ModifyExample(ctx, id, strings.ToUpper(three), api.StyleExampleInput{},
			r.keys["trudy"]); err != nil { // primary unless it says otherwise
			t.Error(err)
		}

		primary(three)
		if _, err := r.ModifyExample(ctx, id, three, api.StyleExampleInput{Primary: ptr(false)},
			r.keys["trudy"]); err != nil { // the last one stays
			t.Error(err)
		}

		primary(three)
		wantCode(t, "delete", r.DeleteExample(ctx, id, three, r.keys["trudy"]), "")
		primary(one)
		wantCode(t, "delete again", r.DeleteExample(ctx, id, three, r.keys["trudy"]), horde.StyleExampleNotFound)
		add("https://example.com/3", false)
		add("https://example.com/4", false)
		_, err = r.AddExample(ctx, id, api.StyleExampleInput{URL: ptr("https://example.com/5")}, r.keys["trudy"])
		wantCode(t, "a fifth", err, horde.Forbidden)
	})
}

func TestCollectionsHoldStylesOfOneKind(t *testing.T) {
	each(t, func(r *rig) {
		ctx := context.Background()
		r.user("trudy", account.Trusted)
		r.user("alice", 0)
		r.user("mod", account.Moderator|account.Trusted)
		one, two := r.make(horde.KindImage, "trudy", input("One", "{p}{np}", "m")),
			r.make(horde.KindImage, "trudy", input("Two", "{p}{np}", "m"))
		text := r.make(horde.KindText, "trudy", input("Tale", "{p}", "m"))
		in := func(name string, styles ...string) api.CollectionInput {
			return api.CollectionInput{Name: &name, Styles: &styles}
		}

		for what, c := range map[string]struct {
			in   api.CollectionInput
			code horde.Code
		}{"none": {in("x"), horde.BadRequest}, "unknown": {in("x", "nobody"), horde.BadRequest},
			"mixed":  {in("x", one, text), horde.BadRequest},
			"absent": {api.CollectionInput{Name: ptr("x")}, horde.BadRequest}, "profane": {in("fuck", one), horde.BadRequest}} {
			_, err := r.CreateCollection(ctx, c.in, r.keys["alice"])
			wantCode(t, what, err, c.code)
		}

		id, err := r.CreateCollection(ctx, in("Pair", one, "style::Two", "One"), r.keys["alice"])
		if err != nil {
			t.Fatal(err)
		}

		_, err = r.CreateCollection(ctx, in("Pair", one), r.keys["alice"])
		wantCode(t, "taken", err, horde.BadRequest)
		c, err := r.Collection(ctx, id)
		if err != nil || c.Type != string(horde.KindImage) || len(c.Styles) != 2 || c.Styles[0].ID != one ||
			!strings.HasSuffix(c.Styles[1].Name, "::style::Two") {
			t.Errorf("%+v, %v", c, err)
		}

		seen := map[string]bool{}
		for range 200 {
			v, err := r.Choose(ctx, horde.KindImage, "collection::Pair")
			if err != nil || v.Collection == nil || v.Collection.ID != id {
				t.Fatal(err)
			}
			seen[v.Style.ID] = true
		}

		if !seen[one] || !seen[two] {
			t.Errorf("drawn: %v", seen)
		}

		_, err = r.ModifyCollection(ctx, id, in("Pair", text), r.keys["alice"])
		wantCode(t, "other kind", err, horde.BadRequest)
		_, err = r.ModifyCollection(ctx, id, in("Pair", one), r.keys["mod"])
		wantCode(t, "a moderator", err, horde.Forbidden)
		if _, err = r.ModifyCollection(ctx, id, api.CollectionInput{Public: ptr(false)}, r.keys["alice"]); err != nil {
			t.Error(err)
		}

		if c, err = r.CollectionNamed(ctx, "Pair"); err != nil || c.Public || len(c.Styles) != 2 {
			t.Errorf("%+v, %v", c, err)
		}

		for _, style := range []string{one, two} {
			wantCode(t, "delete", r.Delete(ctx, horde.KindImage, style, r.keys["trudy"]), "")
		}

		_, err = r.Choose(ctx, horde.KindImage, id)
		wantCode(t, "nothing left", err, horde.StyleNotFound)
		if list, err := r.Collections(ctx, Listing{Kind: "all", Sort: "age"}); err != nil || len(list) != 0 {
			t.Errorf("%v, %v", list, err)
		}

		_, err = r.Collections(ctx, Listing{Kind: "x", Sort: "age"})
		wantCode(t, "type", err, horde.BadRequest)
		wantCode(t, "delete by a stranger", r.DeleteCollection(ctx, id, r.keys["trudy"]), horde.Forbidden)
		wantCode(t, "delete by a moderator", r.DeleteCollection(ctx, id, r.keys["mod"]), "")
		_, err = r.Collection(ctx, id)
		wantCode(t, "gone", err, horde.CollectionNotFound)
	})
}

func TestAUseIsPaidForByOthersOnly(t *testing.T) {
	each(t, func(r *rig) {
		ctx := context.Background()
		trudy, alice := r.user("trudy", account.Trusted), r.user("alice", 0)
		id := r.make(horde.KindImage, "trudy", input("One", "{p}{np}", "m"))
		pair, err := r.CreateCollection(ctx, api.CollectionInput{Name: ptr("All"), Styles: &[]string{id}}, r.keys["alice"])
		if err != nil {
			t.Fatal(err)
		}

		for i, asker := range []*account.User{alice, trudy, alice} {
			c, err := r.Choose(ctx, horde.KindImage, []string{id, id, pair}[i])
			if err != nil {
				t.Fatal(err)
			}

			err = r.Store.Write(ctx, store.Unit{Accounts: slices.Concat(c.Accounts(), []horde.UserID{asker.ID}),
				Do: func(tx *store.Tx) error {
					e := kudos.NewEntry(tx, fmt.Sprint("accept:", i), "test", "", "")
					if err := c.RewardOwner(tx, e, asker.ID); err != nil {
						return err
					}
					return e.Commit()
				}})
			if err != nil {
				t.Fatal(err)
			}
		}

		acc, err := r.Store.Account(ctx, trudy.ID)
		if err != nil || acc.Totals.Styled != horde.Whole(4) || acc.Totals.Styles != (store.PerKind{2}) {
			t.Errorf("%+v, %v", acc.Totals, err)
		}

		if v, err := r.Get(ctx, horde.KindImage, id); err != nil || v.UseCount != 3 {
			t.Errorf("%d uses, %v", v.UseCount, err)
		}

		if c, err := r.Collection(ctx, pair); err != nil || c.UseCount != 1 {
			t.Errorf("%d uses of the collection, %v", c.UseCount, err)
		}

		if a, err := r.Store.Audit(ctx); err != nil || !a.Sound() {
			t.Errorf("%+v, %v", a, err)
		}
	})
}
