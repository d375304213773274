package front

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"horde/internal/hordetest"
	"horde/internal/server"
)

var wildcards = regexp.MustCompile(`\{\w+\}`)

// No route waits for ever for a body that was announced: each answers, or says that the
// body did not come, and ends the connection.
func TestNoRouteWaitsForEverForABody(t *testing.T) {
	t.Parallel()
	for _, rt := range allRoutes() {
		t.Run(rt.Method+" "+rt.Pattern, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) { announce(t, rt.Method, wildcards.ReplaceAllString(rt.Pattern, "x")) })
		})
	}
}

// announce announces a body and sends none of it, and wants the call to be answered and
// the connection to end.
func announce(t *testing.T, method, path string) {
	const patience = 40 * time.Second // twice what the first part of a body may take

	l := hordetest.NewPipes()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.New(server.Options{}, allRoutes()).Serve(ctx, l, 0) }()
	defer func() {
		stop()
		<-done
	}()

	conn, err := l.Dial("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))

	const header = "Host: x\r\napikey: 0000000000\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\n%s", method, path, header); err != nil {
		t.Fatal(err)
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		t.Fatalf("after %q: %v", all, err)
	}

	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(all))), nil)
	if err != nil {
		t.Fatalf("%q: %v", all, err)
	}
	resp.Body.Close()
}
