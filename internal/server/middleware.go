package server

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"horde/internal/horde"
	"horde/internal/telemetry"
)

// Headers of every answer (platform §1.1, clients §0 row 1).
var (
	corsOrigin  = []string{"*"}
	corsMethods = []string{"POST, GET, OPTIONS, PUT, DELETE, PATCH"}
	corsHeaders = []string{"Accept, Content-Type, Content-Length, Accept-Encoding, X-CSRF-Token, apikey, Client-Agent, " +
		"X-Fields, X-Forwarded-For, Proxied-For, Proxy-Authorization, Prefer, X-Request-Id"}
	corsExpose = []string{"Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Reset, " +
		"Horde-Node, X-Request-Id"}
	corsMaxAge = []string{"86400"}
	noSniff    = []string{"nosniff"}
)

// ServeHTTP is the middleware: what every call gets, whatever its route.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	began := time.Now()
	x := &exchange{ResponseWriter: w, id: requestID(r), server: s, call: r, conn: connectionOf(r)}
	s.locate(x, r)
	ctx := horde.WithCaller(horde.WithBase(withExchange(r.Context(), x), x), x)
	r = r.WithContext(telemetry.WithRequest(ctx, x.id))
	x.receive(r)

	h := w.Header()
	h["Access-Control-Allow-Origin"] = corsOrigin
	h["Access-Control-Allow-Methods"] = corsMethods
	h["Access-Control-Allow-Headers"] = corsHeaders
	h["Access-Control-Expose-Headers"] = corsExpose
	h["Access-Control-Max-Age"] = corsMaxAge
	h["Horde-Node"] = s.node
	h["X-Content-Type-Options"] = noSniff
	h["X-Request-Id"] = []string{x.id}

	s.metrics.running.Add(1)
	defer s.metrics.running.Add(-1)
	defer s.finish(x, r, began)

	leave := s.conns.enterCall(x)
	if leave == nil {
		s.writeError(x, r, s.conns.tooManyCalls())
		return
	}
	defer leave()
	s.dispatch(x, r)
}

// finish turns a panic into a 500 and puts the call into log and metrics.
func (s *Server) finish(x *exchange, r *http.Request, began time.Time) {
	defer x.drain()
	defer x.releaseBody()
	defer x.releaseAnswer()
	if p := recover(); p != nil {
		if p == http.ErrAbortHandler { // a handler's way to cut the connection
			panic(p)
		}
		s.log.LogAttrs(r.Context(), slog.LevelError, "panic",
			slog.String("method", r.Method), slog.String("path", r.URL.Path),
			slog.String("panic", fmt.Sprint(p)), slog.String("stack", string(debug.Stack())))
		if wrote(x) {
			panic(http.ErrAbortHandler) // half an answer must not look like a whole one
		}
		s.writeError(x, r, errPanic)
	}

	took := time.Since(began)
	s.metrics.observe(x.pattern, r.Method, x.status, took)
	s.metrics.observeBytes(s.classOf(r), x.body.total, x.bytes)
	s.logAccess(x, r, took)
}

// classOf is the class of the account whose key a call carried, "" for none.
func (s *Server) classOf(r *http.Request) string {
	if s.Class == nil {
		return ""
	}
	return s.Class(APIKey(r))
}

var errPanic = errors.New("the handler panicked, see the log above")

// How much of a path and of a client's name a log line holds, in bytes.
const (
	maxLoggedPath  = 200
	maxLoggedAgent = 100
)

// logAccess writes one line per call: failures of ours always, all calls with
// AccessLog or at level debug. Calls that were too many have a line together, so that
// there is less to do and not more. Keys are in no line: headers and queries are left
// out.
func (s *Server) logAccess(x *exchange, r *http.Request, took time.Duration) {
	level := slog.LevelDebug
	switch {
	case x.status >= 500 && !x.shed:
		level = slog.LevelWarn
	case s.AccessLog:
		level = slog.LevelInfo
	}
	if !s.log.Enabled(r.Context(), level) {
		return
	}
	s.log.LogAttrs(r.Context(), level, "call",
		slog.String("method", r.Method),
		slog.String("path", Clip(r.URL.Path, maxLoggedPath)),
		slog.Int("status", x.status),
		slog.Int64("bytes", x.bytes),
		slog.Duration("took", took),
		slog.String("addr", x.network.String()),
		slog.String("agent", Clip(r.Header.Get("Client-Agent"), maxLoggedAgent)))
}

// Clip returns the first n bytes of a text.
func Clip(s string, n int) string {
	if len(s) > n {
		return s[:n]
	}
	return s
}

// requestID takes over a caller's id if it is a short plain word, else makes one.
func requestID(r *http.Request) string {
	if v := r.Header["X-Request-Id"]; len(v) > 0 && plainWord(v[0]) {
		return v[0]
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// maxRequestID is the longest id of a caller's that is taken over, in bytes.
const maxRequestID = 64

// plainWord reports whether a caller's id can stand in a log as it is.
func plainWord(s string) bool {
	if s == "" || len(s) > maxRequestID {
		return false
	}
	for _, c := range []byte(s) {
		if !isNameByte(c) && c != '.' || c == '*' {
			return false
		}
	}
	return true
}

// begin notes that the answer begins.
func (x *exchange) begin(status int) {
	x.status = status
	x.drain()
}

// WriteHeader records the status and passes it on.
func (x *exchange) WriteHeader(status int) {
	if x.status == 0 && status >= 200 {
		x.begin(status)
	}
	x.ResponseWriter.WriteHeader(status)
}

// Write counts what it passes on.
func (x *exchange) Write(p []byte) (int, error) {
	if x.status == 0 {
		x.begin(http.StatusOK)
	}
	x.rest()
	defer x.resume()
	n, err := x.ResponseWriter.Write(p)
	x.bytes += int64(n)
	return n, err
}

// ReadFrom lets files be sent by the kernel.
func (x *exchange) ReadFrom(src io.Reader) (int64, error) {
	if x.status == 0 {
		x.begin(http.StatusOK)
	}
	x.rest()
	defer x.resume()
	n, err := io.Copy(x.ResponseWriter, src)
	x.bytes += n
	return n, err
}

// Unwrap lets http.ResponseController reach deadlines and Flush.
func (x *exchange) Unwrap() http.ResponseWriter { return x.ResponseWriter }

// wrote reports whether an answer has begun.
func wrote(w http.ResponseWriter) bool {
	x, ok := w.(*exchange)
	return ok && x.status != 0
}
