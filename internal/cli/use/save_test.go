package use

import (
	"os"
	"path/filepath"
	"testing"
)

func TestImagesAreNamedByOutputAndNumber(t *testing.T) {
	const id = "0b5e77aa-1111"
	for _, tc := range []struct {
		output string
		i, n   int
		want   string
	}{
		{"fox.webp", 0, 1, "fox.webp"},
		{"fox.webp", 1, 2, "fox-2.webp"},
		{"dir.d/fox", 0, 2, "dir.d/fox-1"},
		{"", 0, 1, "horde-0b5e77aa.webp"},
		{"", 2, 3, "horde-0b5e77aa-3.webp"},
	} {
		t.Run(tc.want, func(t *testing.T) {
			if got := outputPath(tc.output, id, tc.i, tc.n); got != tc.want {
				t.Errorf("outputPath(%q, %d of %d) = %q", tc.output, tc.i, tc.n, got)
			}
		})
	}
}

func TestAFileIsWrittenWhole(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "x")
	for _, text := range []string{"first", "second"} {
		if err := writeFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if b, _ := os.ReadFile(path); string(b) != text {
			t.Errorf("%q", b)
		}
	}

	if err := writeFile(filepath.Join(dir, "no", "x"), nil); err == nil {
		t.Error("wrote into no folder")
	}
	if left, _ := os.ReadDir(dir); len(left) != 1 {
		t.Errorf("left %v", left)
	}
}
