package cli

import (
	"fmt"
	"io"
	"os"
	"sort"
	"strings"

	"github.com/BurntSushi/toml"
	"github.com/alecthomas/kong"
)

// maxConfig bounds a configuration file.
const maxConfig = 1 << 20 // bytes

// settings are the flags of a TOML file: top-level keys for every command,
// tables for one. Keys are flag names, with - or _.
type settings struct{ values map[string]any }

func loadTOML(r io.Reader) (kong.Resolver, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxConfig))
	if err != nil {
		return nil, err
	}
	s := &settings{values: map[string]any{}}
	if err := toml.Unmarshal(b, &s.values); err != nil {
		return nil, fmt.Errorf("configuration: %w", err)
	}
	return s, nil
}

// configFromEnvironment loads the file that HORDE_CONFIG names; kong itself only reads
// the flag.
func configFromEnvironment() kong.Option {
	return kong.OptionFunc(func(k *kong.Kong) error {
		path := os.Getenv("HORDE_CONFIG")
		if path == "" {
			return nil
		}
		f, err := os.Open(kong.ExpandPath(path))
		if err != nil {
			return fmt.Errorf("HORDE_CONFIG: %w", err)
		}
		defer f.Close()
		s, err := loadTOML(f)
		if err != nil {
			return fmt.Errorf("HORDE_CONFIG %s: %w", path, err)
		}
		return kong.Resolvers(s).Apply(k)
	})
}

// Validate refuses keys that are not flags, since they are most likely misspelt.
func (s *settings) Validate(app *kong.Application) error {
	all := flagNames(app.Node)
	commands := map[string]map[string]bool{}
	for _, c := range app.Children {
		commands[c.Name] = flagNames(c)
		for name := range commands[c.Name] {
			all[name] = true
		}
	}

	var unknown []string
	for key, value := range s.values {
		table, isTable := value.(map[string]any)
		switch {
		case !isTable && !all[dashed(key)]:
			unknown = append(unknown, key)
		case isTable && commands[key] == nil:
			unknown = append(unknown, "["+key+"]")
		}

		for inner := range table {
			if commands[key] != nil && !commands[key][dashed(inner)] {
				unknown = append(unknown, key+"."+inner)
			}
		}
	}

	if len(unknown) > 0 {
		sort.Strings(unknown)
		return fmt.Errorf("configuration: unknown %s: keys are the names of flags, tables those of commands",
			strings.Join(unknown, ", "))
	}
	return nil
}

func flagNames(n *kong.Node) map[string]bool {
	names := map[string]bool{}
	for _, f := range n.Flags {
		names[f.Name] = true
	}

	for _, c := range n.Children {
		for name := range flagNames(c) {
			names[name] = true
		}
	}
	return names
}

// Resolve returns the file's value of a flag, if the environment has none.
func (s *settings) Resolve(ctx *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
	for _, name := range flag.Envs {
		if os.Getenv(name) != "" {
			return nil, nil
		}
	}

	if node := ctx.Selected(); node != nil {
		command, _, _ := strings.Cut(strings.TrimPrefix(node.Path(), "horde "), " ")
		if command == "config" { // which shows the settings of a server
			command = "serve"
		}
		if table, ok := s.values[command].(map[string]any); ok {
			if v, ok := lookup(table, flag.Name); ok {
				return v, nil
			}
		}
	}

	if v, ok := lookup(s.values, flag.Name); ok {
		return v, nil
	}
	return nil, nil
}

func lookup(table map[string]any, flag string) (any, bool) {
	for key, v := range table {
		if _, isTable := v.(map[string]any); !isTable && dashed(key) == flag {
			return v, true
		}
	}
	return nil, false
}

func dashed(key string) string { return strings.ReplaceAll(key, "_", "-") }
