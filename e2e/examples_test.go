package e2e

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"horde/api"
	"horde/client"
	"horde/e2e/program"
)

// Programs in a module of their own can use the packages api, client and engine:
// the examples are built as theirs would be, and one makes the image that the other
// asks for.
func TestExamples(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("builds two programs")
	}
	programs := t.TempDir()
	build := exec.Command("go", "build", "-o", programs+string(os.PathSeparator), "./...")
	build.Dir = filepath.Join("..", "examples")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the examples: %v\n%s", err, out)
	}

	srv := program.Start(t, program.Setup{})
	name := "smith"
	smith, err := client.New(srv.URL, "").TestUser(t.Context(), &api.TestUserRequest{Username: &name, OAuthID: &name})
	if err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var said bytes.Buffer
	worker := exec.CommandContext(ctx, filepath.Join(programs, "gradient"), "-url", srv.URL, "-key", smith.APIKey)
	worker.Stdout, worker.Stderr = &said, &said
	worker.Cancel = func() error { return worker.Process.Signal(os.Interrupt) }
	if err := worker.Start(); err != nil {
		t.Fatal(err)
	}

	image := filepath.Join(t.TempDir(), "fox.webp")
	ask := exec.CommandContext(ctx, filepath.Join(programs, "ask"),
		"-url", srv.URL, "-model", "horde_sketch", "-out", image, "a red fox")
	out, askErr := ask.CombinedOutput()
	cancel()
	if err := worker.Wait(); err != nil && ctx.Err() == nil {
		t.Errorf("the worker ended: %v", err)
	}
	if askErr != nil {
		t.Fatalf("ask: %v\n%s\nthe worker said:\n%s", askErr, out, said.String())
	}
	file, err := os.ReadFile(image)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.HasPrefix(file, []byte("RIFF")) || !bytes.Contains(file[:16], []byte("WEBP")) {
		t.Errorf("the image begins with %q", file[:min(16, len(file))])
	}
}
