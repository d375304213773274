package console

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"syscall"
	"testing"

	"horde/api"
)

func TestErrorsAreExplained(t *testing.T) {
	refused := &url.Error{Op: "Get", URL: "http://127.0.0.1:7001/api/v2/x", Err: syscall.ECONNREFUSED}
	for _, tc := range []struct {
		err  error
		want string
	}{
		{refused, `no horde answers at http://127.0.0.1:7001. Start one with "horde serve"`},
		{&api.Error{Message: "No user", RC: "InvalidAPIKey", Status: 401}, "--apikey"},
		{&api.Error{Message: "no", RC: "BadRequest", Errors: map[string]string{"b": "2", "a": "1"}},
			"the horde says: no (BadRequest)\n  a: 1\n  b: 2"},
		{context.Canceled, "interrupted"},
		{errors.New("plain"), "plain"},
		{&ExitError{Code: ExitUsage}, ""},
	} {
		t.Run(tc.want, func(t *testing.T) {
			if got := Explain(tc.err); !strings.Contains(got, tc.want) || tc.want == "" && got != "" {
				t.Errorf("explain(%v) = %q", tc.err, got)
			}
		})
	}
}
