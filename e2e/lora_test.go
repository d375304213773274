package e2e

import (
	"bytes"
	"encoding/json"
	"image"
	_ "image/jpeg"
	"image/png"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/e2e/program"
	"horde/engine/pocket"
)

// TestLoRA has the command line generate with LoRAs, through server and worker: the
// style changes, and what the server lists of LoRAs is what the worker has.
func TestLoRA(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{Command: "up", Args: []string{"--no-browser", "--no-text"}})

	list := awaitLoras(t, srv)
	if len(list) != 3 {
		t.Fatalf("%d LoRAs are listed, want 3", len(list))
	}
	plain := generateCLI(t, srv.URL, "plain.png")
	for _, l := range list {
		styled := generateCLI(t, srv.URL, l.Name+".png", "--lora", l.Name)
		if bytes.Equal(styled.Pix, plain.Pix) {
			t.Errorf("%s changes nothing", l.Name)
		}
		checkSample(t, srv.URL+l.Sample)
	}

	// Strength 0 is no LoRA, and one that nobody has is left out.
	for _, flag := range []string{"night:0", "no-such-lora"} {
		if same := generateCLI(t, srv.URL, "same.png", "--lora", flag); !bytes.Equal(same.Pix, plain.Pix) {
			t.Errorf("--lora %s changes the image", flag)
		}
	}

	status, _ := call(t, http.MethodGet, srv.URL+"/api/ext/v1/loras/..%2fnight/sample", "", "")
	if status != http.StatusNotFound {
		t.Errorf("a sample by a path: %d, want 404", status)
	}
}

// awaitLoras is what the server lists, once its own worker is there. The test is skipped
// where there is no ONNX Runtime for one.
func awaitLoras(t *testing.T, srv *program.Server) []api.LoraInfo {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(200 * time.Millisecond) {
		if strings.Contains(srv.Log.String(), pocket.ErrNoRuntime.Error()) {
			t.Skip("no ONNX Runtime: `make build` puts it into bin/")
		}
		status, body := call(t, http.MethodGet, srv.URL+"/api/ext/v1/loras", "", "")
		var list []api.LoraInfo
		if err := json.Unmarshal([]byte(body), &list); status != http.StatusOK || err != nil {
			t.Fatalf("the list of LoRAs: %d %s", status, body)
		}
		if len(list) > 0 && list[0].Workers == 1 {
			return list
		}
	}
	t.Fatal("no worker offers LoRAs after a minute")
	return nil
}

// generateCLI generates a small image with the command line.
func generateCLI(t *testing.T, server, name string, flags ...string) *image.NRGBA {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	args := append([]string{"generate", "a castle in the mountains", "--horde", server, "--seed", "7", "--steps", "4",
		"--width", "128", "--height", "128", "--no-preview", "-o", path}, flags...)
	cmd := exec.Command(program.Binary(), args...)
	cmd.Env = program.CleanEnv()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %v\n%s", flags, err, out)
	}

	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	out := image.NewNRGBA(img.Bounds())
	for y := range out.Rect.Dy() {
		for x := range out.Rect.Dx() {
			out.Set(x, y, img.At(x, y))
		}
	}
	return out
}

// checkSample fetches a sample image and decodes it.
func checkSample(t *testing.T, address string) {
	t.Helper()
	r, err := http.Get(address)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	img, format, err := image.Decode(r.Body)
	if err != nil || format != "jpeg" || img.Bounds().Dx() != 256 || r.Header.Get("Content-Type") != "image/jpeg" {
		t.Errorf("%s: %s, %v, %s", address, format, err, r.Header.Get("Content-Type"))
	}
}
