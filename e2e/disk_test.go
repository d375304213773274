package e2e

import (
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"horde/api"
	"horde/e2e/program"
)

// kept are the names of the images in a server's folder, and how many bytes they have.
func kept(t *testing.T, srv *program.Server) (names []string, bytes int64) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(filepath.Join(srv.Data, "blobs")), ".", func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		names, bytes = append(names, d.Name()), bytes+info.Size()
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	return names, bytes
}

// TestDiskOfARequest: a request takes no more of the disk than its images need, whoever
// uploads what; links end with their jobs, and with them goes what was not delivered. A
// delivered image stays as it was delivered (decision 44).
func TestDiskOfARequest(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db string) {
		srv := program.Start(t, program.Setup{DB: db})
		p := makeParties(t, srv, 1)
		const anonymous = "0000000000"
		id := want(t, 202, "POST", srv.URL+"/api/v2/generate/async", anonymous, `{"prompt":"x","source_image":"`+
			tinyImage()+`","params":{"n":3,"width":64,"height":64,"steps":1}}`)

		jobs := []api.ImageJob{popUntil(t, srv, p[0]), popUntil(t, srv, p[0]), popUntil(t, srv, p[0])}
		image := webpStart + strings.Repeat("x", 10_000)
		for _, job := range jobs {
			for _, c := range []struct{ bytes, status int }{{32 << 20, 413}, {256<<10 + 4*64*64 + 1, 413}, {len(image), 200}} {
				content := (image + strings.Repeat("x", max(0, c.bytes-len(image))))[:c.bytes]
				if got := put(t, *job.R2Upload, content); got != c.status {
					t.Errorf("%d bytes: %d, want %d", c.bytes, got, c.status)
				}
			}
		}
		files := len(jobs)
		if db != "" { // SQLite holds the source image itself
			files++
		}
		if names, bytes := kept(t, srv); len(names) != files || bytes > 4*(256<<10+4*64*64) {
			t.Errorf("%d bytes in %v", bytes, names)
		}

		// The first is delivered, and stays as it is.
		delivered, faulted, late := jobs[0], jobs[1], jobs[2]
		want(t, 200, "POST", srv.URL+"/api/v2/generate/submit", p[0].key,
			fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *delivered.ID))
		if got := put(t, *delivered.R2Upload, webpStart); got != 403 {
			t.Errorf("a delivered image was replaced: %d", got)
		}

		// What is in hand when the request is cancelled may still be delivered; what is
		// given up goes with its link.
		want(t, 200, "DELETE", srv.URL+"/api/v2/generate/status/"+id, anonymous, "")
		want(t, 200, "POST", srv.URL+"/api/v2/generate/submit", p[0].key,
			fmt.Sprintf(`{"id":%q,"generation":"faulted","seed":-1,"state":"faulted"}`, *faulted.ID))
		if got := put(t, *faulted.R2Upload, webpStart); got != 403 {
			t.Errorf("an upload for a job that was given up: %d", got)
		}
		if got := put(t, *late.R2Upload, image); got != 200 {
			t.Errorf("an upload for a job in hand of a cancelled request: %d", got)
		}
		want(t, 200, "POST", srv.URL+"/api/v2/generate/submit", p[0].key,
			fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *late.ID))

		names, _ := kept(t, srv)
		left := []string{*delivered.ID + ".webp", *late.ID + ".webp"}
		slices.Sort(left)
		if !slices.Equal(names, left) {
			t.Errorf("left are %v, want %v", names, left)
		}
		var st api.ImageStatus
		status, body := call(t, http.MethodGet, srv.URL+"/api/v2/generate/status/"+id, "", "")
		decodeAs(t, http.StatusOK, status, body, &st)
		for _, g := range st.Generations {
			res, got := do(t, http.MethodGet, g.Img, "", nil)
			if res.StatusCode != 200 || got != image {
				t.Errorf("%s: %d, %d bytes", g.ID, res.StatusCode, len(got))
			}
		}
	})
}
