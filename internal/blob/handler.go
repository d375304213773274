package blob

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"horde/api"
	"horde/internal/horde"
)

// uploadTime is how long an upload may take.
const uploadTime = 5 * time.Minute

// corsHeaders are the headers that scripts of any page may send (clients §0 row 1).
const corsHeaders = "Accept, Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, apikey, Client-Agent, " +
	"X-Fields, X-Forwarded-For, Proxied-For, Proxy-Authorization, Range, If-None-Match, If-Modified-Since"

// Handler serves the folder's links at Path: GET and HEAD of a readable link,
// PUT of a writable one, OPTIONS for preflights. Errors are JSON with message
// and rc. A WebP is served as such, anything else only as an attachment
// (decision 44), so that nobody can place a page under the horde's address.
func (f *Folder) Handler() http.Handler { return http.HandlerFunc(f.serve) }

func (f *Folder) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	h.Set("Access-Control-Allow-Methods", "GET, PUT, HEAD, OPTIONS")
	h.Set("Access-Control-Allow-Headers", corsHeaders)
	h.Set("Access-Control-Expose-Headers", "Content-Length, Content-Range, Content-Type, ETag, Last-Modified, Retry-After")
	h.Set("Access-Control-Max-Age", "86400")
	h.Set("Cross-Origin-Resource-Policy", "cross-origin")
	h.Set("X-Content-Type-Options", "nosniff")

	method := r.Method
	switch method {
	case http.MethodOptions:
		w.WriteHeader(http.StatusOK)
		return
	case http.MethodHead:
		method = http.MethodGet // a link to read serves both
	case http.MethodGet, http.MethodPut:
	default:
		h.Set("Allow", "GET, PUT, HEAD, OPTIONS")
		refuse(w, horde.MethodNotAllowed, "The method is not allowed for the requested URL.")
		return
	}

	name, ok := strings.CutPrefix(r.URL.Path, Path)
	if !ok || !ValidName(name) {
		refuse(w, horde.BlobNotFound, "There is no such object.")
		return
	}

	switch f.signer.check(r.URL.Query(), method, name, f.opt.Clock()) {
	case linkForged:
		refuse(w, horde.BlobLinkInvalid, "This link was not issued by this horde for this method.")
	case linkExpired:
		refuse(w, horde.BlobLinkExpired, "This link has expired. Ask for the request's status again to get a new one.")
	case linkGood:
		if method == http.MethodPut {
			f.receive(w, r, name)
		} else {
			f.deliver(w, r, name)
		}
	}
}

// deliver serves an object, with ranges and revalidation.
func (f *Folder) deliver(w http.ResponseWriter, r *http.Request, name string) {
	file, info, err := f.open(name)
	if errors.Is(err, ErrNotFound) {
		refuse(w, horde.BlobNotFound, "Nothing was uploaded under this name, or it was deleted.")
		return
	}
	if err != nil {
		fail(w, r, "read", name, err)
		return
	}
	defer file.Close()

	h := w.Header()
	h.Set("Content-Type", info.ContentType)
	h.Set("ETag", fmt.Sprintf(`"%x-%x"`, info.Modified.UnixNano(), info.Size))
	h.Set("Cache-Control", "private, no-cache")
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	if info.ContentType != "image/webp" {
		h.Set("Content-Disposition", `attachment; filename="`+name+`"`)
	}
	http.ServeContent(w, r, "", info.Modified, file)
}

// receive stores an upload of any content type.
func (f *Folder) receive(w http.ResponseWriter, r *http.Request, name string) {
	// Only the writers of tests do not support it.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime))

	body := &upload{r: http.MaxBytesReader(w, r.Body, f.opt.MaxBytes)}
	err := f.Put(r.Context(), name, "", body, r.ContentLength)

	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, ErrTooLarge), errors.As(err, &tooLarge):
		refuse(w, horde.BlobTooLarge, fmt.Sprintf("An upload may have at most %d bytes.", f.opt.MaxBytes))
	case body.failed || r.Context().Err() != nil:
		refuse(w, horde.BlobIncomplete, "The upload broke off. Send it again.")
	default:
		fail(w, r, "write", name, err)
	}
}

// upload remembers whether it was the sender who broke off.
type upload struct {
	r      io.Reader
	failed bool
}

func (u *upload) Read(p []byte) (int, error) {
	n, err := u.r.Read(p)
	if err != nil && err != io.EOF {
		u.failed = true
	}
	return n, err
}

// refuse answers with the error body of the API.
func refuse(w http.ResponseWriter, code horde.Code, message string) {
	status, _ := horde.StatusOf(code)
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(api.Error{Message: message, RC: string(code)})
}

// fail answers for an error of our own.
func fail(w http.ResponseWriter, r *http.Request, verb, name string, err error) {
	slog.ErrorContext(r.Context(), "blob: cannot "+verb+" object", "name", name, "err", err)
	refuse(w, horde.InternalServerError, "Internal Server Error")
}
