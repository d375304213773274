package adversary

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"horde/api"
	"horde/e2e/program"
)

var inside = []class{
	{name: "inside/source images at private addresses", attack: privateSources, env: unlimited},
	{name: "inside/webhooks to private addresses", attack: privateHooks, env: unlimited},
}

// quiet logs nothing.
var quiet = log.New(io.Discard, "", 0)

// secret is what services inside answer: nobody outside may see it.
const secret = "only for those inside"

// insider is a service that trusts whoever reaches it.
type insider struct {
	port    string // of a plain server on 127.0.0.1
	reached atomic.Int64
}

// door counts who comes in.
type door struct {
	net.Listener
	reached *atomic.Int64
}

func (d door) Accept() (net.Conn, error) {
	conn, err := d.Listener.Accept()
	if err == nil {
		d.reached.Add(1)
	}
	return conn, err
}

// newInsider opens such a service on a free port and, where that is allowed and free, on
// ports 80 and 443 of the loopback addresses, to which calls are not refused for their port.
func newInsider(t *testing.T) *insider {
	t.Helper()
	s := &insider{}
	handler := http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, secret) })
	for i, address := range []string{"127.0.0.1:0", "127.0.0.1:80", "[::1]:80", "127.0.0.1:443", "[::1]:443"} {
		l, err := net.Listen("tcp", address)
		if err != nil {
			if i == 0 {
				t.Fatal(err)
			}
			t.Logf("nobody listens on %s, so only the answer shows what became of calls there: %v", address, err)
			continue
		}
		if i == 0 {
			_, s.port, _ = net.SplitHostPort(l.Addr().String())
		}
		srv := httptest.NewUnstartedServer(handler)
		_ = srv.Listener.Close()
		srv.Listener, srv.Config.ErrorLog = door{l, &s.reached}, quiet
		srv.Start()
		t.Cleanup(srv.Close)
	}
	return s
}

// addresses are those of the service, and of others inside, in all the ways that lead
// there: as numbers of every kind, as IPv6 that holds IPv4, by names.
func (s *insider) addresses() (all []string) {
	for _, host := range []string{
		"127.0.0.1", "127.1", "127.0.0.1.", "2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.1",
		"0", "0.0.0.0", "[::1]", "[::]", "[::ffff:127.0.0.1]", "[::ffff:7f00:1]", "[::127.0.0.1]",
		"[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[fe80::1%25lo]", "localhost", "LOCALHOST", "localhost.", "ⓛocalhost",
		"①②⑦.⓪.⓪.①", "１２７.0.0.1", "%31%32%37.0.0.1",
		"example.org@127.0.0.1", "127.0.0.1#@example.org", "127.0.0.1%23@example.org",
	} {
		all = append(all, "http://"+host+"/", "http://"+host+":"+s.port+"/", "http://"+host+":22/", "https://"+host+"/")
	}
	for _, host := range []string{
		"169.254.169.254/latest/meta-data", "[fd00:ec2::254]/latest/meta-data", "[fd00::1]/", "[fe80::1]/",
		"metadata.google.internal/computeMetadata/v1", "100.100.100.200/latest/meta-data", "192.0.0.192/",
		"10.0.0.1/", "172.16.0.1/", "192.168.1.1/", "100.64.0.1/", "224.0.0.1/", "255.255.255.255/", "198.18.0.1/",
	} {
		all = append(all, "http://"+host)
	}
	return append(all, "file:///etc/passwd", "gopher://127.0.0.1:"+s.port+"/_x", "dict://127.0.0.1:"+s.port+"/x")
}

// untouched says what went wrong if anybody has reached the service.
func (s *insider) untouched(a *arena) {
	if n := s.reached.Load(); n > 0 {
		a.fault("%d connections reached a service inside", n)
	}
}

// privateSources names services inside as source images.
func privateSources(a *arena) {
	s := newInsider(a.T)
	addresses := s.addresses()
	var next atomic.Int64
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			client := from(attackerAddress)
			defer client.CloseIdleConnections()
			for i := next.Add(1) - 1; int(i) < len(addresses); i = next.Add(1) - 1 {
				a.askWithSource(client, addresses[i])
			}
		})
	}
	all.Wait()
	s.untouched(a)
}

// askWithSource sends one address in all places that take one.
func (a *arena) askWithSource(client *http.Client, address string) {
	quoted, _ := json.Marshal(address)
	for path, body := range map[string]string{
		"generate/async": fmt.Sprintf(
			`{"prompt":"x","models":["Deliberate"],"source_processing":"img2img","source_image":%s}`, quoted),
		"interrogate/async": fmt.Sprintf(`{"forms":[{"name":"caption"}],"source_image":%s}`, quoted),
	} {
		got := a.send(client, http.MethodPost, "/api/v2/"+path, anonymous, body)
		if got.status < 400 || got.status >= 500 || strings.Contains(got.body, secret) {
			a.fault("%s of %s: %d %.200s", path, address, got.status, got.body)
		}
	}
}

// privateHooks has the program tell services inside of deliveries. Such a request may be
// accepted, but nobody inside hears of it.
func privateHooks(a *arena) {
	s := newInsider(a.T)
	key := makeUser(a.T, from(attackerAddress), a.url, "hooker", true)
	client := from(attackerAddress)
	delivered := 0
	for _, address := range s.addresses() {
		if !strings.HasPrefix(address, "https://") && delivered > 10 { // plain http is refused for that alone
			continue
		}
		quoted, _ := json.Marshal(address)
		if a.ask(client, key, fmt.Sprintf(`"webhook":%s,"params":{"width":64,"height":64,"steps":1}`, quoted)) == "" {
			continue
		}
		if job := a.pop(client, key, "attacker"); job != nil && a.deliver(client, key, job).status == http.StatusOK {
			delivered++
		}
	}

	// All have been tried once when none is merely pending any more.
	tried := func() (failed, pending int) {
		got := a.send(client, http.MethodGet, "/api/ext/v1/webhooks?limit=100", key, "")
		var list api.Webhooks
		if err := json.Unmarshal([]byte(got.body), &list); err != nil {
			a.fault("webhooks: %d %.200s", got.status, got.body)
		}
		for _, w := range list.Webhooks {
			if strings.Contains(w.Error, "127.") || strings.Contains(w.Error, secret) {
				a.fault("a webhook to %s tells %q", w.URL, w.Error)
			}
		}
		return list.Failed, list.Pending
	}
	failed, pending := tried()
	for end := time.Now().Add(hookPatience); pending > 0 && time.Now().Before(end); failed, pending = tried() {
		time.Sleep(retryPause)
	}
	if failed == 0 || pending > 0 {
		a.fault("of %d webhooks to addresses inside %d failed, and %d were not called", delivered, failed, pending)
	}
	s.untouched(a)
}

// TestWorkerIsNoProxy: a horde of the internet gives a worker links to the machines around
// it, to read and to write. The worker calls none of them, says that it failed, and goes
// on.
func TestWorkerIsNoProxy(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: needs the program")
	}
	s := newInsider(t)
	h := newEvilHorde(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()

	// By 0.0.0.0 the horde is here, and no address that counts as one of this machine.
	cmd := exec.CommandContext(ctx, program.Binary(), "work", "--horde", "http://0.0.0.0:"+h.port, "--apikey", "key",
		"--name", "guarded", "--engine", "sketch", "--no-pace", "--threads", "4", "--data", t.TempDir())
	output := &program.Log{}
	cmd.Env, cmd.Stdout, cmd.Stderr = program.CleanEnv(), output, output
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}

	select {
	case <-h.done:
	case <-ctx.Done():
		t.Error("not all jobs were answered")
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	_ = cmd.Wait()

	if n := s.reached.Load(); n > 0 {
		t.Errorf("%d connections reached a service inside", n)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for id, link := range h.links {
		if state := h.answered[id]; state != "faulted" {
			t.Errorf("%s: %q, want a fault", link, state)
		}
	}
	if h.answered["good"] != "ok" {
		t.Errorf("a job with a link to the horde itself: %q", h.answered["good"])
	}
	if t.Failed() {
		t.Logf("the worker:\n%s", program.Tail(output.String(), 6000))
	}
}

// evilHorde hands out jobs whose links lead to where a worker must not go, and at last a
// good one.
type evilHorde struct {
	port string
	done chan struct{} // closed when all jobs were answered

	mu       sync.Mutex
	queue    []map[string]any
	links    map[string]string // of jobs, by id
	answered map[string]string // states of jobs, by id
}

func newEvilHorde(t *testing.T, s *insider) *evilHorde {
	t.Helper()
	h := &evilHorde{done: make(chan struct{}), links: map[string]string{}, answered: map[string]string{}}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/generate/pop", h.pop)
	mux.HandleFunc("POST /api/v2/generate/submit", h.submit)
	mux.HandleFunc("PUT /blob/good", func(_ http.ResponseWriter, r *http.Request) { _, _ = io.Copy(io.Discard, r.Body) })
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { http.Error(w, "{}", http.StatusNotFound) })
	l, err := net.Listen("tcp", "0.0.0.0:0")
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewUnstartedServer(mux)
	_ = srv.Listener.Close()
	srv.Listener, srv.Config.ErrorLog = l, quiet
	srv.Start()
	t.Cleanup(func() {
		srv.CloseClientConnections()
		srv.Close()
	})
	_, h.port, _ = net.SplitHostPort(l.Addr().String())

	own := "http://0.0.0.0:" + h.port + "/blob/good"
	for i, link := range []string{
		"http://127.0.0.1:" + s.port + "/", "http://localhost:" + s.port + "/", "http://[::ffff:127.0.0.1]:" + s.port + "/",
		"http://[::1]/", "http://169.254.169.254/latest/meta-data", "http://127.0.0.1/",
	} {
		h.add(fmt.Sprintf("read %d", i), link, map[string]any{"source_image": link, "r2_upload": own})
		h.add(fmt.Sprintf("write %d", i), link, map[string]any{"r2_upload": link})
	}
	h.queue = append(h.queue, job("good", map[string]any{"r2_upload": own}))
	return h
}

func (h *evilHorde) add(id, link string, members map[string]any) {
	h.links[id] = link
	h.queue = append(h.queue, job(id, members))
}

// job is one of a small image, with further members.
func job(id string, members map[string]any) map[string]any {
	j := map[string]any{
		"id": id, "ids": []string{id}, "model": "horde_sketch", "skipped": map[string]int{}, "ttl": 600,
		"payload": map[string]any{
			"prompt": "x", "n_iter": 1, "width": 64, "height": 64, "ddim_steps": 1, "seed": "1", "sampler_name": "k_euler",
			"cfg_scale": 7, "karras": false, "hires_fix": false, "denoising_strength": 0.5,
		},
	}
	for name, value := range members {
		j[name] = value
	}
	if _, reads := members["source_image"]; reads {
		j["source_processing"] = "img2img"
	}
	if upload, ok := members["r2_upload"]; ok {
		j["r2_uploads"] = []any{upload}
	}
	return j
}

func (h *evilHorde) pop(w http.ResponseWriter, _ *http.Request) {
	h.mu.Lock()
	defer h.mu.Unlock()
	next := map[string]any{"id": nil, "ids": []string{}, "skipped": map[string]int{}}
	if len(h.queue) > 0 {
		next, h.queue = h.queue[0], h.queue[1:]
	}
	_ = json.NewEncoder(w).Encode(next)
}

func (h *evilHorde) submit(w http.ResponseWriter, r *http.Request) {
	var delivery struct{ ID, State string }
	_ = json.NewDecoder(r.Body).Decode(&delivery)
	_, _ = io.WriteString(w, `{"reward":1}`)

	h.mu.Lock()
	defer h.mu.Unlock()
	h.answered[delivery.ID] = delivery.State
	if len(h.answered) == len(h.links)+1 {
		select {
		case <-h.done:
		default:
			close(h.done)
		}
	}
}
