package run

import (
	"github.com/alecthomas/kong"

	"horde/internal/cli/console"
	"horde/internal/config"
)

// ConfigCmd shows the configuration of a server.
type ConfigCmd struct {
	Show ConfigShowCmd `cmd:"" help:"Print every setting of a server, where it comes from, and its value, with secrets masked."`
}

// Help shows an example.
func (ConfigCmd) Help() string { return "Examples:\n  horde config show" }

// ConfigShowCmd prints the settings that "horde serve" would use now.
type ConfigShowCmd struct{ config.Serve }

// Help shows examples.
func (ConfigShowCmd) Help() string {
	return `Takes the flags of "horde serve", and its environment and configuration file.

Examples:
  horde config show
  HORDE_TITLE="Our horde" horde config show --listen 0.0.0.0:7001
  horde --config horde.toml config show`
}

// Run prints.
func (c *ConfigShowCmd) Run(con *console.Console, k *kong.Context) error {
	return config.Show(con.Stdout, k)
}
