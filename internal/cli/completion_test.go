package cli

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"
)

// commandTree is the parser's, made once.
var commandTree = sync.OnceValue(func() *kong.Application {
	_, parser, err := newParser()
	if err != nil {
		panic(err)
	}
	return parser.Model
})

// offered are the words that complete a line, and whether files do.
func offered(t *testing.T, words ...string) (out []string, files bool) {
	t.Helper()
	candidates, files := completions(commandTree(), words)
	for _, c := range candidates {
		out = append(out, c.word)
	}
	return out, files
}

func TestALineIsCompletedByWhatMayFollow(t *testing.T) {
	for name, tc := range map[string]struct {
		words []string
		want  string // all candidates; with … behind it: among others
		files bool
	}{
		"a command":                         {words: []string{"gen"}, want: "generate"},
		"all commands":                      {words: []string{""}, want: "generate text alchemy …"},
		"a command of a command":            {words: []string{"admin", "ledger", ""}, want: "verify explain"},
		"a flag":                            {words: []string{"generate", "--st"}, want: "--steps --strength"},
		"a flag of every command":           {words: []string{"generate", "fox", "--conf"}, want: "--config"},
		"what switches off":                 {words: []string{"generate", "--no-s"}, want: "--no-slow-workers"},
		"no flags where none is begun":      {words: []string{"generate", ""}, want: ""},
		"the choice of a flag":              {words: []string{"generate", "--images", "k"}, want: "kitty"},
		"the choice after =":                {words: []string{"generate", "--images=k"}, want: "--images=kitty"},
		"as bash splits it":                 {words: []string{"generate", "--images", "=", "k"}, want: "kitty"},
		"as bash splits it, with no value":  {words: []string{"generate", "--images", "="}, want: "auto kitty …"},
		"the choice of an argument":         {words: []string{"completion", "z"}, want: "zsh"},
		"a file of a flag":                  {words: []string{"generate", "fox", "-o", "fo"}, files: true},
		"a file of an argument":             {words: []string{"alchemy", ""}, files: true},
		"a folder":                          {words: []string{"serve", "--data", ""}, files: true},
		"help on commands":                  {words: []string{"help", "se"}, want: "serve"},
		"help on more":                      {words: []string{"help", "ex"}, want: "exit-codes"},
		"help on a command of a command":    {words: []string{"help", "admin", "led"}, want: "ledger"},
		"a sampler":                         {words: []string{"generate", "--sampler", "k_heu"}, want: "k_heun"},
		"a form":                            {words: []string{"alchemy", "-f", "cap"}, want: "caption"},
		"a level of the log":                {words: []string{"serve", "--log-level", "w"}, want: "warn"},
		"a flag that takes no value":        {words: []string{"generate", "--price", "--wid"}, want: "--width"},
		"after -- there are no flags":       {words: []string{"generate", "--", "--wid"}, want: ""},
		"an unknown flag does no harm":      {words: []string{"generate", "--nonsense", "--wid"}, want: "--width"},
		"an unknown command offers nothing": {words: []string{"genrate", "x"}, want: ""},
		"nothing at all":                    {words: nil, want: "generate …"},
	} {
		t.Run(name, func(t *testing.T) {
			got, files := offered(t, tc.words...)
			want := strings.Fields(tc.want)
			if n := len(want); n > 0 && want[n-1] == "…" {
				for _, w := range want[:n-1] {
					if !slices.Contains(got, w) {
						t.Errorf("%q lack %s", got, w)
					}
				}
			} else if !slices.Equal(got, want) {
				t.Errorf("%q, want %q", got, want)
			}

			if files != tc.files {
				t.Errorf("files: %v", files)
			}
		})
	}
}

// Every flag of every command can be completed: by itself, and what follows it
// without a failure.
func TestCompletionKnowsEveryFlag(t *testing.T) {
	commands := 0
	var visit func(n *kong.Node, path []string)
	visit = func(n *kong.Node, path []string) {
		commands++
		for _, f := range n.Flags {
			if got, _ := offered(t, append(slices.Clone(path), "--"+f.Name)...); !slices.Contains(got, "--"+f.Name) {
				t.Errorf("%v --%s is not offered", path, f.Name)
			}
			offered(t, append(slices.Clone(path), "--"+f.Name, "")...)
		}

		for _, c := range n.Children {
			visit(c, append(slices.Clone(path), c.Name))
		}
	}

	visit(commandTree().Node, nil)
	if commands < 20 {
		t.Errorf("only %d commands", commands)
	}
}

func TestCompletionInShells(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// The test program is horde where it is called so (TestMain).
	bin := filepath.Join(dir, "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "horde")); err != nil {
		t.Skip("no links here:", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "source.png"), nil, 0o644); err != nil {
		t.Fatal(err)
	}

	// Each calls the completion of a line of words, the last of which is begun,
	// and prints what it offers.
	shells := map[string]struct {
		args []string
		ask  func(words []string) string
	}{
		"bash": {[]string{"--norc", "-c"}, func(words []string) string {
			return `source <(horde completion bash); COMP_WORDS=(` + quoted(words) +
				`); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); ` +
				`$(complete -p horde | sed 's/.*-F \([^ ]*\).*/\1/'); printf '%s\n' "${COMPREPLY[@]}"`
		}},
		// zsh completes in its line editor only, so what it offers is caught there.
		"zsh": {[]string{"-f", "-c"}, func(words []string) string {
			return `autoload -U compinit; compinit -D -u; source <(horde completion zsh); [[ $_comps[horde] == _horde ]] || print missing; ` +
				`_describe() { print -l -- ${${(P)4}%%:*} }; _files() { print -l -- *(N) }; ` +
				`words=(` + quoted(words) + `); CURRENT=$#words; _horde`
		}},
		"fish": {[]string{"--no-config", "-c"}, func(words []string) string {
			return `horde completion fish | source; complete -C ` +
				quoted([]string{quoted(words[:len(words)-1]) + " " + words[len(words)-1]})
		}},
	}
	for shell, s := range shells {
		t.Run(shell, func(t *testing.T) {
			t.Parallel()
			path, err := exec.LookPath(shell)
			if err != nil {
				t.Skipf("there is no %s on this machine", shell)
			}
			for _, tc := range []struct {
				words []string
				want  string
			}{
				{[]string{"horde", "gen"}, "generate"},
				{[]string{"horde", "generate", "a red fox", "--ste"}, "--steps"},
				{[]string{"horde", "admin", "ledger", "ex"}, "explain"},
				{[]string{"horde", "generate", "--images", "ki"}, "kitty"},
				{[]string{"horde", "alchemy", "sour"}, "source.png"},
			} {
				t.Run(strings.Join(tc.words, " "), func(t *testing.T) {
					t.Parallel()
					cmd := exec.Command(path, append(slices.Clone(s.args), s.ask(tc.words))...)
					cmd.Dir = dir
					cmd.Env = append(os.Environ(), "PATH="+bin+string(os.PathListSeparator)+os.Getenv("PATH"), "HOME="+dir,
						"ZDOTDIR="+dir)
					out, err := cmd.CombinedOutput()
					if err != nil {
						t.Errorf("%q: %v", tc.words, err)
					}

					var got []string
					for line := range strings.Lines(string(out)) {
						word, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
						got = append(got, word)
					}

					if !slices.Contains(got, tc.want) {
						t.Errorf("%q: %q, want %q", tc.words, got, tc.want)
					}
				})
			}
		})
	}
}

// quoted are words for a shell's command line.
func quoted(words []string) string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = "'" + strings.ReplaceAll(w, "'", `'\''`) + "'"
	}
	return strings.Join(out, " ")
}
