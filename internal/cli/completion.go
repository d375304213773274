package cli

import (
	"bufio"
	"cmp"
	"embed"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/alecthomas/kong"

	"horde/api"
	"horde/internal/cli/console"
)

// completeCommand is what the shells' scripts call with the words of a command line.
// It is not a command of the parser, because it has to work on unfinished lines.
const completeCommand = "__complete"

// completeFiles is the line with which complete tells a shell to offer files.
const completeFiles = ":files"

//go:embed completion
var completionScripts embed.FS

// CompletionCmd prints a shell's script.
type CompletionCmd struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help says how to install the scripts.
func (CompletionCmd) Help() string {
	return `Examples:
  source <(horde completion bash)                  # this shell only
  horde completion bash > ~/.local/share/bash-completion/completions/horde
  horde completion zsh > "${fpath[1]}/_horde"      # then restart zsh
  horde completion fish > ~/.config/fish/completions/horde.fish`
}

// Run prints.
func (c *CompletionCmd) Run(con *console.Console) error {
	script, err := completionScripts.ReadFile("completion/horde." + c.Shell)
	if err != nil {
		return err
	}
	_, err = con.Stdout.Write(script)
	return err
}

// candidate is a word that could stand at the end of a command line.
type candidate struct{ word, help string }

// complete prints what the last of words could become: one candidate a line, followed
// by a tab and its help, or completeFiles.
func complete(stdout io.Writer, words []string) int {
	_, parser, err := newParser()
	if err != nil {
		return console.ExitFailed
	}
	candidates, files := completions(parser.Model, words)

	w := bufio.NewWriter(stdout)
	defer w.Flush()
	if files {
		fmt.Fprintln(w, completeFiles)
	}
	for _, c := range candidates {
		help, _, _ := strings.Cut(c.help, "\n")
		fmt.Fprintf(w, "%s\t%s\n", c.word, help)
	}
	return console.ExitDone
}

// completions finds what the last of words could become: candidates, or files.
func completions(app *kong.Application, words []string) (candidates []candidate, files bool) {
	last := ""
	if len(words) > 0 {
		last, words = words[len(words)-1], words[:len(words)-1]
	}

	l := walk(app, words)
	last = strings.TrimPrefix(last, "=") // bash splits --flag=value at the =

	prefix := ""
	if name, value, ok := strings.Cut(last, "="); ok && l.open == nil && strings.HasPrefix(name, "--") {
		l.open, prefix, last = l.flag(name), name+"=", value
	}

	switch {
	case l.open != nil:
		candidates, files = values(l.open.Value)
	case strings.HasPrefix(last, "-") && !l.argumentsOnly:
		candidates = l.flagWords()
	default:
		candidates, files = l.arguments()
	}

	candidates = slices.DeleteFunc(candidates, func(c candidate) bool {
		return !strings.HasPrefix(c.word, last)
	})
	for i := range candidates {
		candidates[i].word = prefix + candidates[i].word
	}
	return candidates, files
}

// line is what the words of a command line so far have led to.
type line struct {
	node          *kong.Node
	open          *kong.Flag // waits for its value
	given         int        // arguments
	topic         *kong.Node // the command whose help is wanted; nil: none yet
	argumentsOnly bool       // after --
}

// walk reads the words of a line, and returns how far they lead.
func walk(app *kong.Application, words []string) line {
	l := line{node: app.Node}

	for _, word := range words {
		switch name, _, hasValue := strings.Cut(word, "="); {
		case word == "=": // bash splits --flag=value at the =
		case l.open != nil:
			l.open = nil
		case l.argumentsOnly:
			l.given++
		case word == "--":
			l.argumentsOnly = true
		case strings.HasPrefix(word, "-") && word != "-":
			if f := l.flag(name); f != nil && !f.IsBool() && !f.IsCounter() && !hasValue {
				l.open = f
			}
		case l.topic != nil:
			l.topic = cmp.Or(child(l.topic, word), l.topic)
		case l.node.Name == "help":
			l.topic = child(l.node.Parent, word)
		default:
			c := child(l.node, word)
			if c == nil {
				l.given++
				continue
			}
			l.node = c
		}
	}
	return l
}

// child returns the command of a name below another; nil: there is none.
func child(n *kong.Node, name string) *kong.Node {
	i := slices.IndexFunc(n.Children, func(c *kong.Node) bool { return c.Name == name })
	if i < 0 {
		return nil
	}
	return n.Children[i]
}

// flag returns the flag of a name, such as --steps or -n; nil: there is none.
func (l line) flag(name string) *kong.Flag {
	for _, group := range l.node.AllFlags(false) {
		for _, f := range group {
			if name == "--"+f.Name || f.Short != 0 && name == "-"+string(f.Short) {
				return f
			}
		}
	}
	return nil
}

// flagWords are the flags of the command, including those that switch something off.
func (l line) flagWords() []candidate {
	var out []candidate
	for _, group := range l.node.AllFlags(true) {
		for _, f := range group {
			out = append(out, candidate{"--" + f.Name, f.Help})
			if f.Tag.Negatable != "" {
				out = append(out, candidate{"--no-" + f.Name, "Not: " + f.Help})
			}
		}
	}

	slices.SortFunc(out, func(a, b candidate) int { return cmp.Compare(a.word, b.word) })
	return out
}

// arguments are the commands below the current one, or what its next argument can be.
func (l line) arguments() ([]candidate, bool) {
	var out []candidate
	for _, c := range l.node.Children {
		if !c.Hidden {
			out = append(out, candidate{c.Name, c.Help})
		}
	}

	if l.node.Name == "help" {
		if l.topic != nil {
			return helpTopics(l.topic), false
		}
		return append(helpTopics(l.node.Parent), candidate{exitCodesTopic, "What the exit statuses mean."}), false
	}

	if len(l.node.Positional) == 0 {
		return out, false
	}
	return values(l.node.Positional[min(l.given, len(l.node.Positional)-1)])
}

// helpTopics are the commands that have help.
func helpTopics(root *kong.Node) (out []candidate) {
	for _, c := range root.Children {
		out = append(out, candidate{c.Name, c.Help})
	}
	return out
}

// values are what a flag or argument accepts: the words of its choice, or files.
func values(v *kong.Value) (out []candidate, files bool) {
	for _, word := range choices(v) {
		out = append(out, candidate{word: word})
	}
	return out, len(out) == 0 && namesFile(v)
}

// choices are the words that a value may be, by its type or by the tag complete; nil:
// any.
func choices(v *kong.Value) []string {
	switch v.Tag.Get("complete") {
	case "samplers":
		return api.Samplers
	case "forms":
		return api.AlchemyFormNames()
	case "levels":
		return []string{"debug", "info", "warn", "error"}
	}

	if v.Enum == "" {
		return nil
	}
	return v.EnumSlice()
}

// namesFile reports whether a value is the name of a file or folder, by its type,
// by what the help calls it, or by the tag complete.
func namesFile(v *kong.Value) bool {
	if v.Tag.Get("complete") == "files" {
		return true
	}
	switch v.Tag.Type {
	case "path", "existingfile", "existingdir":
		return true
	}

	switch v.Tag.PlaceHolder {
	case "FILE", "DIR", "PATH", "FILE|URL":
		return true
	}
	return false
}
