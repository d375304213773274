package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"horde/api"
	"horde/client"
	"horde/e2e/program"
	"horde/internal/textserver"
)

// children are the processes that a process has started.
func children(pid int) (pids []int) {
	lists, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/children", pid))
	for _, list := range lists {
		b, _ := os.ReadFile(list)
		for text := range strings.FieldsSeq(string(b)) {
			if child, err := strconv.Atoi(text); err == nil {
				pids = append(pids, child)
			}
		}
	}
	return pids
}

// awaitWorkers returns when the log of a horde says of so many workers that they are
// ready.
func awaitWorkers(t *testing.T, srv *program.Server, n int) {
	t.Helper()
	for began := time.Now(); strings.Count(srv.Log.String(), "worker is ready") < n; time.Sleep(20 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatalf("no %d workers:\n%s", n, program.Tail(srv.Log.String(), 4000))
		}
	}
}

// operator is a client with the key that "horde up" has made.
func operator(t *testing.T, srv *program.Server) *client.Client {
	t.Helper()
	key, err := os.ReadFile(filepath.Join(srv.Data, "operator-key"))
	if err != nil {
		t.Fatal(err)
	}
	return client.New(srv.URL, strings.TrimSpace(string(key)))
}

// TestUpGeneratesImagesAndText: one process, a text engine of its own, which is started
// again when it dies, in the middle of a text too, and ends with the process however that
// ends.
func TestUpGeneratesImagesAndText(t *testing.T) {
	t.Parallel()
	folder := textserver.Folder(t)
	start := func(t *testing.T, args ...string) *program.Server {
		return program.Start(t, program.Setup{Command: "up",
			Args: append([]string{"--no-browser", "--engine", "sketch", "--text-folder", folder}, args...)})
	}
	length, context, yes := 400, 1024, true
	long := &api.TextRequest{Prompt: "Once upon a time", Params: &api.TextParams{MaxLength: &length,
		MaxContextLength: &context}}
	long.Params.DefaultBadWordsIDs = &yes

	srv := start(t)
	awaitWorkers(t, srv, 2)
	c := operator(t, srv)
	steps := 4
	accepted, err := c.Generate(t.Context(), &api.ImageRequest{Prompt: "a fox", Models: &[]string{"horde_sketch"},
		Params: &api.ImageParams{Steps: &steps}})
	if err != nil {
		t.Fatal(err)
	}
	ask(t, c, long)
	if check, err := c.Check(t.Context(), accepted.ID); err != nil || !check.Done {
		t.Errorf("the image: %+v, %v", check, err)
	}

	t.Run("its text engine dies in the middle of a text", func(t *testing.T) {
		before := children(srv.Pid())
		if len(before) != 1 {
			t.Fatalf("children %v", before)
		}
		accepted, err := c.GenerateText(t.Context(), long)
		if err != nil {
			t.Fatal(err)
		}
		for event, err := range c.WatchAll(t.Context(), []string{accepted.ID}) {
			if err != nil {
				t.Fatal(err)
			}
			if event.Progress != nil && len(before) > 0 {
				_ = syscall.Kill(before[0], syscall.SIGKILL)
				before = nil
			}
		}
		st, err := c.TextStatus(t.Context(), accepted.ID)
		if err != nil || !st.Done || len(st.Generations) != 1 || before != nil {
			t.Errorf("%+v, %v; killed: %v", st, err, before == nil)
		}
	})

	t.Run("it is told to end", func(t *testing.T) {
		child := children(srv.Pid())[0]
		srv.Stop(t)
		if syscall.Kill(child, 0) == nil {
			t.Error("the text engine outlives it")
		}
	})

	t.Run("it is killed", func(t *testing.T) {
		srv := start(t, "--no-images")
		awaitWorkers(t, srv, 1)
		child := children(srv.Pid())[0]
		srv.Kill()
		for began := time.Now(); syscall.Kill(child, 0) == nil; time.Sleep(10 * time.Millisecond) {
			if time.Since(began) > 10*time.Second {
				t.Fatal("the text engine outlives it")
			}
		}
	})

	t.Run("without text", func(t *testing.T) {
		srv := start(t, "--no-text")
		awaitWorkers(t, srv, 1)
		if pids := children(srv.Pid()); len(pids) != 0 {
			t.Errorf("children %v", pids)
		}
	})
}
