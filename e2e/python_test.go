package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"horde/e2e/program"
	"horde/internal/textserver"
)

// TestPythonSDK has the Python SDK (horde_sdk 0.28.3), unmodified and with its
// models at their strictest, ask and work for running hordes: our suite in
// e2e/python, and the SDK's own tests of live calls and of the document.
//
// Of the SDK's own tests these are left out: the heartbeat, which fails on the
// original as well, since the answer has four members that the model forbids, and
// one that wants workers who do not finish in time. That of statistics by model
// compares known models with others and is given an image to count.
func TestPythonSDK(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("-short: the Python suites take half a minute; `make test` runs them")
	}

	sdk := pythonSDK(t)
	calls := "tests/ai_horde_api/test_ai_horde_"
	generate := calls + "generate_api_calls.py::TestAIHordeGenerate::test_"
	cancels := []string{
		generate + "multiple_concurrent_async_requests_cancel_single_task",
		generate + "multiple_concurrent_async_requests_cancel_all_tasks",
	}

	for _, c := range []struct {
		name    string
		folder  string
		plugins string
		own     bool // the SDK's tests, which have one key for all
		tests   []string
	}{
		{"suite", "python", "crowd,hurry", false, nil},
		{"statistics", sdk + "/source", "", true, []string{calls + "stats_api_calls.py"}},
		{"document", sdk + "/source", "", true, []string{
			"tests/ai_horde_api/test_swagger.py", "tests/ai_horde_api/test_dynamically_validate_against_swagger.py",
			"tests/test_verify_api_surface.py",
		}},
		{"round trip", sdk + "/source", "", true, []string{"tests/ai_horde_api/test_ai_worker_roundtrip_api_calls.py"}},
		{"cancelling", sdk + "/source", "crowd", true, cancels},
		{"calls", sdk + "/source", "crowd,hurry", true, []string{
			calls + "api_calls.py", calls + "alchemy_api_calls.py", calls + "generate_api_calls.py",
			calls + "generate_text_api_calls.py", calls + "status_api_calls.py",
			"--deselect=" + cancels[0], "--deselect=" + cancels[1],
			"--deselect=" + generate + "simple_client_async_image_generate_multiple_with_timeout",
			"--deselect=" + calls + "status_api_calls.py::TestAIHordeStatus::test_ai_horde_heartbeat",
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			srv := program.Start(t, program.Setup{})

			args := []string{"-m", "pytest", "--no-header", "-q", "-p", "no:cacheprovider", "-o",
				"asyncio_default_fixture_loop_scope=function"}
			for p := range strings.SplitSeq(c.plugins, ",") {
				if p != "" {
					args = append(args, "-p", p)
				}
			}

			env := []string{"AI_HORDE_URL=" + srv.URL + "/api/"}
			if c.own {
				args = append(args, "--run-network-tests")
				key := sdkAccount(t, srv)
				env = append(env, "AI_HORDE_DEV_APIKEY="+key)
				if c.name == "statistics" {
					deliverImage(t, srv, key)
				}
			}

			pytest(t, sdk, c.folder, append(args, c.tests...), env)
		})
	}
}

// TestPythonSDKText has the Python SDK ask for text that a real model generates.
func TestPythonSDKText(t *testing.T) {
	t.Parallel()
	engine := textserver.Start(t)
	sdk := pythonSDK(t)
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 1)
	startScribe(t, srv.URL, p[0].key, "--text", engine.URL, "--text-key", engine.Key, "--text-model", koboldModel)

	args := []string{"-m", "pytest", "--no-header", "-q", "-p", "no:cacheprovider",
		"-o", "asyncio_default_fixture_loop_scope=function", "scribe.py"}
	pytest(t, sdk, "python", args, []string{"AI_HORDE_URL=" + srv.URL + "/api/", "HORDE_TEXT_MODEL=" + koboldModel})
}

// pythonSDK is the folder of scripts/python-sdk.sh; without it the test is
// skipped with the script's reason.
func pythonSDK(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("../scripts/python-sdk.sh", "path").Output()
	var failed *exec.ExitError
	if errors.As(err, &failed) && failed.ExitCode() == 3 {
		t.Skip(strings.TrimSpace(string(failed.Stderr)))
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// sdkAccount makes the account that the SDK's tests ask and work with.
func sdkAccount(t *testing.T, srv *program.Server) string {
	t.Helper()
	status, body := call(t, http.MethodPost, srv.URL+"/api/v2/dev/test-user", "",
		`{"username":"sdk","oauth_id":"sdk","moderator":false,"trusted":true,"kudos":1000000}`)
	var made struct {
		APIKey string `json:"api_key"`
	}
	if err := json.Unmarshal([]byte(body), &made); err != nil || made.APIKey == "" {
		t.Fatalf("%d %s", status, body)
	}
	return made.APIKey
}

// deliverImage has an account ask for an image of a known model and deliver it.
func deliverImage(t *testing.T, srv *program.Server, key string) {
	t.Helper()
	at := func(path string) string { return srv.URL + "/api/v2/generate/" + path }
	want(t, http.StatusAccepted, http.MethodPost, at("async"), key, `{"prompt":"x","models":["stable_diffusion"]}`)
	job := want(t, http.StatusOK, http.MethodPost, at("pop"), key,
		`{"name":"painter","models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13:x"}`)
	if job == "" {
		t.Fatal("no job")
	}
	want(t, http.StatusOK, http.MethodPost, at("submit"), key, `{"id":"`+job+`","generation":"R2","seed":1}`)
}

// pytest runs tests with the SDK's Python in a folder.
func pytest(t *testing.T, sdk, folder string, args, env []string) {
	t.Helper()
	plugins, err := filepath.Abs("python")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, filepath.Join(sdk, "venv", "bin", "python"), args...)
	cmd.Dir = folder
	cmd.Env = append(append(os.Environ(),
		"PYTHONPATH="+plugins, "PYTHONDONTWRITEBYTECODE=1",
		"TESTS_ONGOING=1", "HORDE_SDK_TESTING=1", // models without room for unknown members
		"LOGURU_LEVEL=ERROR", "LOGFIRE_IGNORE_NO_CONFIG=1",
	), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, program.Tail(string(out), 12000))
	}
	t.Log(program.Tail(string(out), 600))
}
