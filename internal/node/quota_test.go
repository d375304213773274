package node

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"testing"

	"horde/api"
	"horde/internal/account"
	"horde/internal/blob"
)

// TestQuotasOutlastARestart: what an account has stored counts on when the server was
// started anew; its source images are refused then, and not those of others.
func TestQuotasOutlastARestart(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	open := func() *Node {
		t.Helper()
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		n, err := Open(t.Context(), Options{
			Data: folder, Listener: l, KeySecret: "k", Quota: blob.Quota{Account: 1000},
		})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.Close() })
		return n
	}

	n := open()
	user, key, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "tom", OAuthID: "test-tom"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	images := n.Blobs.(*blob.Folder)
	o := blob.Object{Name: "a.webp", Size: 990, Account: int64(user.ID)}
	if err := images.Put(t.Context(), o, bytes.NewReader(make([]byte, 990))); err != nil {
		t.Fatal(err)
	}
	if err := n.shareBlobUseNow(t.Context(), images); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}

	n = open()
	defer n.Close()
	body := fmt.Sprintf(`{"prompt":"x","source_processing":"img2img","source_image":%q}`, dot)
	var refused api.Error
	w := n.call(t, http.MethodPost, "/api/v2/generate/async", key, body, &refused)
	if w.Code != http.StatusTooManyRequests || refused.RC != "StorageQuota" || w.Header().Get("Retry-After") == "" {
		t.Errorf("%d %+v, Retry-After %q", w.Code, refused, w.Header().Get("Retry-After"))
	}
	w = n.call(t, http.MethodPost, "/api/v2/generate/async", api.AnonymousKey, body, nil)
	if w.Code != http.StatusAccepted {
		t.Errorf("of strangers: %d %s", w.Code, w.Body)
	}
}

// TestSourceImagesWithoutRoomAreRefused: as uploads are, with an answer that says to come
// again.
func TestSourceImagesWithoutRoomAreRefused(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t, func(o *Options) { o.Quota = blob.Quota{Total: 10} })
	for path, body := range map[string]string{
		"generate/async":    fmt.Sprintf(`{"prompt":"x","source_processing":"img2img","source_image":%q}`, dot),
		"interrogate/async": fmt.Sprintf(`{"forms":[{"name":"caption"}],"source_image":%q}`, dot),
	} {
		var refused api.Error
		w := n.call(t, http.MethodPost, "/api/v2/"+path, api.AnonymousKey, body, &refused)
		if w.Code != http.StatusServiceUnavailable || refused.RC != "StorageFull" || w.Header().Get("Retry-After") == "" {
			t.Errorf("%s: %d %+v, Retry-After %q", path, w.Code, refused, w.Header().Get("Retry-After"))
		}
	}
}
