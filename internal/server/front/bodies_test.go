package front

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"horde/internal/server"
)

var wildcards = regexp.MustCompile(`\{\w+\}`)

// No route waits for ever for a body that was announced: each answers, or says that the
// body did not come, and ends the connection. Routes that read bodies have their real
// patience here, which is why all are asked at once.
func TestNoRouteWaitsForEverForABody(t *testing.T) {
	if testing.Short() {
		t.Skip("takes as long as a body may pause")
	}
	t.Parallel()
	const patience = 40 * time.Second // twice what the first part of a body may take

	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	routes := allRoutes()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- server.New(server.Options{}, routes).Serve(ctx, l, 0) }()
	t.Cleanup(func() {
		stop()
		<-done
	})

	ends := make(chan error, len(routes))
	for _, rt := range routes {
		path := wildcards.ReplaceAllString(rt.Pattern, "x")
		go func() { ends <- announce(l.Addr().String(), rt.Method, path, patience) }()
	}
	for range routes {
		if err := <-ends; err != nil {
			t.Error(err)
		}
	}
}

// announce announces a body and sends none of it. It returns an error unless the call is
// answered and the connection ends.
func announce(addr, method, path string, patience time.Duration) error {
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		return err
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))

	const header = "Host: x\r\napikey: 0000000000\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n"
	if _, err := fmt.Fprintf(conn, "%s %s HTTP/1.1\r\n%s", method, path, header); err != nil {
		return err
	}
	all, err := io.ReadAll(conn)
	if err != nil {
		return fmt.Errorf("%s %s: after %q: %w", method, path, all, err)
	}

	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(string(all))), nil)
	if err != nil {
		return fmt.Errorf("%s %s: %q: %w", method, path, all, err)
	}
	return resp.Body.Close()
}
