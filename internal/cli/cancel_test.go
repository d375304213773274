package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"horde/internal/cli/console"
)

// interruptible is a command that runs in this process.
type interruptible struct {
	first  context.CancelFunc // Ctrl-C
	second func()             // Ctrl-C again
	ended  chan struct{}
	code   int // after ended
	out    lockedBuffer
	err    lockedBuffer
}

// lockedBuffer can be read while it is written.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// says waits until the command has said a text on standard error, or has ended
// without.
func (c *interruptible) says(t *testing.T, text string) {
	t.Helper()
	for ended := false; !strings.Contains(c.err.String(), text); {
		if ended {
			t.Fatalf("%q was not said:\n%s", text, c.err.String())
		}
		select {
		case <-c.ended:
			ended = true
		case <-time.After(time.Millisecond):
		}
	}
}

func startCommand(t *testing.T, args ...string) *interruptible {
	ctx, cancel := context.WithCancel(t.Context())
	second := make(chan struct{})
	c := &interruptible{first: cancel, second: func() { close(second) }, ended: make(chan struct{})}
	go func() {
		defer close(c.ended)
		c.code = execute(console.WithSecondSignal(ctx, second), args, strings.NewReader(""), &c.out, &c.err)
	}()
	return c
}

// Ctrl-C ends a request, but what a worker has is charged: it is announced, waited
// for and kept, unless a second Ctrl-C leaves without it.
func TestCancelFollowsWhatWorkersHave(t *testing.T) {
	t.Parallel()
	type step func(*fakeHorde, *interruptible) // after the cancel
	deliver := func(f *fakeHorde, _ *interruptible) { f.deliver() }

	leave := func(_ *fakeHorde, c *interruptible) { c.second() }
	for _, tc := range []struct {
		name   string
		args   []string
		before string // the call that shows that it is under way
		after  string // the call that shows that it was cancelled
		waits  string // what is said while it is followed
		then   step
		code   int
		files  []string // that are saved, and said on standard output
		out    string   // more that is said there
		says   []string
	}{
		{
			name:   "the image comes",
			args:   []string{"generate", "a fox in hand", "-n", "2"},
			before: "GET /api/ext/v1/requests/.*/events", after: "GET /api/v2/generate/check/",
			waits: "1 image is with a worker", then: deliver,
			code: console.ExitDone, files: []string{"fox-1.webp", "fox-2.webp"},
			says: []string{"cancelled; 1 image is with a worker already: it will be charged"},
		},
		{
			name:   "a second Ctrl-C leaves the image",
			args:   []string{"generate", "a fox in hand", "-n", "2"},
			before: "GET /api/ext/v1/requests/.*/events", after: "GET /api/v2/generate/check/",
			waits: "1 image is with a worker", then: leave,
			code: console.ExitInterrupted, files: []string{"fox-1.webp"},
			says: []string{"left; 1 image of request 0b5e77aa-1111", "charged when delivered",
				"/api/v2/generate/status/0b5e77aa-1111"},
		},
		{
			name:   "the image comes though the horde cannot be asked at first",
			args:   []string{"generate", "a fox in hand, limited", "-n", "2"},
			before: "GET /api/ext/v1/requests/.*/events", after: "GET /api/v2/generate/check/",
			waits: "what workers have started is not known yet", then: deliver,
			code: console.ExitDone, files: []string{"fox-1.webp", "fox-2.webp"},
		},
		{
			name:   "a second Ctrl-C leaves what is not known",
			args:   []string{"generate", "a fox in hand, limited", "-n", "2"},
			before: "GET /api/ext/v1/requests/.*/events", after: "GET /api/v2/generate/check/",
			waits: "what workers have started is not known yet", then: leave,
			code: console.ExitInterrupted, files: []string{"fox-1.webp"},
			says: []string{"left; ", "charged when delivered", "/api/v2/generate/status/0b5e77aa-1111"},
		},
		{
			name:   "a download that failed is tried again",
			args:   []string{"generate", "a fox in hand, flaky", "-n", "2"},
			before: "GET /api/ext/v1/requests/.*/events", after: "GET /api/v2/generate/check/",
			waits: "1 image is with a worker", then: deliver,
			code: console.ExitDone, files: []string{"fox-1.webp", "fox-2.webp"},
		},
		{
			name:   "the text comes though the horde cannot be asked at first",
			args:   []string{"text", "a fox in hand, limited", "-n", "2"},
			before: "GET /api/v2/generate/text/status/", after: "DELETE /api/v2/generate/text/status/",
			waits: "what workers have started is not known yet", then: deliver,
			code: console.ExitDone, out: "text 2",
		},
		{
			name:   "the text comes",
			args:   []string{"text", "a fox in hand", "-n", "2"},
			before: "GET /api/v2/generate/text/status/", after: "DELETE /api/v2/generate/text/status/", then: deliver,
			code: console.ExitDone, out: "text 2",
		},
		{
			name:   "a second Ctrl-C leaves the text",
			args:   []string{"text", "a fox in hand", "-n", "2"},
			before: "GET /api/v2/generate/text/status/", after: "DELETE /api/v2/generate/text/status/",
			waits: "1 text is with a worker", then: leave,
			code: console.ExitInterrupted, out: "text 1",
			says: []string{"cancelled; 1 text is with a worker already", "left; 1 text of request",
				"/api/v2/generate/text/status/0b5e77aa-1111"},
		},
		{
			name:   "a form that was started is charged and lost",
			args:   []string{"alchemy", "https://example.org/inhand"},
			before: "GET /api/v2/interrogate/status/", after: "DELETE /api/v2/interrogate/status/",
			then: func(*fakeHorde, *interruptible) {},
			code: console.ExitInterrupted,
			says: []string{"cancelled; forms that a worker had started: 1. They are charged",
				"cancelled; 0 of 1 forms are done"},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			f := newFakeHorde()
			defer f.Close()

			args := append(slices.Clone(tc.args), "--horde", f.URL)
			if args[0] == "generate" {
				args = append(args, "-o", filepath.Join(dir, "fox.webp"))
			}
			c := startCommand(t, args...)
			if err := f.await(tc.before); err != nil {
				t.Fatal(err)
			}
			c.first()
			if err := f.await(tc.after); err != nil {
				t.Fatal(err)
			}
			if tc.waits != "" {
				c.says(t, tc.waits)
			}
			tc.then(f, c)

			<-c.ended
			if c.code != tc.code {
				t.Errorf("exit status %d, want %d", c.code, tc.code)
			}
			want := tc.out
			for _, name := range tc.files {
				want += filepath.Join(dir, name) + "\n"
			}
			if !strings.Contains(c.out.String(), want) {
				t.Errorf("stdout %q lacks %q", c.out.String(), want)
			}
			for _, want := range tc.says {
				if !strings.Contains(c.err.String(), want) {
					t.Errorf("stderr lacks %q:\n%s", want, c.err.String())
				}
			}

			var files []string
			entries, _ := os.ReadDir(dir)
			for _, e := range entries {
				files = append(files, e.Name())
			}
			if strings.Join(files, " ") != strings.Join(tc.files, " ") {
				t.Errorf("files %v, want %v", files, tc.files)
			}
		})
	}
}

// Where the cancel does not get through, the command says what may go on.
func TestCancelThatFails(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"generate", "a slow fox", "-n", "2"},
		{"text", "a slow fox", "-n", "2"},
		{"alchemy", "https://example.org/slow"},
	} {
		t.Run(args[0], func(t *testing.T) {
			t.Parallel()
			f := newFakeHorde()
			defer f.Close()
			f.mu.Lock()
			f.refuseCancel = true
			f.mu.Unlock()

			args := append(slices.Clone(args), "--horde", f.URL)
			if args[0] == "generate" {
				args = append(args, "-o", filepath.Join(t.TempDir(), "fox.webp"))
			}
			c := startCommand(t, args...)
			if err := f.await("GET .*(/events|/text/status/|/interrogate/status/)"); err != nil {
				t.Fatal(err)
			}
			c.first()
			<-c.ended
			if said := c.err.String(); c.code != console.ExitInterrupted ||
				!strings.Contains(said, "is not cancelled: the horde says: no (Forbidden)") ||
				!strings.Contains(said, "may still be worked on and charged") || !strings.Contains(said, "/status/0b5e77aa-1111") {
				t.Errorf("exit status %d\n%s", c.code, said)
			}
		})
	}
}
