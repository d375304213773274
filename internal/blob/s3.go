package blob

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/cors"
	"github.com/minio/minio-go/v7/pkg/credentials"
	"golang.org/x/sync/singleflight"
)

// S3Options say where an S3 store is and how to speak to it.
type S3Options struct {
	Endpoint string // URL, such as "https://<account>.r2.cloudflarestorage.com"
	// PublicEndpoint is where clients and workers reach the same store; links
	// are signed for it. Empty: Endpoint.
	PublicEndpoint string
	Region         string // empty: "us-east-1"
	AccessKey      string
	SecretKey      string
	Bucket         string // finished images
	// SourceBucket takes source images, which are the names with an
	// underscore ("<request id>_src.webp"). Empty: Bucket.
	SourceBucket string
	PathStyle    bool  // address buckets as endpoint/bucket, not bucket.endpoint
	MaxBytes     int64 // size limit of Put; 0: DefaultMaxBytes
	// Transport overrides the HTTP transport; nil: the library's.
	Transport http.RoundTripper
}

// S3 is a Store in S3 or a store compatible with it (R2, versitygw, …). Its links
// are presigned URLs; the store itself answers them, and a presigned upload has
// no size limit but the store's own.
type S3 struct {
	client *minio.Client // for our own calls
	links  *minio.Client // signs for the public endpoint, never connects
	opt    S3Options

	checks     singleflight.Group        // of whether it can be written to; callers share one
	readyUntil atomic.Pointer[time.Time] // until then the store counts as ready; nil: it does not
}

var _ Store = (*S3)(nil)

// NewS3 checks the options; it does not connect.
func NewS3(opt S3Options) (*S3, error) {
	if opt.Bucket == "" {
		return nil, errors.New("S3: no bucket is set")
	}
	if opt.AccessKey == "" || opt.SecretKey == "" {
		return nil, errors.New("S3: access key and secret key must both be set")
	}
	if opt.SourceBucket == "" {
		opt.SourceBucket = opt.Bucket
	}
	if opt.PublicEndpoint == "" {
		opt.PublicEndpoint = opt.Endpoint
	}
	if opt.Region == "" {
		// With a region the client never has to ask where a bucket is, which
		// would put a round trip into the making of a link.
		opt.Region = "us-east-1"
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = DefaultMaxBytes
	}

	client, err := s3Client(opt.Endpoint, opt)
	if err != nil {
		return nil, err
	}
	links, err := s3Client(opt.PublicEndpoint, opt)
	if err != nil {
		return nil, err
	}

	s := &S3{client: client, links: links, opt: opt}
	for _, b := range []string{opt.Bucket, opt.SourceBucket} {
		// Signing connects to nothing, so nobody's context matters.
		if _, err := links.PresignedGetObject(context.Background(), b, "probe", LinkTTL, nil); err != nil {
			return nil, fmt.Errorf("S3: cannot sign links of bucket %q: %w", b, err)
		}
	}
	return s, nil
}

func s3Client(endpoint string, opt S3Options) (*minio.Client, error) {
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || (u.Scheme != "http" && u.Scheme != "https") || strings.Trim(u.Path, "/") != "" {
		return nil, fmt.Errorf("S3: endpoint %q is no URL of the form https://host", endpoint)
	}

	lookup := minio.BucketLookupAuto
	if opt.PathStyle {
		lookup = minio.BucketLookupPath
	}

	c, err := minio.New(u.Host, &minio.Options{
		Creds:        credentials.NewStaticV4(opt.AccessKey, opt.SecretKey, ""),
		Secure:       u.Scheme == "https",
		Region:       opt.Region,
		BucketLookup: lookup,
		Transport:    opt.Transport,
		MaxRetries:   3,
	})
	if err != nil {
		return nil, fmt.Errorf("S3: %w", err)
	}
	return c, nil
}

// Prepare creates missing buckets and lets pages of any origin read and
// write through links. A store that does not support CORS configuration is not an error: it
// is logged, since only browsers need it.
func (s *S3) Prepare(ctx context.Context) error {
	for _, b := range s.buckets() {
		ok, err := s.client.BucketExists(ctx, b)
		if err == nil && !ok {
			err = s.client.MakeBucket(ctx, b, minio.MakeBucketOptions{Region: s.opt.Region})
		}
		if err != nil {
			return fmt.Errorf("S3: bucket %q: %w", b, err)
		}

		rule := cors.Rule{
			AllowedOrigin: []string{"*"},
			AllowedMethod: []string{"GET", "PUT", "HEAD"},
			AllowedHeader: []string{"*"},
			ExposeHeader:  []string{"ETag", "Content-Length"},
			MaxAgeSeconds: 86400,
		}
		if err := s.client.SetBucketCors(ctx, b, cors.NewConfig([]cors.Rule{rule})); err != nil {
			slog.WarnContext(ctx,
				"S3: CORS of the bucket cannot be set; set it there, or browsers will not show images", "bucket", b, "err", err)
		}
	}
	return nil
}

func (s *S3) buckets() []string {
	if s.opt.SourceBucket == s.opt.Bucket {
		return []string{s.opt.Bucket}
	}
	return []string{s.opt.Bucket, s.opt.SourceBucket}
}

func (s *S3) bucket(name string) string {
	if strings.Contains(name, "_") {
		return s.opt.SourceBucket
	}
	return s.opt.Bucket
}

// s3Error wraps an error of the client, as ErrNotFound if the object is missing.
func s3Error(verb, name string, err error) error {
	if r := minio.ToErrorResponse(err); r.Code == minio.NoSuchKey ||
		r.StatusCode == http.StatusNotFound && r.Code != minio.NoSuchBucket {
		return fmt.Errorf("%w: %s", ErrNotFound, name)
	}
	return fmt.Errorf("%s %s: %w", verb, name, err)
}

// Put implements Store.
func (s *S3) Put(ctx context.Context, o Object, r io.Reader) error {
	name, size := o.Name, o.Size
	if err := checkName(name); err != nil {
		return err
	}
	if size > s.opt.MaxBytes {
		return fmt.Errorf("put %s: %w: %d bytes, at most %d", name, ErrTooLarge, size, s.opt.MaxBytes)
	}

	// Read whole: an object is small, its true length must be known before the
	// old one is replaced, and a retry has to begin again.
	data, err := io.ReadAll(io.LimitReader(&contextReader{ctx, r}, s.opt.MaxBytes+1))
	switch {
	case err != nil:
		return fmt.Errorf("put %s: %w", name, err)
	case int64(len(data)) > s.opt.MaxBytes:
		return fmt.Errorf("put %s: %w: more than %d bytes", name, ErrTooLarge, s.opt.MaxBytes)
	case size >= 0 && int64(len(data)) != size:
		return fmt.Errorf("put %s: %d bytes arrived in place of %d: %w", name, len(data), size, io.ErrUnexpectedEOF)
	}

	opt := minio.PutObjectOptions{ContentType: o.ContentType, DisableMultipart: true}
	if _, err := s.client.PutObject(ctx, s.bucket(name), name, bytes.NewReader(data), int64(len(data)), opt); err != nil {
		return fmt.Errorf("put %s: %w", name, err)
	}
	return nil
}

// Get implements Store.
func (s *S3) Get(ctx context.Context, name string) (io.ReadCloser, Info, error) {
	if err := checkName(name); err != nil {
		return nil, Info{}, err
	}
	obj, err := s.client.GetObject(ctx, s.bucket(name), name, minio.GetObjectOptions{})
	if err != nil {
		return nil, Info{}, s3Error("get", name, err)
	}

	st, err := obj.Stat()
	if err != nil {
		obj.Close()
		return nil, Info{}, s3Error("get", name, err)
	}
	return obj, Info{Size: st.Size, ContentType: st.ContentType, Modified: st.LastModified}, nil
}

// Exists implements Store.
func (s *S3) Exists(ctx context.Context, name string) (bool, error) {
	if err := checkName(name); err != nil {
		return false, err
	}

	_, err := s.client.StatObject(ctx, s.bucket(name), name, minio.StatObjectOptions{})
	if err == nil {
		return true, nil
	}
	if err = s3Error("look for", name, err); errors.Is(err, ErrNotFound) {
		return false, nil
	}
	return false, err
}

// Delete implements Store.
func (s *S3) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	err := s.client.RemoveObject(ctx, s.bucket(name), name, minio.RemoveObjectOptions{})
	if err != nil {
		if err = s3Error("delete", name, err); errors.Is(err, ErrNotFound) {
			return nil
		}
	}
	return err
}

// asWebP makes the store answer a link as WebP whatever the uploader called
// it, so that no uploaded page runs under the store's address.
var asWebP = url.Values{"response-content-type": {"image/webp"}}

// SignGet implements Store.
func (s *S3) SignGet(ctx context.Context, name string, ttl time.Duration) string {
	if !ValidName(name) {
		return ""
	}
	u, err := s.links.PresignedGetObject(context.WithoutCancel(ctx), s.bucket(name), name, ttl, asWebP)
	return signed(u, err)
}

// SignPut implements Store. Content type and length are no part of the signature: workers
// send any type or none, and a store checks no length but an exact one. How much came is
// looked at when the object is sealed.
func (s *S3) SignPut(ctx context.Context, name string, u Upload) string {
	if !ValidName(name) {
		return ""
	}
	link, err := s.links.PresignedPutObject(context.WithoutCancel(ctx), s.bucket(name), name, u.TTL)
	return signed(link, err)
}

// Seal implements Store as far as a store lets it: a link cannot be called back, so its
// holder may still replace the object until it expires.
func (s *S3) Seal(ctx context.Context, name string, maxBytes int64) (release func()) {
	if maxBytes <= 0 || !ValidName(name) {
		return func() {}
	}
	st, err := s.client.StatObject(ctx, s.bucket(name), name, minio.StatObjectOptions{})
	if err == nil && st.Size > maxBytes {
		if err := s.Delete(ctx, name); err != nil {
			slog.WarnContext(ctx, "S3: an upload that is too large cannot be removed", "name", name, "err", err)
		}
	}
	return func() {}
}

func signed(u *url.URL, err error) string {
	if err != nil {
		slog.Error("S3: cannot sign a link", "err", err)
		return ""
	}
	return u.String()
}

// Prune implements Store.
func (s *S3) Prune(ctx context.Context, olderThan time.Time) (n int, err error) {
	// A list that is left early goes on filling its channel unless it is cancelled.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()

	for _, b := range s.buckets() {
		for obj := range s.client.ListObjects(ctx, b, minio.ListObjectsOptions{Recursive: true}) {
			if obj.Err != nil {
				return n, fmt.Errorf("prune bucket %s: %w", b, obj.Err)
			}
			if !obj.LastModified.Before(olderThan) {
				continue
			}
			if err := s.client.RemoveObject(ctx, b, obj.Key, minio.RemoveObjectOptions{}); err != nil {
				return n, fmt.Errorf("prune bucket %s: %w", b, err)
			}
			n++
		}
	}
	return n, nil
}

const (
	// s3ReadyKept is how long a store that could be written to counts as ready: each check
	// writes, and many stores take money for that.
	s3ReadyKept = 15 * time.Second
	// s3CheckLimit bounds a check that its callers no longer wait for.
	s3CheckLimit = time.Minute
)

// Ready implements Store: ReadyNow, unless the store could be written to just now.
func (s *S3) Ready(ctx context.Context) error {
	if until := s.readyUntil.Load(); until != nil && time.Now().Before(*until) {
		return nil
	}
	return s.ReadyNow(ctx)
}

// ReadyNow implements Store: it writes and removes an object in every bucket.
func (s *S3) ReadyNow(ctx context.Context) error {
	// Whoever asks meanwhile shares the answer, even if the first of them leaves.
	answer := s.checks.DoChan("", func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), s3CheckLimit)
		defer cancel()
		return nil, s.check(ctx)
	})

	select {
	case a := <-answer:
		return a.Err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// check writes and removes an object in every bucket, and notes for Ready what came of it.
func (s *S3) check(ctx context.Context) error {
	for _, b := range s.buckets() {
		if err := s.tryBucket(ctx, b); err != nil {
			s.readyUntil.Store(nil)
			return fmt.Errorf("S3: bucket %q: %w", b, err)
		}
	}
	until := time.Now().Add(s3ReadyKept)
	s.readyUntil.Store(&until)
	return nil
}

// tryBucket writes and removes an object. One that is left behind, as by a process that
// ends meanwhile, is pruned.
func (s *S3) tryBucket(ctx context.Context, bucket string) error {
	name := "ready-" + rand.Text()
	opt := minio.PutObjectOptions{ContentType: "text/plain", DisableMultipart: true}
	if _, err := s.client.PutObject(ctx, bucket, name, strings.NewReader("ready"), int64(len("ready")), opt); err != nil {
		return fmt.Errorf("cannot be written to: %w", err)
	}
	if err := s.client.RemoveObject(ctx, bucket, name, minio.RemoveObjectOptions{}); err != nil {
		return fmt.Errorf("objects cannot be removed: %w", err)
	}
	return nil
}
