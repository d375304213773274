package run

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"horde/client"
	"horde/engine"
	"horde/engine/llamacpp"
	"horde/internal/cli/console"
	"horde/internal/config"
	"horde/internal/llamaserver"
	"horde/internal/worker"
)

// UpCmd runs a server and workers in one process.
type UpCmd struct {
	config.Serve
	EngineFlags
	WorkerFlags
	TextFlags
	TextFolder string `placeholder:"DIR" help:"Folder with llama.cpp's server and a model, which scripts/install-text-engine.sh fills; default: text beside the program."`
	NoImages   bool   `help:"Generate no images."`
	NoText     bool   `help:"Generate no text."`
	NoBrowser  bool   `help:"Do not open the page in a browser."`
}

// Help shows examples.
func (UpCmd) Help() string {
	return `Everything in one process, for a first image within a minute: the server, the web page, and workers that generate images and text on this machine. At the first start an account "operator" is created, which may do everything; its key is in operator-key in the data folder.

Examples:
  horde up
  horde up --listen 0.0.0.0:7001 --no-browser
  horde up --engine sketch --no-text
  horde up --no-images --text http://127.0.0.1:8080`
}

// operatorKeyFile holds the operator's API key, in the data folder.
const operatorKeyFile = "operator-key"

// Run serves and works until it is interrupted: the worker finishes its jobs,
// then the server ends.
func (c *UpCmd) Run(con *console.Console) error {
	n, err := openNode(con, &c.Serve, nil)
	if err != nil {
		return err
	}

	key, err := operatorKey(con.Ctx, n, c.Data)
	if err != nil {
		n.Close()
		return err
	}

	serving, stop := context.WithCancel(context.WithoutCancel(con.Ctx))
	defer stop()

	served := make(chan error, 1)
	go func() { served <- n.Run(serving) }()
	c.greet(con, n)
	if !c.NoBrowser {
		openBrowser(n.URL())
	}

	workers, closeEngines, err := c.workers(con, n, key)
	if err != nil {
		stop()
		return errors.Join(err, <-served)
	}
	worked := make(chan struct{})
	go func() {
		defer close(worked)
		runWorkers(con, workers...) // the log has the errors: the server goes on without
		closeEngines()
		<-con.Ctx.Done()
	}()

	select {
	case err := <-served: // the server failed
		return err
	case <-worked:
		stop()
		return <-served
	}
}

// greet says where the server is, for this machine and for others.
func (c *UpCmd) greet(con *console.Console, n *runningNode) {
	fmt.Fprintf(con.Stderr, "\n  Horde is up: %s\n", n.URL())
	if c.PublicURL != "" {
		fmt.Fprintf(con.Stderr, "  For everybody: %s\n", c.PublicURL)
	} else if own, err := net.InterfaceAddrs(); err == nil {
		for _, url := range lanURLs(n.Addr(), own) {
			fmt.Fprintf(con.Stderr, "  From other machines: %s\n", url)
		}
	}
	fmt.Fprintf(con.Stderr, "  Operator's API key: %s\n\n", filepath.Join(c.Data, operatorKeyFile))
}

// workers makes the workers. Where the engine of one cannot be loaded the server goes on
// without, and says what to do. The caller calls the returned function when they have
// ended.
func (c *UpCmd) workers(
	con *console.Console, n *runningNode, key string,
) (workers []*worker.Worker, end func(), err error) {
	cfg := worker.Config{
		Client:     client.New(n.URL(), key),
		Name:       builtInWorker,
		NSFW:       true,
		NoPace:     c.NoPace,
		Data:       c.Data,
		Log:        con.Log,
		Registerer: n.registry,
	}
	var closers []func()
	closeAll := func() {
		for _, c := range closers {
			c()
		}
	}
	defer func() {
		if err != nil {
			closeAll()
		}
	}()

	if !c.NoImages {
		engines, closeEngines, err := openEngines(c.EngineFlags, con.Log)
		if err != nil {
			con.Log.Error("the server runs, but generates no images", "error", err)
		} else {
			closers = append(closers, closeEngines)
			cfg.Work = worker.Images{Engines: engines, MaxPixels: c.MaxPixels}
			cfg.Threads = c.Threads
			if workers, err = addWorker(workers, cfg); err != nil {
				return nil, nil, err
			}
		}
	}

	e, closeText, err := c.openText(con)
	if err != nil || e == nil {
		return workers, closeAll, err
	}
	closers = append(closers, closeText)
	cfg.Name, cfg.Threads, cfg.Work = scribeName(builtInWorker), c.TextThreads, c.texts(e)
	workers, err = addWorker(workers, cfg)
	return workers, closeAll, err
}

// builtInWorker is the name of the worker that generates images; the other one's is
// derived from it.
const builtInWorker = "built-in worker"

// openText starts what generates text, nil where nothing does. The caller calls the
// returned function when no worker uses it any more.
func (c *UpCmd) openText(con *console.Console) (e engine.TextEngine, end func(), err error) {
	switch {
	case c.NoText:
		return nil, nil, nil
	case c.Text != "":
		e, err := openTextEngine(c.TextFlags)
		if err != nil {
			return nil, nil, err
		}
		return e, func() { e.Close() }, nil
	}

	folder, err := llamaserver.Find(c.TextFolder)
	if err != nil {
		if c.TextFolder != "" {
			return nil, nil, console.UsageError("--text-folder: %w", err)
		}
		con.Log.Info("the server generates images only: make build installs a text engine where it can, "+
			"and --text URL names one of your own", "why", err)
		return nil, nil, nil
	}
	server, err := llamaserver.Start(folder, con.Log)
	if err != nil {
		con.Log.Error("the server runs, but generates no text", "error", err)
		return nil, nil, nil
	}
	name := c.TextModel
	if name == "" {
		name = llamaserver.ModelName
	}
	e, err = llamacpp.New(llamacpp.Options{URL: server.URL(), Model: name})
	if err != nil {
		server.Close()
		return nil, nil, err
	}
	return e, func() { e.Close(); server.Close() }, nil
}

// operatorKey finds or creates the operator's account; its alias counts as if ADMINS
// named it.
func operatorKey(ctx context.Context, n *runningNode, data string) (string, error) {
	path := filepath.Join(data, operatorKeyFile)
	old, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("read the operator's key: %w", err)
	}

	key := strings.TrimSpace(string(old))
	user, fresh, err := n.Accounts.Operator(ctx, key)
	if err != nil {
		return "", fmt.Errorf("operator's account: %w", err)
	}

	n.admins.add(user.Alias())
	if fresh == "" {
		return key, nil
	}
	if err := writeSecret(path, fresh+"\n"); err != nil {
		return "", fmt.Errorf("keep the operator's key: %w", err)
	}
	return fresh, nil
}

// writeSecret writes a file that only its owner may read, aside and then renamed.
func writeSecret(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(filepath.Dir(path), ".key-*") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())

	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	return os.Rename(f.Name(), path)
}

// openBrowser shows a page where a desktop can; elsewhere nothing happens.
func openBrowser(url string) {
	var cmd *exec.Cmd
	switch runtime.GOOS {
	case "darwin":
		cmd = exec.Command("open", url)
	case "windows":
		cmd = exec.Command("rundll32", "url.dll,FileProtocolHandler", url)
	default:
		if os.Getenv("DISPLAY") == "" && os.Getenv("WAYLAND_DISPLAY") == "" {
			return
		}
		cmd = exec.Command("xdg-open", url)
	}

	if cmd.Start() == nil {
		go cmd.Wait()
	}
}
