package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"horde/internal/golden"
	"horde/internal/horde"
)

// declaredCodes are the constants of type horde.Code that package horde declares.
func declaredCodes(t *testing.T) []horde.Code {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), "../horde/code.go", nil, parser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}

	var codes []horde.Code
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
				codes = append(codes, horde.Code(code))
			}
		}
	}
	return codes
}

// A code that is declared without a status would be answered as an internal error.
func TestEveryDeclaredCodeHasAStatus(t *testing.T) {
	declared := map[horde.Code]bool{}
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
					RC struct{ Enum []horde.Code }
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

func TestStatusOf(t *testing.T) {
	for code, want := range map[horde.Code]int{
		horde.BadRequest: 400, horde.MaintenanceMode: 400, horde.ProcGenNotFound: 400, horde.ControlNetMismatchWithStop: 400, horde.TooManyExtraSourceImagesWithStop: 400,
		horde.InvalidAPIKey: 401, horde.KudosUpfront: 403, horde.WorkerMaintenance: 403, horde.InvalidJobID: 404, horde.RequestNotFound: 404, horde.ImageStyleNotFound: 404,
		horde.Locked: 423, horde.TooManyPrompts: 429, horde.RequestExpired: 410, horde.AbortedGen: 400, "": 400, horde.NotFound: 404,
	} {
		if got, ok := statusOf(code); got != want || !ok {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
	if got, ok := statusOf(horde.Code("Unheard")); ok {
		t.Errorf("a code that is not declared has the status %d", got)
	}
}

func TestWriteError(t *testing.T) {
	var log bytes.Buffer
	s := New(Options{Log: slog.New(slog.NewJSONHandler(&log, nil))}, nil)
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{horde.Errorf(horde.InvalidAPIKey, "No user for <this> key."), 401, `{"message":"No user for <this> key.","rc":"InvalidAPIKey"}`},
		{fmt.Errorf("accept: %w", horde.Errorf(horde.KudosUpfront, "Too dear.")), 403, `{"message":"Too dear.","rc":"KudosUpfront"}`},
		{Invalid(map[string]string{"": "[] is not of type 'object'"}), 400, `{"message":"Input payload validation failed","errors":{"":"[] is not of type 'object'"}}`},
		{&horde.Error{Fields: map[string]string{"a": "b"}}, 400, `{"message":"Input payload validation failed","errors":{"a":"b"}}`},
		{notUnderstood(), 400, `{"message":"` + textNotUnderstood + `"}`},
		{errors.New("password is hunter2"), 500, `{"message":"Internal Server Error"}`},
		{horde.Errorf(horde.Code("Unheard"), "No table has it."), 500, `{"message":"No table has it.","rc":"Unheard"}`},
	} {
		w := httptest.NewRecorder()
		s.writeError(w, httptest.NewRequest("GET", "/", nil), c.err)
		if got := strings.TrimSpace(w.Body.String()); w.Code != c.status || got != c.body {
			t.Errorf("%v: %d %s", c.err, w.Code, got)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%v: %s", c.err, got)
		}
	}
	if !strings.Contains(log.String(), "hunter2") {
		t.Error("the internal error is not in the log")
	}
	w := httptest.NewRecorder()
	s.writeError(w, httptest.NewRequest("GET", "/", nil), &horde.Error{Code: horde.TooManyPrompts, RetryAfter: 1500 * time.Millisecond})
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w = httptest.NewRecorder()
	s.writeError(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx), fmt.Errorf("query: %w", context.Canceled))
	if w.Code != statusClientGone || w.Body.Len() > 0 {
		t.Errorf("a caller that hung up: %d %s", w.Code, w.Body)
	}
}

func TestReplyThatCannotBeWritten(t *testing.T) {
	w := httptest.NewRecorder()
	if err := Reply(w, httptest.NewRequest("GET", "/", nil), http.StatusOK, make(chan int)); err == nil || w.Body.Len() > 0 {
		t.Errorf("%v, %s", err, w.Body)
	}
}
