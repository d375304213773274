package loras

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// maxOwn bounds how many files of a user's folder are offered.
const maxOwn = 256

const extension = ".safetensors"

// Library finds LoRAs by the names that requests use: those built in and those of
// one folder. Its methods may be called from several goroutines.
type Library struct {
	entries []entry // the built-in ones first
}

// entry is one LoRA that can be asked for.
type entry struct {
	Info
	file *File  // of a built-in one
	path string // of a user's own
	err  error  // why it cannot be used
}

// Open lists the built-in LoRAs and the .safetensors files of a folder ("": none).
// A file that is no LoRA for the built-in model stays in the list, so that a request
// for it is told why; warnings says the same to whoever filled the folder. Only a
// folder that cannot be read is an error.
func Open(dir string) (l *Library, warnings []error, err error) {
	list, err := builtIn()
	if err != nil {
		return nil, nil, err
	}
	l = &Library{}
	for _, f := range list {
		l.entries = append(l.entries, entry{Info: f.Info, file: f})
	}
	if dir == "" {
		return l, nil, nil
	}

	found, err := os.ReadDir(dir)
	if err != nil {
		return nil, nil, fmt.Errorf("the folder with LoRAs: %w", err)
	}
	for _, item := range found {
		if item.IsDir() || !strings.HasSuffix(strings.ToLower(item.Name()), extension) {
			continue
		}
		if len(l.entries) == len(list)+maxOwn {
			return l, append(warnings, fmt.Errorf("%s holds more than %d LoRAs; the others are not offered", dir, maxOwn)), nil
		}

		e := readOwn(filepath.Join(dir, item.Name()))
		for _, err := range []error{e.err, l.hides(&e)} {
			if err != nil {
				warnings = append(warnings, err)
			}
		}
		l.entries = append(l.entries, e)
	}
	return l, warnings, nil
}

// hides says how a LoRA before it keeps requests for a user's own from finding it; nil:
// none does.
func (l *Library) hides(own *entry) error {
	for i := range l.entries {
		e := &l.entries[i]
		switch name := simplify(own.Name); {
		case name == simplify(e.Name) || name == simplify(e.Title):
			return fmt.Errorf("%s is never used: requests for %q get the LoRA %s; give the file another name",
				own.path, own.Name, e.Name)
		case e.file != nil && own.VersionID != 0 && own.VersionID == e.VersionID:
			return fmt.Errorf("%s: requests for version %d get the LoRA %s", own.path, own.VersionID, e.Name)
		case e.file != nil && own.ModelID != 0 && own.ModelID == e.ModelID:
			return fmt.Errorf("%s: requests for model %d get the LoRA %s", own.path, own.ModelID, e.Name)
		}
	}
	return nil
}

// readOwn checks one file of a user's folder. Its matrices are not kept: they are
// read again when a job needs them.
func readOwn(path string) entry {
	stem := filepath.Base(path)
	stem = stem[:len(stem)-len(extension)]
	e := entry{path: path}
	f, err := readFile(path)
	if err != nil {
		e.err = fmt.Errorf("%s: %w", path, err)
	} else {
		e.Info = f.Info
	}

	// The file's name is what the user chose; the metadata's may be anybody's.
	e.Name = stem
	if e.Title == "" {
		e.Title = stem
	}
	return e
}

// readFile reads a LoRA of bounded size. Links are followed: the folder is the
// user's own.
func readFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil, errors.Join(err, fmt.Errorf("%w: not a regular file", fs.ErrInvalid))
	}

	data, err := io.ReadAll(io.LimitReader(f, MaxFile+1))
	if err != nil {
		return nil, err
	}
	return Parse(data)
}

// List describes the LoRAs that can be used.
func (l *Library) List() []Info {
	var infos []Info
	for _, e := range l.entries {
		if e.err == nil {
			infos = append(infos, e.Info)
		}
	}
	return infos
}

// ErrUnknown is what Load's error wraps for a name that fits no LoRA.
var ErrUnknown = errors.New("there is no such LoRA here")

// ErrChanged is what Load's error wraps for a file that is not what it was when the
// folder was opened, or cannot be read any more.
var ErrChanged = errors.New("the LoRA changed since the start; start again to use it")

// Load finds and reads the LoRA that a request names (worker §3.8): by version
// number if isVersion; else by model number if name is one; else by name, exactly
// or nearly. Its error wraps ErrUnknown, ErrBaseline or ErrChanged where that is the reason.
// name is only ever compared, never used as a path.
func (l *Library) Load(name string, isVersion bool) (*File, error) {
	e := l.find(name, isVersion)
	switch {
	case e == nil:
		return nil, ErrUnknown
	case e.err != nil:
		return nil, e.err
	case e.file != nil:
		return e.file, nil
	}

	f, err := readFile(e.path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w: %w", e.path, ErrChanged, err)
	}
	if f.SHA256 != e.SHA256 {
		return nil, fmt.Errorf("%s: %w", e.path, ErrChanged)
	}
	f.Name = e.Name
	return f, nil
}

// minNameScore is how alike a name must be, of 100, to be taken for one (worker §3.8).
const minNameScore = 90

func (l *Library) find(name string, isVersion bool) *entry {
	number, err := strconv.ParseUint(name, 10, 32)
	numeric := err == nil && number > 0
	plain := simplify(name)
	best, bestScore := -1, minNameScore-1

	for i := range l.entries {
		e := &l.entries[i]
		if isVersion || numeric {
			if numeric && int(number) == e.number(isVersion) {
				return e
			}
			if isVersion {
				continue
			}
		}
		for _, own := range []string{e.Name, e.Title} {
			if s := score(plain, simplify(own)); s > bestScore {
				best, bestScore = i, s
			}
		}
	}
	if best < 0 {
		return nil
	}
	return &l.entries[best]
}

func (e *entry) number(isVersion bool) int {
	if isVersion {
		return e.VersionID
	}
	return e.ModelID
}

// simplify makes names comparable: lower case, without the file's ending, and one
// sign between words.
func simplify(name string) string {
	name = strings.TrimSuffix(strings.ToLower(clip(name)), extension)
	return strings.Join(strings.FieldsFunc(name, func(r rune) bool { return r == ' ' || r == '_' || r == '-' }), "-")
}

// score is how alike two texts are, of 100: twice the longest common subsequence of
// their bytes over the sum of their lengths. Two empty texts are not alike.
func score(a, b string) int {
	if len(a) == 0 || len(b) == 0 {
		return 0
	}
	row := make([]int, len(b)+1)
	for i := range len(a) {
		diagonal := 0
		for j := range len(b) {
			above := row[j+1]
			if a[i] == b[j] {
				row[j+1] = diagonal + 1
			} else {
				row[j+1] = max(above, row[j])
			}
			diagonal = above
		}
	}
	return 200 * row[len(b)] / (len(a) + len(b))
}

// minTriggerScore is how alike a phrase must be to be taken for a trigger word.
const minTriggerScore = 66

// Trigger is what a request's inject_trigger asks for (worker §3.8): "any" of the
// trigger words, chosen by seed, "all" of them, or the one that is like want: equal,
// part of it, or nearly equal. Empty: none fits.
func (i *Info) Trigger(want string, seed uint64) string {
	want = strings.ToLower(strings.TrimSpace(want))
	switch {
	case want == "" || len(i.Triggers) == 0:
		return ""
	case want == "any":
		return i.Triggers[seed%uint64(len(i.Triggers))]
	case want == "all":
		return strings.Join(i.Triggers, ", ")
	}

	for _, fits := range []func(string) bool{
		func(t string) bool { return t == want },
		func(t string) bool { return strings.Contains(t, want) },
		func(t string) bool { return score(t, want) >= minTriggerScore },
	} {
		if n := slices.IndexFunc(i.Triggers, func(t string) bool { return fits(strings.ToLower(t)) }); n >= 0 {
			return i.Triggers[n]
		}
	}
	return ""
}
