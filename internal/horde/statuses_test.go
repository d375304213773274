package horde

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"strconv"
	"testing"

	"horde/internal/golden"
)

// declaredCodes are the constants of type Code that package horde declares.
func declaredCodes(t *testing.T) []Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}

	var codes []Code
	for _, d := range file.Decls {
		g, ok := d.(*ast.GenDecl)
		if !ok || g.Tok != token.CONST {
			continue
		}
		for _, spec := range g.Specs {
			for _, value := range spec.(*ast.ValueSpec).Values {
				code, err := strconv.Unquote(value.(*ast.BasicLit).Value)
				if err != nil {
					t.Fatal(err)
				}
				codes = append(codes, Code(code))
			}
		}
	}
	return codes
}

// A code that is declared without a status would be answered as an internal error.
func TestEveryDeclaredCodeHasAStatus(t *testing.T) {
	declared := map[Code]bool{}
	for _, code := range declaredCodes(t) {
		if declared[code] {
			t.Errorf("%s is declared twice", code)
		}
		declared[code] = true
		if _, ok := statuses[code]; !ok {
			t.Errorf("%s has no status", code)
		}
	}
	for code := range statuses {
		if !declared[code] {
			t.Errorf("%s has a status and is not declared", code)
		}
	}
}

func TestEveryCodeOfTheOriginalHasAStatus(t *testing.T) {
	raw, err := os.ReadFile(golden.Shared(t, "data", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}

	var d struct {
		Definitions struct {
			RequestError struct {
				Properties struct {
					RC struct{ Enum []Code }
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}

	codes := d.Definitions.RequestError.Properties.RC.Enum
	if len(codes) != 160 {
		t.Errorf("%d codes", len(codes))
	}

	for _, c := range codes {
		if _, ok := statuses[c]; !ok {
			t.Errorf("no status for %s", c)
		}
	}
}

func TestProgramsRelyOnTheseStatuses(t *testing.T) {
	for code, want := range map[Code]int{
		"":                               400, // a refusal without a code
		BadRequest:                       400,
		MaintenanceMode:                  400,
		ProcGenNotFound:                  400, // not 404, as in the original
		ControlNetMismatchWithStop:       400,
		TooManyExtraSourceImagesWithStop: 400,
		AbortedGen:                       400,
		InvalidAPIKey:                    401,
		KudosUpfront:                     403,
		WorkerMaintenance:                403,
		InvalidJobID:                     404,
		RequestNotFound:                  404,
		ImageStyleNotFound:               404,
		NotFound:                         404,
		RequestExpired:                   410,
		Locked:                           423,
		TooManyPrompts:                   429,
	} {
		t.Run(string(code), func(t *testing.T) {
			if got, ok := StatusOf(code); got != want || !ok {
				t.Errorf("%d, want %d", got, want)
			}
		})
	}

	if got, ok := StatusOf(Code("Unheard")); ok {
		t.Errorf("a code that is not declared has the status %d", got)
	}
}
