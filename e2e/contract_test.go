package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"go/ast"
	"go/constant"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"horde/internal/golden"
)

// contract lists the refusals that each route of generation can answer with, from
// the tables of generation §1.4–§1.6, §1.13, §1.14, §1.20, §2.3, §2.4,
// §2.7, §2.8, §3 and §4. "schema" is a refusal that lists its fields and has no
// code; "rate" is one of the rate limiter (TestEveryRouteHasTheOriginalsLimits of server/front knows all limits).
var contract = map[string]string{
	"POST /generate/async": `schema rate
		StyleNotFound MaintenanceMode BadRequest SharedKeyEmpty SharedKeyExpired SharedKeyAssignedStyles InvalidAPIKey
		OnlyServiceAccountProxy DeletedUser TooManyExtraSourceImages. MoreThanMinExtraSourceImage. WorkerNotFound
		RequiresTrust TooManyPrompts CorruptPrompt NulByteInPayload HiResMismatch TooManyLoras BadLoraVersion
		TooManyTIs InvalidTransparencyModel ControlNetMismatch. InvalidPromptSize UnexpectedModelName TooManyUpscalers
		BadCFGDecimals Forbidden SpecialMissingUsername SpecialMissingPayload SourceMaskUnnecessary
		ControlNetUnsupported ControlNetSourceMissing ControlNetInpaintingMismatch ControlNetMismatch
		InvalidTransparencyImg2Img InvalidTransparencyCN InvalidRemix InvalidExtraSourceImages. InvalidExtraTexts.
		MissingExtraTexts. ControlNetInvalidPayload SourceImageRequiredForModel BetaAnonForbidden BetaComparisonFault
		BannedClientAgent TimeoutIP UntrustedUnsafeIP KudosUpfront SharedKeyInsufficientKudos ImageValidationFailed SourceImageResolutionExceeded
		SourceImageSizeExceeded SourceImageUrlInvalid SourceImageUnreadable InpaintingMissingMask`,
	"GET /generate/check/{id}":     `RequestNotFound Forbidden`,
	"GET /generate/status/{id}":    `RequestNotFound rate`,
	"DELETE /generate/status/{id}": `RequestNotFound rate`,
	"POST /generate/rate/{id}": `schema rate RequestNotFound AestheticsNotCompleted AestheticsNotPublic ProcGenNotFound
		AestheticsDuplicate AestheticsMissing AestheticsSolo AestheticsAlreadyExist`,
	"POST /generate/pop": `schema InvalidPriorityUsername InvalidAPIKey DeletedUser WorkerFlaggedMaintenance
		AnonForbiddenWorker PolymorphicNameConflict ProfaneWorkerName ProfaneBridgeAgent BadRequest WorkerInviteOnly
		TooManyWorkers TooManyWorkersTrusted WrongCredentials WorkerMaintenance TimeoutIP UnsafeIP
		TooManyNewIPs`,
	"POST /generate/submit": `schema InvalidJobID InvalidAPIKey WrongCredentials DuplicateGen AbortedGen BadRequest`,

	"POST /generate/text/async": `schema rate CorruptPrompt StyleNotFound MaintenanceMode BadRequest SharedKeyEmpty SharedKeyExpired
		SharedKeyAssignedStyles SharedKeyInsufficientKudos InvalidAPIKey OnlyServiceAccountProxy DeletedUser TooManyExtraSourceImages.
		MoreThanMinExtraSourceImage. MissingPrompt WorkerNotFound RequiresTrust TooManyPrompts NulByteInPayload
		TokenOverflow MissingFullSamplerOrder TooManyStopSequences ExcessiveStopSequence InvalidExtraSourceImages.
		TimeoutIP KudosUpfront`,
	"GET /generate/text/status/{id}":    `RequestNotFound rate`,
	"DELETE /generate/text/status/{id}": `RequestNotFound rate`,
	"POST /generate/text/pop": `schema InvalidPriorityUsername InvalidAPIKey DeletedUser WorkerFlaggedMaintenance
		AnonForbiddenWorker PolymorphicNameConflict ProfaneWorkerName ProfaneBridgeAgent BadRequest WorkerInviteOnly
		TooManyWorkers TooManyWorkersTrusted WrongCredentials WorkerMaintenance TimeoutIP UnsafeIP
		TooManyNewIPs`,
	"POST /generate/text/submit": `schema InvalidJobID InvalidAPIKey WrongCredentials DuplicateGen AbortedGen BadRequest`,

	"POST /interrogate/async": `schema rate UntrustedUnsafeIP MaintenanceMode BadRequest InvalidAPIKey TooManyPrompts NulByteInPayload
		ImageValidationFailed SourceImageResolutionExceeded SourceImageSizeExceeded SourceImageUrlInvalid
		SourceImageUnreadable`,
	"GET /interrogate/status/{id}":    `RequestNotFound rate`,
	"DELETE /interrogate/status/{id}": `RequestNotFound rate`,
	"POST /interrogate/pop": `schema InvalidPriorityUsername InvalidAPIKey DeletedUser WorkerFlaggedMaintenance
		AnonForbiddenWorker PolymorphicNameConflict ProfaneWorkerName ProfaneBridgeAgent BadRequest
		TooManyWorkers WrongCredentials WorkerMaintenance TimeoutIP UnsafeIP
		TooManyNewIPs`,
	"POST /interrogate/submit": `schema InvalidJobID InvalidAPIKey WrongCredentials DuplicateGen`,
}

// elsewhere are the codes of the program that no scenario brings about, with the
// reason or the test that does.
var elsewhere = map[string]string{
	"BlobIncomplete":      "an upload that breaks off is no scenario: TestAnUploadThatBreaksOffLeavesNothing of blob",
	"BlobLinkEnded":       "scenarios know no links of a folder: TestLinksEndWithTheirWork of blob, TestDiskOfARequest",
	"BlobLinkExpired":     "scenarios know no links of a folder: TestLinksAreBoundToMethodNameAndTime of blob",
	"BlobLinkInvalid":     "scenarios know no links of a folder: TestLinksAreBoundToMethodNameAndTime of blob",
	"BlobNotFound":        "scenarios know no links of a folder: TestRefusalsOfAFolderSayWhy of blob",
	"BlobTooLarge":        "scenarios know no links of a folder: TestRefusalsOfAFolderSayWhy of blob",
	"InternalServerError": "a mistake of ours",
	"PayloadTooLarge":     "a file of scenarios has no room for it: TestBadInput",
	"ServerBusy":          "takes more calls at once than scenarios make: TestLaneShedsLoad of imaging",
	"RequestTimeout":      "takes a minute of real time: TestBodyDeadlineReachesTheConnection of server",
	"StorageFull":         "no scenario fills a disk: TestQuotaOfAll and TestReserveOfTheDisk of blob",
	"StorageQuota":        "no scenario uploads that much: TestQuotaOfAnAccount of blob",
	"TooLongWorkerName":   "the schema refuses such an info first",
	"TooManySameIPs":      "TooManyWorkers and TooManyWorkersTrusted come first at every number (generation §1.14)",
}

// covered is what the scenarios of a folder answer: route and code, and each code.
type covered struct {
	routes map[[2]string][]string
	codes  map[string]bool
}

var idInPath = regexp.MustCompile(`^(/generate/(?:text/)?(?:check|status|rate)/|/interrogate/status/)[^/]+$`)

// routeOf is the method and path of a step below /api/v2, as contract names it.
func routeOf(step golden.Step) string {
	path, _, _ := strings.Cut(strings.TrimPrefix(step.Request.Path, "/api/v2"), "?")
	return step.Request.Method + " " + idInPath.ReplaceAllString(path, "${1}{id}")
}

// cover adds the scenarios of a folder.
func (c *covered) cover(t *testing.T, dir string) {
	t.Helper()
	all, err := golden.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all {
		for _, step := range s.Steps {
			route := routeOf(step)
			for _, code := range codesOf(step) {
				c.routes[[2]string{route, code}] = append(c.routes[[2]string{route, code}], s.Name)
				c.codes[code] = true
			}
		}
	}
}

// codesOf are the refusals that a step wants.
func codesOf(step golden.Step) []string {
	body, _ := step.Want.Body.(map[string]any)
	if rc, ok := body["rc"].(string); ok && rc != "<string>" {
		return []string{rc}
	}
	_, listed := body["errors"]
	switch {
	case step.Want.Status[0] == 429:
		return []string{"rate"}
	case listed:
		return []string{"schema"}
	}
	return nil
}

// allCovered is what the recordings and our own scenarios answer.
func allCovered(t *testing.T) *covered {
	t.Helper()
	c := &covered{routes: map[[2]string][]string{}, codes: map[string]bool{}}
	c.cover(t, golden.Shared(t, "golden"))
	c.cover(t, ownGolden)
	return c
}

// TestContractIsCovered: each refusal of each route of generation stands in a
// scenario, recorded or our own.
func TestContractIsCovered(t *testing.T) {
	t.Parallel()
	have := allCovered(t)
	for _, route := range slices.Sorted(maps.Keys(contract)) {
		for code := range strings.FieldsSeq(contract[route]) {
			if len(have.routes[[2]string{route, code}]) == 0 {
				t.Errorf("%s: no scenario has a refusal %s", route, code)
			}
		}
	}
}

// TestEveryCodeIsCovered: a return code that the program can send stands in a
// scenario, or in the list of those that cannot. A new code needs a scenario in
// testdata/golden.
func TestEveryCodeIsCovered(t *testing.T) {
	t.Parallel()
	have := allCovered(t)
	sent := codesInSource(t)
	if len(sent) < 100 {
		t.Errorf("only %d codes were found in the source", len(sent))
	}
	for _, code := range slices.Sorted(maps.Keys(sent)) {
		if !have.codes[code] && elsewhere[code] == "" {
			t.Errorf("%s (%s): no scenario", code, sent[code])
		}
	}
	for code := range elsewhere {
		if sent[code] == "" {
			t.Errorf("%s is listed as proved elsewhere, but the program does not know it", code)
		}
		if have.codes[code] {
			t.Errorf("%s is listed as proved elsewhere, but a scenario has it: take it off the list", code)
		}
	}
}

// TestCodesAreDeclared: whoever refuses a call names a constant of package horde.
// A code that is spelled out elsewhere would have no status.
func TestCodesAreDeclared(t *testing.T) {
	t.Parallel()
	eachCode(t, func(code string, at token.Position, spelledOut bool) {
		if spelledOut && code != "" && !isCodeTable(at.Filename) {
			t.Errorf("%s: use the constant of package horde for %q", at, code)
		}
	})
}

// isCodeTable reports whether a file declares the codes or gives them their
// statuses: neither sends one.
func isCodeTable(file string) bool {
	return strings.HasSuffix(file, "/internal/horde/code.go") || strings.HasSuffix(file, "/internal/horde/statuses.go")
}

// codesInSource are the codes that our packages name, and where each stands first.
func codesInSource(t *testing.T) map[string]string {
	t.Helper()
	found := map[string]string{}
	eachCode(t, func(code string, at token.Position, _ bool) {
		if code == "" || isCodeTable(at.Filename) {
			return
		}
		if found[code] == "" || at.Filename < found[code] {
			found[code] = at.Filename
		}
	})
	return found
}

// eachCode visits each constant expression of type horde.Code in our packages.
// spelledOut is true for a literal, false for the name of a constant.
func eachCode(t *testing.T, visit func(code string, at token.Position, spelledOut bool)) {
	t.Helper()
	all, err := codeExpressions()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		visit(c.code, c.at, c.spelledOut)
	}
}

// codeExpression is a place in the source that names a code.
type codeExpression struct {
	code       string
	at         token.Position
	spelledOut bool
}

// codeExpressions reads our packages once for all tests.
var codeExpressions = sync.OnceValues(func() (found []codeExpression, err error) {
	list := exec.Command("go", "list", "-deps", "-export", "-json=ImportPath,Export,Dir,GoFiles", "./cmd/horde")
	list.Dir = ".."
	out, err := list.Output()
	if err != nil {
		return nil, err
	}
	type pkg struct {
		ImportPath, Export, Dir string
		GoFiles                 []string
	}
	exports := map[string]string{}
	var ours []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, err
		}
		exports[p.ImportPath] = p.Export
		if strings.HasPrefix(p.ImportPath, "horde/internal/") {
			ours = append(ours, p)
		}
	}
	files := token.NewFileSet()
	known := importer.ForCompiler(files, "gc", func(path string) (io.ReadCloser, error) { return os.Open(exports[path]) })
	for _, p := range ours {
		var syntax []*ast.File
		for _, name := range p.GoFiles {
			f, err := parser.ParseFile(files, filepath.Join(p.Dir, name), nil, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
			syntax = append(syntax, f)
		}
		info := types.Info{Types: map[ast.Expr]types.TypeAndValue{}}
		conf := types.Config{Importer: known, FakeImportC: true, Error: func(error) {}} // files with cgo are left out
		_, _ = conf.Check(p.ImportPath, files, syntax, &info)
		for expr, v := range info.Types {
			if v.Value == nil || v.Value.Kind() != constant.String || v.Type.String() != "horde/internal/horde.Code" {
				continue
			}
			_, spelledOut := expr.(*ast.BasicLit)
			found = append(found, codeExpression{constant.StringVal(v.Value), files.Position(expr.Pos()), spelledOut})
		}
	}
	return found, nil
})
