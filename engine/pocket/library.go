package pocket

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
)

// LibraryEnv names the environment variable with the path of ONNX Runtime's
// shared library.
const LibraryEnv = "HORDE_ONNXRUNTIME"

// ErrNoRuntime is what New's error wraps where ONNX Runtime cannot be loaded;
// its text says what to do.
var ErrNoRuntime = errors.New("ONNX Runtime cannot be loaded, so the built-in model horde_pocket is not available here")

// noRuntime adds the cause and the cure to ErrNoRuntime.
func noRuntime(cause error) error {
	return fmt.Errorf("%w: %w\nTo get it run scripts/fetch-onnxruntime.sh with the folder of the horde binary, "+
		"or install ONNX Runtime 1.24 or newer and name its library in %s", ErrNoRuntime, cause, LibraryEnv)
}

// libraryNames are the file names of the shared library on this system:
// patterns for folders, plain names for the system's own search.
func libraryNames() (patterns, plain []string) {
	switch runtime.GOOS {
	case "windows":
		return []string{"onnxruntime.dll"}, []string{"onnxruntime.dll"}
	case "darwin":
		return []string{"libonnxruntime.dylib", "libonnxruntime.*.dylib"}, []string{"libonnxruntime.dylib"}
	}
	return []string{"libonnxruntime.so", "libonnxruntime.so.*"}, []string{"libonnxruntime.so.1", "libonnxruntime.so"}
}

// libraryCandidates lists what to try, best first. A path given by option or
// environment is the only candidate: a wrong one must be reported, not passed
// over. exe is the path of the executable ("" if unknown).
func libraryCandidates(option, env, exe string) []string {
	patterns, plain := libraryNames()
	if named := cmp.Or(option, env); named != "" {
		return namedLibrary(named, patterns)
	}

	var folders []string
	if exe != "" {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		dir := filepath.Dir(exe)
		folders = append(folders, dir, filepath.Join(dir, "lib"))
	}

	found := inFolders(folders, patterns)
	found = append(found, plain...)
	return append(found, inFolders(systemFolders(), patterns)...)
}

// namedLibrary is the library at a path from the options or the environment: a file, a folder
// with the library in it, or a bare name for the system's own search.
func namedLibrary(path string, patterns []string) []string {
	info, err := os.Stat(path)
	if err != nil {
		return []string{path}
	}
	if abs, err := filepath.Abs(path); err == nil {
		path = abs
	}

	if info.IsDir() {
		if found := inFolders([]string{path}, patterns); len(found) > 0 {
			return found
		}
	}
	return []string{path}
}

// systemFolders are places that the dynamic linker may not search by itself.
func systemFolders() []string {
	if runtime.GOOS == "windows" {
		return nil
	}
	folders := []string{"/usr/local/lib", "/usr/lib", "/usr/lib64", "/opt/onnxruntime/lib", "/opt/homebrew/lib"}
	switch runtime.GOARCH {
	case "amd64":
		folders = append(folders, "/usr/lib/x86_64-linux-gnu")
	case "arm64":
		folders = append(folders, "/usr/lib/aarch64-linux-gnu")
	}
	return folders
}

// inFolders lists the files that match the patterns, folder by folder; of
// several versions the highest name comes first.
func inFolders(folders, patterns []string) []string {
	var found []string
	for _, folder := range folders {
		for _, pattern := range patterns {
			matches, _ := filepath.Glob(filepath.Join(globQuote(folder), pattern))
			slices.Sort(matches)
			slices.Reverse(matches)
			found = append(found, matches...)
		}
	}
	return found
}

// globQuote escapes the pattern characters of a folder name.
func globQuote(folder string) string {
	if runtime.GOOS == "windows" {
		return folder
	}
	quoted := make([]rune, 0, len(folder))
	for _, r := range folder {
		if slices.Contains([]rune(`*?[\`), r) {
			quoted = append(quoted, '\\')
		}
		quoted = append(quoted, r)
	}
	return string(quoted)
}

// candidates is libraryCandidates for this process.
func candidates(option string) []string {
	exe, err := os.Executable()
	if err != nil {
		exe = ""
	}
	return libraryCandidates(option, os.Getenv(LibraryEnv), exe)
}
