package program

import (
	"context"
	"database/sql"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

const (
	clusterUser     = "horde"
	clusterPassword = "for-tests-on-this-machine"
	clusterPatience = 60 * time.Second
)

// Cluster is a PostgreSQL of a test's own, which it may stop and kill.
type Cluster struct {
	Addr string

	bin, folder string
	port        string
}

// NewCluster makes and starts a cluster with an empty database "horde", until the test
// ends. Without PostgreSQL's server programs the test is skipped.
func NewCluster(t testing.TB) *Cluster {
	t.Helper()
	c := newCluster(t)
	c.run(t, "initdb", "-D", c.data(), "-U", clusterUser, "-E", "UTF8", "--locale=C.UTF-8",
		"--auth=scram-sha-256", "--pwfile="+c.passwordFile(t))
	c.configure(t)
	c.Start(t)
	c.Do(t, "postgres", "CREATE DATABASE horde")
	return c
}

// newCluster is one without data.
func newCluster(t testing.TB) *Cluster {
	t.Helper()
	bins, _ := filepath.Glob("/usr/lib/postgresql/*/bin/initdb")
	if len(bins) == 0 {
		t.Skip("PostgreSQL's server programs are not installed: `make test` installs them (scripts/postgres.sh)")
	}

	// Not below the test's folder: the cluster's owner could not enter it.
	folder, err := os.MkdirTemp("", "horde-cluster-")
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{Addr: FreeAddr(t), bin: filepath.Dir(slices.Max(bins)), folder: folder}
	_, c.port, _ = net.SplitHostPort(c.Addr)
	c.own(t, folder)
	t.Cleanup(func() {
		c.Kill(t)
		_ = os.RemoveAll(folder)
	})
	return c
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

// passwordFile has the password of the cluster's user.
func (c *Cluster) passwordFile(t testing.TB) string {
	t.Helper()
	file := filepath.Join(c.folder, "password")
	if err := os.WriteFile(file, []byte(clusterPassword), 0o600); err != nil {
		t.Fatal(err)
	}
	c.own(t, file)
	return file
}

// own gives a file to the user that the cluster runs as: PostgreSQL refuses root.
func (c *Cluster) own(t testing.TB, file string) {
	t.Helper()
	if os.Geteuid() != 0 {
		return
	}
	if out, err := exec.Command("chown", "postgres", file).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
}

func (c *Cluster) configure(t testing.TB) {
	t.Helper()
	f, err := os.OpenFile(filepath.Join(c.data(), "postgresql.conf"), os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	_, err = f.WriteString("listen_addresses = '127.0.0.1'\nunix_socket_directories = ''\nmax_connections = 100\n")
	if err != nil {
		t.Fatal(err)
	}
}

// command is one of PostgreSQL's programs, run by the cluster's owner.
func (c *Cluster) command(name string, args ...string) *exec.Cmd {
	program := append([]string{filepath.Join(c.bin, name)}, args...)
	if os.Geteuid() == 0 {
		program = append([]string{"runuser", "-u", "postgres", "--"}, program...)
	}
	cmd := exec.Command(program[0], program[1:]...)
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "PGPASSWORD="+clusterPassword)
	return cmd
}

func (c *Cluster) run(t testing.TB, name string, args ...string) {
	t.Helper()
	if out, err := c.command(name, args...).CombinedOutput(); err != nil {
		log, _ := os.ReadFile(filepath.Join(c.folder, "log"))
		t.Fatalf("%s: %v\n%s\n%s", name, err, out, Tail(string(log), logOnFailure))
	}
}

// Start starts the cluster where it was, also after Kill.
func (c *Cluster) Start(t testing.TB) {
	t.Helper()
	log := filepath.Join(c.folder, "log")
	start := func() error {
		// Its output goes nowhere: the server would keep a pipe open.
		return c.command("pg_ctl", "-D", c.data(), "-l", log, "-w", "-t", "60", "-o", "-p "+c.port, "start").Run()
	}

	// The processes of a killed cluster take a moment to notice that they are orphans.
	deadline := time.Now().Add(clusterPatience)
	for start() != nil {
		if time.Now().After(deadline) {
			text, _ := os.ReadFile(log)
			t.Fatalf("PostgreSQL does not start\n%s", Tail(string(text), logOnFailure))
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// Stop ends the cluster as an operator would.
func (c *Cluster) Stop(t testing.TB) {
	t.Helper()
	c.run(t, "pg_ctl", "-D", c.data(), "-m", "fast", "-w", "stop")
}

// Kill ends the cluster at once, as a power cut would, if it runs.
func (c *Cluster) Kill(t testing.TB) {
	t.Helper()
	file, err := os.ReadFile(filepath.Join(c.data(), "postmaster.pid"))
	if err != nil {
		return
	}
	first, _, _ := strings.Cut(string(file), "\n")
	if pid, err := strconv.Atoi(first); err == nil {
		_ = syscall.Kill(pid, syscall.SIGKILL)
	}
}

// URL leads to a database of the cluster by an address, which may be a proxy's, or to
// several clusters by theirs.
func (c *Cluster) URL(database string, addresses ...string) string {
	if len(addresses) == 0 {
		addresses = []string{c.Addr}
	}
	url := fmt.Sprintf("postgres://%s:%s@%s/%s?sslmode=disable",
		clusterUser, clusterPassword, strings.Join(addresses, ","), database)
	if len(addresses) > 1 {
		url += "&target_session_attrs=read-write"
	}
	return url
}

// Do executes statements.
func (c *Cluster) Do(t testing.TB, database string, statements ...string) {
	t.Helper()
	db, err := sql.Open("pgx", c.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, s := range statements {
		if _, err := db.Exec(s); err != nil {
			t.Fatalf("%s: %v", s, err)
		}
	}
}

// NewStandby makes a second cluster that follows this one synchronously: what this one
// acknowledges is on both.
func (c *Cluster) NewStandby(t testing.TB) *Cluster {
	t.Helper()
	s := newCluster(t)
	source := fmt.Sprintf("host=127.0.0.1 port=%s user=%s password=%s", c.port, clusterUser, clusterPassword)
	s.run(t, "pg_basebackup", "-D", s.data(), "-R", "-X", "stream", "-c", "fast", "-d", source)
	s.Start(t)
	c.Do(t, "postgres", "ALTER SYSTEM SET synchronous_standby_names = '*'", "SELECT pg_reload_conf()")

	db, err := sql.Open("pgx", c.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	ctx, cancel := context.WithTimeout(context.Background(), clusterPatience)
	defer cancel()
	for followers := 0; followers == 0; {
		const query = "SELECT count(*) FROM pg_stat_replication WHERE sync_state = 'sync'"
		if err := db.QueryRowContext(ctx, query).Scan(&followers); err != nil {
			t.Fatalf("the standby does not follow: %v", err)
		}
	}
	return s
}

// Promote makes a standby a primary.
func (c *Cluster) Promote(t testing.TB) {
	t.Helper()
	c.run(t, "pg_ctl", "-D", c.data(), "-w", "promote")
}
