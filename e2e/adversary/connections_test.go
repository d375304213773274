package adversary

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"time"
)

var connections = []class{
	{name: "connections/bodies announced and not sent", attack: hold("Content-Length: 100\r\n\r\n", 0)},
	{name: "connections/chunks that do not come", whole: true, attack: hold("Transfer-Encoding: chunked\r\n\r\n", 0)},
	{name: "connections/headers that drip", attack: hold("", 300*time.Millisecond)},
	{name: "connections/nothing at all", whole: true, attack: holdSilent},
	{name: "connections/answers not read", attack: answersNotRead},
	{name: "connections/more calls than can be served", attack: overload},
}

// held is how many connections one stranger holds.
func held() int {
	if whole() {
		return 1500
	}
	return 300
}

// dial opens a connection from the attackers' address.
func (x *attackers) dial() (net.Conn, error) {
	x.calls.Add(1)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(attackerAddress)}, Timeout: patience}
	return d.Dial("tcp", strings.TrimPrefix(x.url, "http://"))
}

// hold opens many connections that never end what they began; with a drip, each sends
// a header as often.
func hold(rest string, drip time.Duration) func(*arena) {
	routes := []string{
		"POST /api/v2/generate/async", "POST /api/v2/generate/pop", "POST /api/v2/generate/submit",
		"POST /api/v2/kudos/transfer", "GET /api/v2/status/heartbeat", "POST /api/v2/interrogate/pop",
		"PUT /api/v2/sharedkeys",
	}

	return func(a *arena) {
		var all sync.WaitGroup
		deadline := time.Now().Add(2 * a.length())
		for i := range held() {
			all.Go(func() {
				conn, err := a.dial()
				if err != nil {
					return
				}

				defer conn.Close()
				head := "%s HTTP/1.1\r\nHost: x\r\napikey: " + anonymous + "\r\nContent-Type: application/json\r\n%s"
				_, err = fmt.Fprintf(conn, head, routes[i%len(routes)], rest)
				for drip > 0 && err == nil && time.Now().Before(deadline) {
					time.Sleep(drip) // the attack itself
					_, err = io.WriteString(conn, "X-A: b\r\n")
				}

				_ = conn.SetReadDeadline(deadline)
				_, _ = io.Copy(io.Discard, conn)
			})
		}

		all.Wait()
	}
}

func holdSilent(a *arena) {
	var all sync.WaitGroup
	for range held() {
		all.Go(func() {
			conn, err := a.dial()
			if err != nil {
				return
			}
			defer conn.Close()
			_ = conn.SetReadDeadline(time.Now().Add(2 * a.length()))
			_, _ = io.Copy(io.Discard, conn)
		})
	}
	all.Wait()
}

// answersNotRead asks again and again for a large document on connections that nobody
// reads.
func answersNotRead(a *arena) {
	var all sync.WaitGroup
	for range held() / 3 {
		all.Go(func() {
			conn, err := a.dial()
			if err != nil {
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(2 * a.length()))
			for err == nil {
				_, err = io.WriteString(conn, "GET /api/swagger.json HTTP/1.1\r\nHost: x\r\n\r\n")
			}
		})
	}
	all.Wait()
}

// overload makes more calls than the program can serve: what it does not serve it
// refuses, and says when to come again.
func overload(a *arena) {
	paths := []string{
		"status/performance", "status/models", "workers", "stats/img/totals", "find_user", "status/heartbeat",
	}
	a.together(100, a.length(), func(client *http.Client, i int) {
		got := a.send(client, http.MethodGet, "/api/v2/"+paths[i%len(paths)], anonymous, "")
		shed := got.status == http.StatusServiceUnavailable || got.status == http.StatusTooManyRequests
		if got.status >= 500 && !shed || shed && got.header.Get("Retry-After") == "" {
			a.fault("%s: %d %v", paths[i%len(paths)], got.status, got.header)
		}
	})
}
