package server

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"testing"

	"horde/api"
)

// zeros is a file of so many zeros that counts its readers.
type zeros struct {
	io.Reader
	open *int
}

func (z zeros) Close() error { *z.open--; return nil }

// endlessZeros has as many zeros as one reads.
type endlessZeros struct{}

func (endlessZeros) Read(p []byte) (int, error) { clear(p); return len(p), nil }

// inlineServer answers GET /status with files of these sizes, by name: below 0 is not
// there, and one named broken ends early.
func inlineServer(sizes map[string]int64, opened, open *int, names ...string) *Server {
	return New(Options{}, []Route{Get("/status", func(w http.ResponseWriter, r *http.Request) error {
		in := &Inlines{
			Open: func(name string) (io.ReadCloser, int64, error) {
				*opened++
				size := sizes[name]
				if size < 0 {
					return nil, 0, errors.New("gone")
				}
				*open++
				if name == "broken" {
					return zeros{io.MultiReader(io.LimitReader(endlessZeros{}, size/2), broken{}), open}, size, nil
				}
				return zeros{io.LimitReader(endlessZeros{}, size), open}, size, nil
			},
			Link: func(name string) string { return `http://x/` + name + `?a=1&b="` },
		}

		st := api.ImageStatus{Generations: []api.Generation{}}
		for _, name := range names {
			g := api.Generation{ID: name}
			if Wants(r, "generations", "img") {
				g.Img = in.Place(name)
			}
			st.Generations = append(st.Generations, g)
		}
		return ReplyWith(w, r, http.StatusOK, st, in)
	})})
}

// broken is a reader that fails.
type broken struct{}

func (broken) Read([]byte) (int, error) { return 0, errors.New("the disk is gone") }

// An answer holds the files that fit into it, and the links of the others; what a mask
// leaves out is not opened.
func TestAnAnswerHoldsFilesWithinItsBound(t *testing.T) {
	t.Parallel()
	sizes := map[string]int64{
		"empty": 0, "small": 1, "odd": inlinePiece + 1, "even": 3 * inlinePiece, "half": maxInline/2 + 1, "all": maxInline,
		"huge": maxInline + 1, "gone": -1,
	}
	base64Of := func(name string) string { return base64.StdEncoding.EncodeToString(make([]byte, sizes[name])) }
	link := func(name string) string { return `http://x/` + name + `?a=1&b="` }

	for name, c := range map[string]struct {
		files  []string
		mask   string
		want   []string // what stands for each; nil: the mask leaves it out
		opened int
	}{
		"none":                       {nil, "", []string{}, 0},
		"a few":                      {[]string{"empty", "small", "odd"}, "", []string{"", "AA==", base64Of("odd")}, 3},
		"whole pieces":               {[]string{"even"}, "", []string{base64Of("even")}, 1},
		"one that is gone":           {[]string{"gone", "small"}, "", []string{"N/A", "AA=="}, 2},
		"one beyond the bound":       {[]string{"huge", "small"}, "", []string{link("huge"), "AA=="}, 2},
		"two beyond it together":     {[]string{"half", "half"}, "", []string{base64Of("half"), link("half")}, 2},
		"as much as the bound":       {[]string{"all", "small"}, "", []string{base64Of("all"), link("small")}, 2},
		"masked out":                 {[]string{"all", "all"}, "done", nil, 0},
		"masked out inside":          {[]string{"all", "all"}, "generations{id}", []string{"", ""}, 0},
		"asked for by a mask":        {[]string{"small"}, "generations{img}", []string{"AA=="}, 1},
		"asked for by a mask of all": {[]string{"small"}, "*", []string{"AA=="}, 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			var opened, open int
			w := call(inlineServer(sizes, &opened, &open, c.files...), "GET", "/status", "X-Fields", c.mask)

			var st api.ImageStatus
			if err := json.Unmarshal(w.Body.Bytes(), &st); err != nil || w.Code != http.StatusOK {
				t.Fatalf("%d %.200s: %v", w.Code, w.Body, err)
			}
			if len(st.Generations) != len(c.want) {
				t.Fatalf("%d generations", len(st.Generations))
			}
			for i, g := range st.Generations {
				if g.Img != c.want[i] {
					t.Errorf("%d: %.80q, want %.80q", i, g.Img, c.want[i])
				}
			}
			if opened != c.opened || open != 0 {
				t.Errorf("%d files were opened, want %d; %d are open", opened, c.opened, open)
			}
		})
	}
}

func TestFilesInAnswersTakeLittleMemory(t *testing.T) {
	var opened, open int
	s := inlineServer(map[string]int64{"large": maxInline / 4}, &opened, &open, "large", "large", "large", "large")
	r := httptest.NewRequest("GET", "/status", nil)

	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	s.ServeHTTP(nullWriter{http.Header{}}, r)
	runtime.ReadMemStats(&after)
	if took := after.TotalAlloc - before.TotalAlloc; took > 1<<20 || opened != 4 {
		t.Errorf("%d bytes for %d files", took, opened)
	}
}

// A file that cannot be read to its end cuts the connection: half an answer must not look
// like a whole one.
func TestAFileThatBreaksOffCutsTheConnection(t *testing.T) {
	t.Parallel()
	var opened, open int
	srv := httptest.NewServer(inlineServer(map[string]int64{"broken": 1 << 20}, &opened, &open, "broken"))
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/status")
	if err != nil {
		return
	}
	defer resp.Body.Close()
	if b, err := io.ReadAll(resp.Body); err == nil {
		t.Errorf("a whole answer of %d bytes", len(b))
	}
}

// A placeholder is found whatever else the answer says.
func TestPlaceholdersAreNotGuessed(t *testing.T) {
	t.Parallel()
	in := Inlines{}
	place := in.Place("a")
	text := fmt.Sprintf(`{"x":"inline-0-","y":"%s","z":"inline-A-0-"}`, place)
	before, name, after, found := in.next([]byte(text))
	if !found || name != "a" || string(before) != `{"x":"inline-0-","y":"` || !strings.HasPrefix(string(after), `","z"`) {
		t.Errorf("%s|%s|%s, %v", before, name, after, found)
	}
	if _, _, _, again := in.next(after); again {
		t.Error("a second one was found")
	}
}
