package node

import (
	"bytes"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"testing"

	"horde/api"
	"horde/internal/account"
	"horde/internal/blob"
	"horde/internal/imaging"
	"horde/internal/store/storetest"
)

// TestSmallSourceImagesLieInADatabaseOfOurOwn: workers get them by their link, also after
// the server was started anew, and they go when their request is over. Beside other nodes
// they are files, as older nodes expect.
func TestSmallSourceImagesLieInADatabaseOfOurOwn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		t.Parallel()
		data := storetest.Folder(t)
		open := func() *Node {
			n, _ := newNode(t, func(o *Options) { o.Data, o.DBURL = data, db.Options().URL })
			return n
		}
		n := open()
		wanted := 1
		if n.Store.Shared() {
			wanted = 0
		}
		lies := func(inDatabase, asFiles int) {
			t.Helper()
			sizes, err := n.Store.SmallImageSizes(t.Context())
			if files := filesBelow(t, filepath.Join(data, "blobs")); err != nil || len(sizes) != inDatabase || files != asFiles {
				t.Errorf("%d images in the database, %d files; want %d and %d; %v", len(sizes), files, inDatabase, asFiles, err)
			}
		}
		_, key, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "alice", OAuthID: "test-alice"}, nil)
		if err != nil {
			t.Fatal(err)
		}

		body := fmt.Sprintf(`{"forms":[{"name":"caption"}],"source_image":%q}`, dot)
		n.must(t, http.MethodPost, "/api/v2/interrogate/async", key, body, nil)
		lies(wanted, 1-wanted)
		if err := n.Close(); err != nil {
			t.Fatal(err)
		}

		n = open()
		var job api.AlchemyJob
		n.must(t, http.MethodPost, "/api/v2/interrogate/pop", key, `{"name":"al","forms":["caption"]}`, &job)
		link, err := url.Parse(job.Forms[0].SourceImage)
		if err != nil {
			t.Fatal(err)
		}
		image := n.must(t, http.MethodGet, link.RequestURI(), "", "", nil)
		if image.Header().Get("Content-Type") != "image/webp" || !imaging.IsWebP(image.Body.Bytes()) {
			t.Errorf("the image: %v, %d bytes", image.Header(), image.Body.Len())
		}
		again := n.callWith(t, http.MethodGet, link.RequestURI(), "", "",
			http.Header{"If-None-Match": {image.Header().Get("ETag")}, "Range": {"bytes=0-3"}})
		if again.Code != http.StatusNotModified {
			t.Errorf("the same again: %d", again.Code)
		}

		done := fmt.Sprintf(`{"id":%q,"result":{"caption":"a dot"},"state":"ok"}`, job.Forms[0].ID)
		n.must(t, http.MethodPost, "/api/v2/interrogate/submit", key, done, nil)
		if gone := n.call(t, http.MethodGet, link.RequestURI(), "", "", nil); gone.Code != http.StatusNotFound {
			t.Errorf("the image of a request that is over: %d", gone.Code)
		}
		if err := n.Blobs.(*blob.Folder).Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		lies(0, 0)
	})
}

// TestImagesOfTheDatabaseThatACrashLeftArePruned: with all others of their age.
func TestImagesOfTheDatabaseThatACrashLeftArePruned(t *testing.T) {
	t.Parallel()
	n, clock := clockedNode(t, storetest.On(t, storetest.SQLite))
	if err := (smallObjects{n.Store}).Put(t.Context(), "left.webp", bytes.Repeat([]byte{1}, 100)); err != nil {
		t.Fatal(err)
	}
	for _, want := range []int{1, 0} {
		if err := n.prune(t.Context()); err != nil {
			t.Fatal(err)
		}
		if left, err := n.Store.SmallImageSizes(t.Context()); err != nil || len(left) != want {
			t.Errorf("%d are left, want %d, %v", len(left), want, err)
		}
		clock.Advance(2 * imagesKept)
	}
}

// must is call for what has to succeed.
func (n *Node) must(t *testing.T, method, path, key, body string, v any) *httptest.ResponseRecorder {
	t.Helper()
	w := n.call(t, method, path, key, body, v)
	if w.Code >= 300 {
		t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return w
}

func filesBelow(t *testing.T, dir string) (n int) {
	t.Helper()
	err := fs.WalkDir(os.DirFS(dir), ".", func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			n++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}
