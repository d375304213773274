package server

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"slices"
	"strings"
	"testing"
)

type listed struct {
	Name string `json:"name"`
	Info string `json:"info,omitempty"`
}

// A list that is sent piece by piece is the same text as one that is sent at once, with
// and without a mask.
func TestAListIsTheSameHoweverItIsSent(t *testing.T) {
	t.Parallel()
	for _, n := range []int{0, 1, 3, 3000} {
		list := make([]listed, n)
		for i := range list {
			list[i] = listed{Name: fmt.Sprint("<&> ", i), Info: strings.Repeat("i", 50)}
		}
		s := New(Options{}, []Route{
			Get("/whole", func(w http.ResponseWriter, r *http.Request) error { return Reply(w, r, http.StatusOK, list) }),
			Get("/pieces", func(w http.ResponseWriter, r *http.Request) error { return ReplyList(w, r, slices.Values(list)) }),
		})

		for _, mask := range []string{"", "name", "{nothing}", "*,info"} {
			t.Run(fmt.Sprint(n, " ", mask), func(t *testing.T) {
				var bodies []string
				for _, path := range []string{"/whole", "/pieces"} {
					r := httptest.NewRequest(http.MethodGet, path, nil)
					r.Header.Set("X-Fields", mask)
					w := httptest.NewRecorder()
					s.ServeHTTP(w, r)
					if w.Code != http.StatusOK || w.Header().Get("Content-Type") != jsonType[0] {
						t.Errorf("%s: %d %s", path, w.Code, w.Header())
					}
					bodies = append(bodies, w.Body.String())
				}
				if bodies[0] != bodies[1] {
					t.Errorf("%.200q, want %.200q", bodies[1], bodies[0])
				}
			})
		}
	}
}

// nowhere is an answer that nobody keeps.
type nowhere struct{ header http.Header }

func (n nowhere) Header() http.Header       { return n.header }
func (nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (nowhere) WriteHeader(int)             {}

func TestALongListTakesLittleMemory(t *testing.T) {
	const items, most = 20_000, 4 << 20
	item := listed{Info: strings.Repeat("i", 10_000)} // 200 MB in all
	var before, now runtime.MemStats
	var peak uint64
	runtime.GC()
	runtime.ReadMemStats(&before)

	s := New(Options{}, []Route{Get("/list", func(w http.ResponseWriter, r *http.Request) error {
		return ReplyList(w, r, func(yield func(listed) bool) {
			for i := range items {
				if i%1000 == 0 {
					runtime.GC()
					runtime.ReadMemStats(&now)
					peak = max(peak, now.HeapAlloc)
				}
				if !yield(item) {
					return
				}
			}
		})
	})})
	s.ServeHTTP(nowhere{http.Header{}}, httptest.NewRequest(http.MethodGet, "/list", nil))
	if peak > before.HeapAlloc+most {
		t.Errorf("%d bytes were held, want %d at most", peak-before.HeapAlloc, most)
	}
}

type unwritable struct{ broken, short bool }

func (u unwritable) MarshalJSON() ([]byte, error) {
	if u.broken {
		return nil, errors.New("broken")
	}
	if u.short {
		return []byte("0"), nil
	}
	return []byte(`"` + strings.Repeat("x", listPiece) + `"`), nil
}

// A list that breaks is an error as long as nothing was sent, and then a cut connection.
func TestABrokenListLooksLikeNone(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		list []unwritable
		err  error // of reading one more
		cut  bool
	}{
		"at once":               {list: []unwritable{{broken: true}}},
		"in between":            {list: []unwritable{{}, {broken: true}}, cut: true},
		"unread at once":        {err: errors.New("unread")},
		"unread before a piece": {list: []unwritable{{short: true}}, err: errors.New("unread")},
		"unread in between":     {list: []unwritable{{}}, err: errors.New("unread"), cut: true},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{}, []Route{Get("/list", func(w http.ResponseWriter, r *http.Request) error {
				return ReplyRead(w, r, func(yield func(unwritable, error) bool) {
					for _, item := range tt.list {
						if !yield(item, nil) {
							return
						}
					}
					if tt.err != nil {
						yield(unwritable{}, tt.err)
					}
				})
			})})
			w := httptest.NewRecorder()
			defer func() {
				if cut := recover() == http.ErrAbortHandler; cut != tt.cut || !cut && w.Code != http.StatusInternalServerError {
					t.Errorf("cut: %v, %d %.100s", cut, w.Code, w.Body)
				}
			}()
			s.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/list", nil))
		})
	}
}
