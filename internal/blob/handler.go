package blob

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
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

// Handler serves the folder's links at Path, and asks gate about uploads (nil: all are
// taken): GET and HEAD of a readable link,
// PUT of a writable one, OPTIONS for preflights. Errors are JSON with message
// and rc. A WebP is served as such, anything else only as an attachment
// (decision 44), so that nobody can place a page under the horde's address.
func (f *Folder) Handler(gate Gate) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { f.serve(w, r, gate) })
}

func (f *Folder) serve(w http.ResponseWriter, r *http.Request, gate Gate) {
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

	link, verdict := f.signer.check(r.URL.Query(), method, name, f.opt.Clock())
	switch verdict {
	case linkForged:
		refuse(w, horde.BlobLinkInvalid, "This link was not issued by this horde for this method.")
	case linkExpired:
		refuse(w, horde.BlobLinkExpired, "This link has expired. Ask for the request's status again to get a new one.")
	case linkGood:
		if method == http.MethodPut {
			f.receive(w, r, link, gate)
		} else {
			f.deliver(w, r, name)
		}
	}
}

// deliver serves an object, with ranges and revalidation.
func (f *Folder) deliver(w http.ResponseWriter, r *http.Request, name string) {
	file, info, err := f.open(r.Context(), name)
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
func (f *Folder) receive(w http.ResponseWriter, r *http.Request, link ticket, gate Gate) {
	limit := f.opt.MaxBytes
	if link.limit > 0 { // older nodes signed links without one
		limit = min(limit, link.limit)
	}
	o := object{name: link.name, size: r.ContentLength, limit: limit, account: link.account, gate: gate}
	if err := f.admit(r.Context(), o); err != nil {
		refuseUpload(w, r, link.name, err)
		return
	}

	// Only the writers of tests do not support it.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(uploadTime))

	body := &upload{r: http.MaxBytesReader(w, r.Body, limit)}
	err := f.put(r.Context(), o, body)

	var tooLarge *http.MaxBytesError
	switch {
	case err == nil:
		w.Header().Set("Content-Length", "0")
		w.WriteHeader(http.StatusOK)
	case errors.Is(err, ErrTooLarge), errors.As(err, &tooLarge):
		refuse(w, horde.BlobTooLarge, fmt.Sprintf("This upload may have at most %d bytes.", limit))
	case body.failed || r.Context().Err() != nil:
		refuse(w, horde.BlobIncomplete, "The upload broke off. Send it again.")
	default:
		refuseUpload(w, r, link.name, err)
	}
}

// When to try again where there is no room.
const (
	fullRetry  = time.Minute
	quotaRetry = quotaSlot
)

// fullText is what callers are told where there is no room.
const fullText = "The horde has no room for more images at the moment. Please try again later."

// Refusal is err as the API tells it where there is no room for an object; else it is err.
func Refusal(err error) error {
	switch {
	case errors.Is(err, ErrFull):
		full := horde.Errorf(horde.StorageFull, "%s", fullText)
		full.RetryAfter = fullRetry
		return full
	case errors.Is(err, ErrQuota):
		quota := horde.Errorf(horde.StorageQuota,
			"This account has stored as many bytes of images as one account may. Please try again later.")
		quota.RetryAfter = quotaRetry
		return quota
	}
	return err
}

// refuseUpload answers for an upload that is not taken.
func refuseUpload(w http.ResponseWriter, r *http.Request, name string, err error) {
	switch {
	case errors.Is(err, errEnded):
		refuse(w, horde.BlobLinkEnded, "Nothing can be uploaded by this link any more: its job has ended.")
	case errors.Is(err, ErrFull):
		retryAfter(w, fullRetry)
		refuse(w, horde.StorageFull, fullText)
	case errors.Is(err, ErrQuota):
		retryAfter(w, quotaRetry)
		refuse(w, horde.StorageQuota, "The workers of this account have uploaded as much as one account may. "+
			"Please try again later.")
	default:
		fail(w, r, "write", name, err)
	}
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	w.Header().Set("Retry-After", strconv.Itoa(int(wait/time.Second)))
}

// upload remembers whether it was the sender who broke off.
type upload struct {
	r      io.Reader
	failed bool
}

func (up *upload) Read(p []byte) (int, error) {
	n, err := up.r.Read(p)
	if err != nil && err != io.EOF {
		up.failed = true
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
