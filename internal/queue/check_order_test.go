package queue

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"image"
	"image/png"
	"net/netip"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/moderation"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// attempt is a request and the world that it comes into; rows are violated by
// changing it.
type attempt struct {
	roles  account.Role
	anon   bool
	key    keyState
	modes  admission.Server
	banned bool // its address is in timeout
	unsafe bool // its address is judged unsafe
	agent  string
	raw    string // params as sent
	image  api.ImageRequest
	text   api.TextRequest
}

// keyState is what is wrong with the key that is sent. Without a field set it is
// the account's own.
type keyState struct{ unknown, empty, expired, styled, small, limited bool }

func (state keyState) shared() bool {
	state.unknown = false
	return state != keyState{}
}

const (
	ownAlias  = "<alias>" // stands for the caller's in the names of models
	anySource = "https://example.org/source.png"
	noSource  = "https://example.org/missing.png"
)

func (a *attempt) name(models ...string) {
	all := append(slices.Clone(*a.image.Models), models...)
	a.image.Models, a.text.Models = &all, all
}

func (a *attempt) params() *api.ImageParams { return a.image.Params }

func (a *attempt) source() {
	if a.image.SourceImage == "" {
		a.image.SourceImage = anySource
	}
}

func (a *attempt) extras(n int) {
	for range n - len(a.image.ExtraSourceImages) {
		a.image.ExtraSourceImages = append(a.image.ExtraSourceImages, api.ExtraSource{Image: anySource})
	}
	a.text.ExtraSourceImages = a.image.ExtraSourceImages
}

func (a *attempt) prompt(text string) { a.image.Prompt, a.text.Prompt = text, text }

func (a *attempt) n(n int) {
	a.image.Params.N, a.text.Params.N = ptr(n), ptr(n)
}

// orderRow is a row of a table of checks: what violates it, and how to see that it
// is violated still when another row is violated beside it. Rows of the tables in
// admission answer that themselves.
type orderRow struct {
	row     string
	code    horde.Code
	violate func(a *attempt, w *orderWorld)
	still   func(a *attempt, u *account.User) bool
}

// table is the number of a row in a table of admission.
func (rule *orderRow) table() (row int) {
	fmt.Sscanf(rule.row, "%d", &row)
	return row
}

// fetches counts the images that were fetched. Those with "missing" in their
// address are not there.
type fetches struct {
	n    atomic.Int64
	file []byte
}

func (f *fetches) Fetch(_ context.Context, url string) ([]byte, error) {
	f.n.Add(1)
	if strings.Contains(url, "missing") {
		return nil, horde.Errorf(horde.ImageValidationFailed, "It is not there.")
	}
	return f.file, nil
}

// orderWorld is a node with everything that rows look at.
type orderWorld struct {
	*node
	t         testing.TB
	fetched   *fetches
	persons   map[string]hordetest.Person
	textStyle string // the id of a style for texts
	swelling  map[horde.Kind]string
	calls     int
	banned    netip.Addr
}

const orderModels = `{"sd2-512": {"baseline": "stable diffusion 2 512", "type": "ckpt"}, "xl": {"baseline": "stable_diffusion_xl", "type": "ckpt"},
"cascade": {"baseline": "stable_cascade", "type": "ckpt"}, "flux": {"baseline": "flux_1", "type": "ckpt"},
"cn": {"baseline": "stable diffusion 1", "type": "controlnet"}, "plain": {"baseline": "stable diffusion 1", "type": "ckpt"}}`

func newOrderWorld(t *testing.T, db *storetest.DB) *orderWorld {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 8, 8))); err != nil {
		t.Fatal(err)
	}
	w := &orderWorld{node: newNode(t, db, hordetest.NewClock()), t: t, fetched: &fetches{file: b.Bytes()},
		persons:  map[string]hordetest.Person{},
		swelling: map[horde.Kind]string{}, banned: netip.MustParseAddr("198.51.100.9")}
	w.Sources = w.fetched
	withFilters(t, w.node)
	target, err := moderation.ParseTarget(w.banned.String())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Addresses.Ban(t.Context(), target, time.Hour); err != nil {
		t.Fatal(err)
	}

	file := filepath.Join(t.TempDir(), "models.json")
	if err := os.WriteFile(file, []byte(orderModels), 0o600); err != nil {
		t.Fatal(err)
	}
	if w.Catalog, err = catalog.New(catalog.Config{Images: file}); err != nil {
		t.Fatal(err)
	}
	owner := w.node.person(t, false, 1000)
	w.textStyle = w.style(owner, "text", "{p}{np}", "")
	for _, kind := range []horde.Kind{horde.KindImage, horde.KindText} {
		w.swelling[kind] = w.style(owner, kind, strings.Repeat("{p}", 1000)+"{np}", "")
	}
	return w
}

// style makes a style that a shared key may pay for.
func (world *orderWorld) style(owner hordetest.Person, kind horde.Kind, prompt, key string) string {
	v := store.Style{ID: horde.NewID(), Kind: kind, UserID: owner.ID, Name: horde.NewID(), Prompt: prompt, Params: "{}",
		Tags:   "[]",
		Models: `["plain"]`, Examples: "[]", SharedKey: key}
	err := world.Store.Write(context.Background(),
		store.Unit{Accounts: []horde.UserID{owner.ID}, Do: func(tx *store.Tx) error { return tx.InsertStyle(v, nil, nil) }})
	if err != nil {
		world.t.Fatal(err)
	}
	return v.ID
}

// caller is an account of the roles and with the key that an attempt wants. All
// are moderators, so that a refused prompt has no consequences, and poor.
func (world *orderWorld) caller(a *attempt) hordetest.Person {
	id := fmt.Sprint(a.roles, a.anon, a.key)
	if p, ok := world.persons[id]; ok {
		return p
	}

	ctx := context.Background()
	u, key, err := world.Accounts.Create(ctx,
		account.NewUser{Username: "u", OAuthID: "g_" + id, Roles: a.roles | account.Moderator})
	if a.anon {
		key = api.AnonymousKey
		u, err = world.Accounts.ByKey(ctx, key)
	}
	if err != nil {
		world.t.Fatal(err)
	}

	p := hordetest.Person{User: u, Key: key}
	if !a.anon {
		world.setBalance(world.t, p, horde.Whole(26))
	}

	if k := a.key; k.unknown {
		p.Key = "no key of anybody"
	} else if k.shared() && !a.anon {
		change := account.SharedKeyChange{Kudos: ptr(int64(-1))}
		switch {
		case k.empty:
			change.Kudos = ptr(int64(0))
		case k.small:
			change.Kudos = ptr(int64(1))
		}

		if k.expired {
			change.Expiry = ptr(int64(-2))
		}

		if k.limited {
			change.MaxPixels, change.MaxTokens = ptr(int64(1)), ptr(int64(1))
		}

		p.Key = world.node.key(world.t, p, change)
		if k.styled {
			world.style(p, "image", "{p}{np}", p.Key)
		}
	}

	world.persons[id] = p
	return p
}

// ask makes the request of an attempt.
func (world *orderWorld) ask(a *attempt) (hordetest.Person, ImageRequest, TextRequest) {
	p := world.caller(a)
	world.modes = a.modes
	world.calls++
	from := From{Key: p.Key, ClientAgent: a.agent, UnsafeIP: a.unsafe,
		Addr: netip.AddrFrom4([4]byte{203, byte(world.calls >> 16), byte(world.calls >> 8), byte(world.calls)})}
	if a.banned {
		from.Addr = world.banned
	}
	body := a.image
	models := slices.Clone(*body.Models)
	for i := range models {
		models[i] = strings.ReplaceAll(models[i], ownAlias, p.Alias())
	}
	body.Models = &models
	return p, ImageRequest{Body: body, RawParams: json.RawMessage(a.raw), From: from}, TextRequest{Body: a.text,
		From: from}
}

// clone copies what rows change.
func (a attempt) clone() *attempt {
	params, text := *a.image.Params, *a.text.Params
	a.image.Params, a.text.Params = &params, &text
	for _, list := range []*[]string{&a.image.Workers, &a.text.Workers, &params.PostProcessing} {
		*list = slices.Clone(*list)
	}
	a.image.ExtraSourceImages = slices.Clone(a.image.ExtraSourceImages)
	a.text.ExtraSourceImages = slices.Clone(a.text.ExtraSourceImages)
	params.Loras, params.TIs, params.ExtraTexts = slices.Clone(params.Loras), slices.Clone(params.TIs),
		slices.Clone(params.ExtraTexts)
	return &a
}

// plainAttempt is a request that every row lets pass.
func plainAttempt() *attempt {
	models := []string{"plain"}
	a := &attempt{agent: "test:1:x", raw: "{}"}
	a.image = api.ImageRequest{Prompt: "a red fox", Models: &models, ReplacementFilter: ptr(false),
		Params: &api.ImageParams{N: ptr(1), Width: ptr(64), Height: ptr(64), Steps: ptr(4)}}
	a.text = api.TextRequest{Prompt: "a red fox", Models: models,
		Params: &api.TextParams{N: ptr(1), MaxLength: ptr(16), MaxContextLength: ptr(1024)}}
	return a
}

var (
	longName = strings.Repeat("é", 256)
	tooMany  = 5000 // jobs, more than any account may have waiting
)

// withKey is a row that holds while the sent key is a shared one in that state.
func withKey(is func(keyState) bool) func(*attempt, *account.User) bool {
	return func(a *attempt, _ *account.User) bool { return is(a.key) && !a.key.unknown && !a.anon }
}

// commonRows are the rows up to 22, which are the same for images and text.
func commonRows() []orderRow {
	return []orderRow{
		{"3", horde.StyleNotFound,
			func(a *attempt, _ *orderWorld) { a.image.Style, a.text.Style = "nobody made it", "nobody made it" }, nil},
		{"4", horde.BadRequest, func(a *attempt, w *orderWorld) {
			a.image.Style, a.text.Style = w.textStyle,
				w.swelling["image"]
		}, nil},
		{"5", horde.MaintenanceMode, func(a *attempt, _ *orderWorld) { a.modes.Maintenance = true }, nil},
		{"6", horde.BadRequest, func(a *attempt, _ *orderWorld) {
			a.image.Webhook, a.text.Webhook = "http://a.example", "http://a.example"
		}, nil},
		{"7", horde.SharedKeyEmpty, func(a *attempt, _ *orderWorld) { a.key.empty = true },
			withKey(func(k keyState) bool { return k.empty })},
		{"8", horde.SharedKeyExpired, func(a *attempt, _ *orderWorld) { a.key.expired = true },
			withKey(func(k keyState) bool { return k.expired })},
		{"9", horde.SharedKeyAssignedStyles, func(a *attempt, _ *orderWorld) { a.key.styled = true },
			withKey(func(k keyState) bool { return k.styled })},
		{"10", horde.InvalidAPIKey, func(a *attempt, _ *orderWorld) { a.key.unknown = true },
			func(a *attempt, _ *account.User) bool { return a.key.unknown && !a.anon }},
		{"11", horde.OnlyServiceAccountProxy,
			func(a *attempt, _ *orderWorld) { a.image.ProxiedAccount, a.text.ProxiedAccount = "x", "x" }, nil},
		{"12", horde.DeletedUser, func(a *attempt, _ *orderWorld) { a.roles |= account.Deleted }, nil},
		{"13", horde.TooManyExtraSourceImagesWithStop, func(a *attempt, _ *orderWorld) { a.extras(6) }, nil},
		{"14", horde.MoreThanMinExtraSourceImageWithStop, func(a *attempt, _ *orderWorld) { a.extras(2) }, nil},
		{"15", horde.BadRequest, func(a *attempt, _ *orderWorld) { a.name(longName) }, nil},
		{"16", horde.MissingPrompt, func(a *attempt, _ *orderWorld) { a.prompt("") }, nil},
		{"17", horde.WorkerNotFound,
			func(a *attempt, _ *orderWorld) { a.image.Workers, a.text.Workers = []string{"x"}, []string{"x"} },
			func(a *attempt, _ *account.User) bool { return len(a.image.Workers) > 0 }},
		{"18", horde.RequiresTrust, func(a *attempt, _ *orderWorld) {
			a.image.DisableBatching, a.text.DisableBatching = ptr(true), ptr(true)
			a.n(max(2, *a.image.Params.N))
		}, nil},
		{"19", horde.TooManyPrompts, func(a *attempt, _ *orderWorld) { a.n(tooMany) },
			func(a *attempt, _ *account.User) bool {
				return *a.image.Params.N == tooMany && !slices.Contains(*a.image.Models, betaModel) // which makes them 2
			}},
		{"20", horde.TimeoutIP, func(a *attempt, _ *orderWorld) { a.banned = true },
			func(a *attempt, _ *account.User) bool { return a.banned }},
		{"22", horde.CorruptPrompt, func(a *attempt, _ *orderWorld) { a.roles |= account.Flagged; a.prompt("!!!") },
			func(a *attempt, _ *account.User) bool {
				return a.roles&account.Flagged != 0 && !a.anon && a.image.Prompt == "!!!"
			}},
		{"23", horde.NulByteInPayload, func(a *attempt, _ *orderWorld) { a.name("a\x00") }, nil},
	}
}

// upfrontRows are the three steps of row 59 (generation §1.5), in their order.
func upfrontRows() []orderRow {
	return []orderRow{
		{"59 budget", horde.SharedKeyInsufficientKudos, func(a *attempt, _ *orderWorld) { a.key.small = true; a.dear() },
			withKey(func(k keyState) bool { return k.small || k.empty })},
		{"59 account", horde.KudosUpfront, func(a *attempt, _ *orderWorld) { a.dear() },
			func(a *attempt, _ *account.User) bool { return a.isDear() }},
		{"59 limits", horde.BadRequest, func(a *attempt, _ *orderWorld) { a.key.limited = true },
			withKey(func(k keyState) bool { return k.limited })},
	}
}

// dear makes a request need more kudos upfront than anybody here has.
func (a *attempt) dear() {
	a.image.SlowWorkers, a.text.SlowWorkers = ptr(false), ptr(false)
	p := a.image.Params
	p.Width, p.Height, p.Steps = ptr(2048), ptr(2048), ptr(150)
	a.text.Params.N = ptr(max(20, *a.text.Params.N))
	a.text.Params.MaxLength, a.text.Params.MaxContextLength = ptr(1024), ptr(2048)
}

func (a *attempt) isDear() bool {
	return *a.image.Params.Width == 2048 && (a.image.Style == "" || a.image.Style == "nobody made it") &&
		a.image.SlowWorkers != nil
}

// imageRows are generation §1.4 from row 3 on.
func imageRows() []orderRow {
	rows := commonRows()
	corrupt := orderRow{"21", horde.CorruptPrompt,
		func(a *attempt, _ *orderWorld) { a.prompt("two kids, naked " + a.image.Prompt) },
		func(a *attempt, _ *account.User) bool { return strings.HasPrefix(a.image.Prompt, "two kids, naked") }}

	at := slices.IndexFunc(rows, func(r orderRow) bool { return r.row == "22" })
	rows = slices.Insert(rows, at, corrupt)
	set := func(row string, code horde.Code, violate func(a *attempt)) {
		rows = append(rows, orderRow{row, code, func(a *attempt, _ *orderWorld) { violate(a) }, nil})
	}

	set("24", horde.HiResMismatch, func(a *attempt) { a.params().HiresFix = ptr(true); a.name("flux") })
	set("25", horde.TooManyLoras, func(a *attempt) {
		for range 6 {
			a.params().Loras = append(a.params().Loras, api.Lora{Name: "x"})
		}
	})

	set("26", horde.BadLoraVersion, func(a *attempt) {
		a.params().Loras = append(a.params().Loras, api.Lora{Name: "1a", IsVersion: ptr(true)})
	})

	set("27", horde.TooManyTIs, func(a *attempt) {
		for range 21 {
			a.params().TIs = append(a.params().TIs, api.TI{Name: "x"})
		}
	})

	set("28", horde.InvalidTransparencyModel, func(a *attempt) { a.params().Transparent = ptr(true); a.name("cascade") })
	set("29", horde.ControlNetMismatchWithStop, func(a *attempt) { a.params().Workflow = "qr_code"; a.name("cascade") })
	set("30", horde.InvalidPromptSize, func(a *attempt) { a.prompt(a.image.Prompt + strings.Repeat(" x", 7501)) })
	rows = append(rows, orderRow{"30 by a style", horde.InvalidPromptSize, func(a *attempt, w *orderWorld) {
		a.image.Style = w.swelling["image"]
		a.prompt(a.image.Prompt + strings.Repeat(" long", 250))
	}, nil})

	set("31", horde.UnexpectedModelName, func(a *attempt) { a.name("GFPGAN") })
	set("32", horde.TooManyUpscalers, func(a *attempt) {
		a.params().PostProcessing = []string{"RealESRGAN_x4plus", "4x_AnimeSharp"}
	})

	set("33", horde.BadCFGDecimals, func(a *attempt) { a.params().CfgScale = ptr(7.125) })
	set("34", horde.InvalidPromptSize, func(a *attempt) {
		a.params().ExtraTexts = append(a.params().ExtraTexts,
			api.ExtraText{Text: strings.Repeat("a", 100_000), Reference: "xxx"})
	})

	set("35", horde.Forbidden, func(a *attempt) { a.name("horde_special::alice#2") })
	set("36", horde.SpecialMissingUsername, func(a *attempt) { a.roles |= account.Special; a.name("horde_special") })
	set("37", horde.Forbidden, func(a *attempt) { a.roles |= account.Special; a.name("horde_special::alice#2") })
	set("38", horde.SpecialMissingPayload, func(a *attempt) {
		a.roles |= account.Special
		a.name("horde_special::" + ownAlias)
	})

	set("39", horde.UntrustedUnsafeIP, func(a *attempt) { a.modes.Raid, a.unsafe = true, true })
	set("40", horde.BadRequest, func(a *attempt) {
		a.params().Special = map[string]any{"a": "b"}
	})

	set("41", horde.SourceMaskUnnecessary, func(a *attempt) { a.image.SourceMask, a.image.SourceImage = anySource, "" })
	set("42", horde.ControlNetUnsupported, func(a *attempt) { a.params().ControlType = "hough"; a.name("sd2-512") })
	set("43", horde.ControlNetUnsupported, func(a *attempt) { a.params().ControlType = "hough"; a.name("pix2pix") })
	set("44", horde.ControlNetSourceMissing,
		func(a *attempt) { a.params().ControlType, a.image.SourceImage = "hough", "" })

	set("45", horde.ControlNetInpaintingMismatch, func(a *attempt) {
		a.params().ControlType = "hough"
		a.image.SourceProcessing = "inpainting"
		a.source()
	})

	set("46", horde.ControlNetMismatch, func(a *attempt) { a.params().ControlType = "hough"; a.name("xl"); a.source() })
	set("47", horde.InvalidTransparencyImg2Img, func(a *attempt) { a.params().Transparent = ptr(true); a.extras(1) })

	set("48", horde.InvalidTransparencyCN, func(a *attempt) {
		a.params().Transparent = ptr(true)
		a.params().ControlType = "hough"
		a.source()
	})

	set("49", horde.InvalidRemix, func(a *attempt) { a.image.SourceProcessing = "remix"; a.source() })
	set("50", horde.InvalidExtraSourceImagesWithStop, func(a *attempt) { a.extras(1) })
	set("51", horde.InvalidExtraTextsWithStop, func(a *attempt) {
		a.params().ExtraTexts = append(a.params().ExtraTexts, api.ExtraText{Text: "a", Reference: "xxx"})
	})

	set("52", horde.MissingExtraTextsWithStop, func(a *attempt) { a.params().Workflow = "qr_code" })
	set("53", horde.ControlNetInvalidPayload, func(a *attempt) {
		a.raw = `{"init_as_image": 1}`
		a.params().ReturnControlMap = ptr(true)
	})

	set("54", horde.SourceImageRequiredForModel, func(a *attempt) { a.name("pix2pix"); a.image.SourceImage = "" })
	set("55", horde.UnexpectedModelName, func(a *attempt) { a.name("cn"); a.image.SourceImage = "" })
	set("56", horde.BetaAnonForbidden, func(a *attempt) { a.anon = true; a.name(betaModel) })
	set("57", horde.BetaComparisonFault, func(a *attempt) { a.name(betaModel) })
	set("58", horde.BannedClientAgent, func(a *attempt) { a.agent = "My-Project:v0.0.1:My-Contact" })

	rows = append(rows, upfrontRows()...)
	return append(rows,
		orderRow{"60 fetched", horde.ImageValidationFailed,
			func(a *attempt, _ *orderWorld) { a.image.SourceImage = noSource },
			func(a *attempt, _ *account.User) bool { return a.image.SourceImage == noSource }},
		orderRow{"60 read", horde.ImageValidationFailed, func(a *attempt, _ *orderWorld) { a.image.SourceImage = "no image" },
			func(a *attempt, _ *account.User) bool { return a.image.SourceImage == "no image" }},
		orderRow{"60 mask", horde.InpaintingMissingMask,
			func(a *attempt, _ *orderWorld) { a.image.SourceProcessing = "inpainting"; a.source() },
			func(a *attempt, _ *account.User) bool {
				return a.image.SourceProcessing == "inpainting" && a.image.SourceImage == anySource && a.image.SourceMask == ""
			}})
}

// textRows are generation §2.3 and §2.4.
func textRows() []orderRow {
	rows := commonRows()
	set := func(row string, code horde.Code, violate func(a *attempt, w *orderWorld)) {
		rows = append(rows, orderRow{row, code, violate, nil})
	}
	set("24", horde.TokenOverflow, func(a *attempt, _ *orderWorld) {
		a.text.Params.MaxContextLength = ptr(*a.text.Params.MaxLength - 1)
	})
	set("25", horde.MissingFullSamplerOrder, func(a *attempt, _ *orderWorld) { a.text.Params.SamplerOrder = []int{1, 1} })
	set("26", horde.TooManyStopSequences, func(a *attempt, _ *orderWorld) {
		for i := range 129 {
			a.text.Params.StopSequence = append(slices.Clip(a.text.Params.StopSequence), fmt.Sprint(i))
		}
	})
	set("27", horde.ExcessiveStopSequence, func(a *attempt, _ *orderWorld) {
		a.text.Params.StopSequence = append(slices.Clip(a.text.Params.StopSequence), strings.Repeat("x", 2001))
	})
	set("28", horde.InvalidExtraSourceImagesWithStop, func(a *attempt, _ *orderWorld) { a.extras(1) })
	set("29", horde.InvalidPromptSize, func(a *attempt, w *orderWorld) {
		a.text.Style = w.swelling["text"]
		a.prompt(a.text.Prompt + strings.Repeat(" long", 250))
	})
	return append(rows, upfrontRows()...)
}

// orderKind is how requests of a kind are sent and looked at.
type orderKind struct {
	rows []orderRow
	// exclusive are the neighbours that no request can violate at once.
	exclusive []string
	accept    func(w *orderWorld, a *attempt, dry bool) error
	// violates asks the table of admission whether a row refuses an attempt.
	violates func(w *orderWorld, a *attempt, row int) bool
}

var orderKinds = map[string]orderKind{
	"image": {imageRows(), []string{"3 and 4", "9 and 10", "21 and 22", "30 by a style and 31", "35 and 36", "49 and 50",
		"51 and 52",
		"60 fetched and 60 read", "60 read and 60 mask"},
		func(w *orderWorld, a *attempt, dry bool) error {
			_, ask, _ := w.ask(a)
			ask.Body.DryRun = ptr(dry)
			_, err := w.Accept(context.Background(), ask)
			return err
		},
		func(w *orderWorld, a *attempt, row int) bool {
			p, ask, _ := w.ask(a)
			r, _, err := w.imageAsk(context.Background(), ask)
			if err != nil {
				w.t.Fatal(err)
			}
			r.Normalize(callerOf(p.User))
			return r.Check(admission.Row(row)) != nil
		}},
	"text": {textRows(), []string{"3 and 4", "9 and 10"},
		func(w *orderWorld, a *attempt, dry bool) error {
			_, _, ask := w.ask(a)
			ask.Body.DryRun = ptr(dry)
			_, err := w.AcceptText(context.Background(), ask)
			return err
		},
		func(w *orderWorld, a *attempt, row int) bool {
			p, _, ask := w.ask(a)
			r, _, err := w.textAsk(context.Background(), ask)
			if err != nil {
				w.t.Fatal(err)
			}
			r.Normalize(callerOf(p.User))
			return r.Check(admission.Row(row)) != nil
		}},
}

func (kind *orderKind) violated(w *orderWorld, a *attempt, r *orderRow) bool {
	if r.still != nil {
		return r.still(a, w.caller(a).User)
	}
	return kind.violates(w, a, r.table())
}

var figures = regexp.MustCompile(`[0-9.]+`)

// refusal tells refusals apart: by their code and, where rows share one, their
// words.
func refusal(err error, shared map[horde.Code]int) string {
	code := horde.CodeOf(err)
	if shared[code] > 1 {
		return string(code) + ": " + figures.ReplaceAllString(err.Error(), "#")
	}
	return string(code)
}

// TestRefusalsComeInOrder: of any two rows of generation §1.4 (and §2.3) that a
// request violates at once, the earlier one refuses it, and no source image is
// read or fetched before all rows up to 59 were passed.
func TestRefusalsComeInOrder(t *testing.T) {
	t.Parallel()
	for name, kind := range orderKinds {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, db *storetest.DB) { refusalsInOrder(t, newOrderWorld(t, db), kind) })
		})
	}
}

func refusalsInOrder(t *testing.T, w *orderWorld, kind orderKind) {
	shared := map[horde.Code]int{}
	for _, r := range kind.rows {
		shared[r.code]++
	}
	if err := kind.accept(w, plainAttempt(), false); err != nil {
		t.Fatalf("what violates nothing is refused: %v", err)
	}

	// Each row alone: what it says is what it must say beside any later one.
	alone := map[string]string{}
	for _, r := range kind.rows {
		a := plainAttempt()
		r.violate(a, w)
		err := kind.accept(w, a, false)
		if horde.CodeOf(err) != r.code {
			t.Fatalf("row %s: %v, want %s", r.row, err, r.code)
		}
		if !kind.violated(w, a, &r) {
			t.Fatalf("row %s refuses, and does not count as violated", r.row)
		}
		alone[r.row] = refusal(err, shared)
		dry := kind.accept(w, a, true)
		if early := r.table() < 60; early != (refusal(dry, shared) == alone[r.row]) {
			t.Errorf("row %s, dry run: %v", r.row, dry)
		}
	}

	pairs := 0
	var exclusive []string
	for i := range kind.rows {
		for j := i + 1; j < len(kind.rows); j++ {
			first, second := &kind.rows[i], &kind.rows[j]
			a := w.both(&kind, i, j)
			if a == nil {
				if j == i+1 {
					exclusive = append(exclusive, first.row+" and "+second.row)
				}
				continue
			}
			pairs++
			before := horde.Micros(w.fetched.n.Load())
			err := kind.accept(w, a, false)
			if got := refusal(err, shared); got != alone[first.row] {
				t.Errorf("rows %s and %s: %v, want %s", first.row, second.row, err, alone[first.row])
			}
			if n := horde.Micros(w.fetched.n.Load()) - before; n > 0 && first.table() < 60 {
				t.Errorf("rows %s and %s: %d source images were fetched", first.row, second.row, n)
			}
		}
	}
	t.Logf("%d rows, %d pairs", len(kind.rows), pairs)
	if diff := cmp.Diff(kind.exclusive, exclusive); diff != "" {
		t.Errorf("neighbours that exclude each other, as known − as found +\n%s", diff)
	}
	if all := len(kind.rows) * (len(kind.rows) - 1) / 2; pairs < all*9/10 {
		t.Errorf("only %d of %d pairs could be violated at once", pairs, all)
	}
}

// both violates two rows at once and none before them; nil when they exclude each
// other or cannot do without such a third.
func (world *orderWorld) both(kind *orderKind, i, j int) *attempt {
	for _, order := range [][2]int{{i, j}, {j, i}} {
		a := plainAttempt()
		kind.rows[order[0]].violate(a, world)
		a = a.clone()
		kind.rows[order[1]].violate(a, world)
		if kind.violated(world, a, &kind.rows[i]) && kind.violated(world, a, &kind.rows[j]) &&
			!kind.anyViolated(world, a, kind.rows[:i]) {
			return a
		}
	}
	return nil
}

func (kind *orderKind) anyViolated(w *orderWorld, a *attempt, rows []orderRow) bool {
	return slices.ContainsFunc(rows, func(r orderRow) bool { return kind.violated(w, a, &r) })
}

// TestTheFavourOfRow15OutlastsARefusal: trusted, education and service accounts that call for
// themselves get their address white-listed once the rows up to 14 are passed,
// whatever comes of the request (generation §1.4 row 15).
func TestTheFavourOfRow15OutlastsARefusal(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	n.Sources = &fetches{}
	trusted, school, nobody := n.person(t, true, 26), n.person(t, false, 26), n.person(t, false, 26)
	n.become(t, school, account.Education)

	for _, c := range []struct {
		name string
		who  hordetest.Person
		edit func(*api.ImageRequest)
		code horde.Code
		want bool
	}{
		{"accepted", trusted, func(*api.ImageRequest) {}, "", true},
		{"dry run", school, func(b *api.ImageRequest) { b.DryRun = ptr(true) }, "", true},
		{"refused by row 17", trusted, func(b *api.ImageRequest) { b.Workers = []string{"x"} }, horde.WorkerNotFound, true},
		{"refused by row 60", school, func(b *api.ImageRequest) { b.SourceImage = noSource }, horde.ImageValidationFailed,
			true},
		{"refused by row 6", trusted, func(b *api.ImageRequest) { b.Webhook = "http://a.example" }, horde.BadRequest, false},
		{"refused by row 11", trusted, func(b *api.ImageRequest) { b.ProxiedAccount = "x" }, horde.OnlyServiceAccountProxy,
			false},
		{"anybody else", nobody, func(*api.ImageRequest) {}, "", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			a := ask(c.who, 1)
			c.edit(&a.Body)
			answer, err := n.Accept(context.Background(), a)
			if horde.CodeOf(err) != c.code || answer.Favoured != c.want {
				t.Errorf("favoured %t, %v; want %t, %s", answer.Favoured, err, c.want, c.code)
			}
		})
	}
}
