package ext

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/horde"
)

func TestOnlyIDsAreFollowed(t *testing.T) {
	t.Parallel()
	const a, b = "01a2103e-938a-7a68-a3ad-20273d303658", "01A2103E-938A-7A68-A3AD-20273D303659"
	many := func(n int) string {
		var ids []string
		for range n {
			ids = append(ids, horde.NewID())
		}
		return strings.Join(ids, ",")
	}

	for name, tc := range map[string]struct {
		query string
		want  int // ids; 0: refused
	}{
		"one":             {"ids=" + a, 1},
		"either case":     {"ids=" + a + "," + b + "," + strings.ToUpper(a), 2},
		"said twice":      {"ids=" + a + "&ids=" + b, 2},
		"with blanks":     {"ids=," + a + ",,%20" + b + ",", 2},
		"as many as can":  {"ids=" + many(api.MaxFollowed), api.MaxFollowed},
		"one too many":    {"ids=" + many(api.MaxFollowed+1), 0},
		"none":            {"", 0},
		"only commas":     {"ids=,,,", 0},
		"no id":           {"ids=" + a + ",%00x", 0},
		"a very long one": {"ids=" + strings.Repeat("x", 50_000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			ids, err := followed(httptest.NewRequest(http.MethodGet, "/api/ext/v1/events?"+tc.query, nil))
			if len(ids) != tc.want || (err == nil) != (tc.want > 0) {
				t.Errorf("%d ids, %v", len(ids), err)
			}
			if err != nil && (horde.CodeOf(err) != horde.BadRequest || len(err.Error()) > 300) {
				t.Errorf("refused with %.400v", err)
			}
			for _, id := range ids {
				if id != strings.ToLower(id) {
					t.Errorf("%s is not as ids are kept", id)
				}
			}
		})
	}
}
