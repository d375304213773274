package e2e

import (
	"bytes"
	"fmt"
	"image"
	"io"
	"net"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
	"testing"

	"horde/api"
	"horde/e2e/program"
)

// ledgerIsSound lets the program prove the ledger of a running server.
func ledgerIsSound(t *testing.T, srv *program.Server, db string) {
	t.Helper()
	args := []string{"admin", "ledger", "verify", "--data", srv.Data}
	if db != "" {
		args = append(args, "--db", db)
	}
	cmd := exec.Command(program.Binary(), args...)
	cmd.Env = program.CleanEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("horde admin ledger verify: %v\n%s", err, out)
	}
}

// TestBadUploads: whatever a worker does with its upload link, the delivery is paid
// once and the requester finds a defined answer (decision 44).
func TestBadUploads(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db string) {
		srv := program.Start(t, program.Setup{DB: db, Env: []string{"HORDE_MAX_UPLOAD=1048576"}})
		p := makeParties(t, srv, 2)
		for name, c := range map[string]struct {
			upload func(link string) (status int)
			status int
			there  bool // something can be fetched afterwards
		}{
			"no upload at all": {func(string) int { return 0 }, 0, false},
			"a good one":       {func(link string) int { return put(t, link, webpStart) }, 200, true},
			"nothing":          {func(link string) int { return put(t, link, "") }, 200, true},
			"a page":           {func(link string) int { return put(t, link, "<script>alert(1)</script>") }, 200, true},
			"a PNG": {func(link string) int { return put(t, link, string(pngOf(image.NewGray(image.Rect(0, 0, 8, 8))))) },
				200, true},
			"too much":   {func(link string) int { return put(t, link, strings.Repeat("x", 1<<20+1)) }, 413, false},
			"half of it": {func(link string) int { putHalf(t, link); return 0 }, 0, false},
			"another name": {func(link string) int { return put(t, strings.Replace(link, ".webp", "x.webp", 1), webpStart) },
				403, false},
			"a longer life": {func(link string) int { return put(t, link+"9", webpStart) }, 403, false},
		} {
			t.Run(name, func(t *testing.T) {
				id := want(t, 202, "POST", srv.URL+"/api/v2/generate/async", p[0].key,
					`{"prompt":"x","params":{"width":64,"height":64,"steps":1}}`)
				job := popUntil(t, srv, p[1])
				if got := c.upload(*job.R2Upload); got != c.status {
					t.Errorf("upload: %d, want %d", got, c.status)
				}

				checkPaidOnce(t, srv, p[1].key, "generate/submit", fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *job.ID))
				var st api.ImageStatus
				status, body := call(t, http.MethodGet, srv.URL+"/api/v2/generate/status/"+id, "", "")
				decodeAs(t, http.StatusOK, status, body, &st)
				if !st.Done || len(st.Generations) != 1 || (st.Generations[0].Img != "N/A") != c.there {
					t.Errorf("%s", body)
				}

				if c.there {
					checkServed(t, st.Generations[0].Img)
				}
			})

			t.Run(name+", as an alchemist", func(t *testing.T) {
				id := want(t, 202, "POST", srv.URL+"/api/v2/interrogate/async", p[0].key,
					`{"forms":[{"name":"GFPGAN"}],"source_image":"`+tinyImage()+`"}`)
				var job api.AlchemyJob
				status, body := call(t, http.MethodPost, srv.URL+"/api/v2/interrogate/pop", p[1].key,
					`{"name":"alchemist","forms":["GFPGAN"]}`)
				decodeAs(t, http.StatusOK, status, body, &job)
				if got := c.upload(job.Forms[0].R2Upload); got != c.status {
					t.Errorf("upload: %d, want %d", got, c.status)
				}

				checkPaidOnce(t, srv, p[1].key, "interrogate/submit",
					fmt.Sprintf(`{"id":%q,"result":{"GFPGAN":"R2"}}`, job.Forms[0].ID))
				var st struct {
					State string
					Forms []struct{ Result map[string]string }
				}

				status, body = call(t, http.MethodGet, srv.URL+"/api/v2/interrogate/status/"+id, "", "")
				decodeAs(t, http.StatusOK, status, body, &st)
				if st.State != "done" || len(st.Forms) != 1 || !strings.HasPrefix(st.Forms[0].Result["GFPGAN"], "http") {
					t.Fatalf("%s", body)
				}

				if c.there {
					checkServed(t, st.Forms[0].Result["GFPGAN"])
					return
				}

				if status, body := call(t, http.MethodGet, st.Forms[0].Result["GFPGAN"], "", ""); status != http.StatusNotFound {
					t.Errorf("what was not uploaded: %d %s", status, clipped(body))
				}
			})
		}

		// To a scribe the word is a text like any other.
		id := want(t, 202, "POST", srv.URL+"/api/v2/generate/text/async", p[0].key, `{"prompt":"x"}`)
		var story api.TextJob
		status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/text/pop", p[1].key,
			`{"name":"scribe","models":["any model"]}`)
		decodeAs(t, http.StatusOK, status, body, &story)
		checkPaidOnce(t, srv, p[1].key, "generate/text/submit", fmt.Sprintf(`{"id":%q,"generation":"R2"}`, *story.ID))
		if _, body := call(t, http.MethodGet, srv.URL+"/api/v2/generate/text/status/"+id, "",
			""); !strings.Contains(body, `"text":"R2"`) {
			t.Errorf("%s", body)
		}

		ledgerIsSound(t, srv, db)
	})
}

// webpStart is enough of a WebP file to be taken for one.
const webpStart = "RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"

// put uploads to a link as workers do.
func put(t *testing.T, link, content string) int {
	t.Helper()
	req, err := http.NewRequest(http.MethodPut, link, strings.NewReader(content))
	if err != nil {
		t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode
}

// putHalf announces 1000 bytes, sends 500 and dies.
func putHalf(t *testing.T, link string) {
	t.Helper()
	u, err := url.Parse(link)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := net.Dial("tcp", u.Host)
	if err != nil {
		t.Fatal(err)
	}
	_, err = fmt.Fprintf(conn, "PUT %s HTTP/1.1\r\nHost: %s\r\nContent-Length: 1000\r\n\r\n%s", u.RequestURI(), u.Host,
		bytes.Repeat([]byte("x"), 500))
	if err != nil {
		t.Fatal(err)
	}
	_ = conn.Close()
}

// checkPaidOnce delivers the same thing twice.
func checkPaidOnce(t *testing.T, srv *program.Server, key, path, body string) {
	t.Helper()
	status, answer := call(t, http.MethodPost, srv.URL+"/api/v2/"+path, key, body)
	var first api.Submitted
	decodeAs(t, http.StatusOK, status, answer, &first)
	if first.Reward <= 0 {
		t.Errorf("not paid: %s", answer)
	}
	status, answer = call(t, http.MethodPost, srv.URL+"/api/v2/"+path, key, body)
	checkRefusal(t, "the same again", status, answer, http.StatusBadRequest, "DuplicateGen")
}

// checkServed fetches what somebody uploaded: a WebP may be shown, all else is only
// for saving.
func checkServed(t *testing.T, link string) {
	t.Helper()
	res, body := do(t, http.MethodGet, link, "", nil)
	image := res.Header.Get("Content-Type") == "image/webp" && strings.HasPrefix(body, "RIFF")
	saved := strings.HasPrefix(res.Header.Get("Content-Disposition"), "attachment")
	if res.StatusCode != http.StatusOK || res.Header.Get("X-Content-Type-Options") != "nosniff" || !image && !saved {
		t.Errorf("%d %v %.60q", res.StatusCode, res.Header, body)
	}
}
