package loras

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// put writes a file of a user's folder.
func put(t *testing.T, dir, name string, data []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
		t.Fatal(err)
	}
}

// ownLibrary has the built-in LoRAs and a user's: one good file, one for another
// model, one that is broken.
func ownLibrary(t *testing.T) (*Library, string) {
	t.Helper()
	dir := t.TempDir()
	put(t, dir, "My_Style v2.safetensors", build(goodMeta(), goodParts(), nil))
	foreign := goodMeta()
	foreign["baseline"] = "stable_diffusion_xl"
	put(t, dir, "foreign.safetensors", build(foreign, goodParts(), nil))
	put(t, dir, "broken.safetensors", []byte("PK\x03\x04"))
	put(t, dir, "readme.txt", []byte("not a LoRA"))
	if err := os.Mkdir(filepath.Join(dir, "folder.safetensors"), 0o755); err != nil {
		t.Fatal(err)
	}

	l, warnings, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	named := errors.Join(warnings...)
	if len(warnings) != 2 || !strings.Contains(named.Error(), filepath.Join(dir, "broken.safetensors")) {
		t.Errorf("warnings %v, want one of each bad file with its path", warnings)
	}
	return l, dir
}

func TestTheBuiltInLoRAsAreWhole(t *testing.T) {
	if _, err := builtIn(); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, i := range BuiltIn() {
		names = append(names, i.Name)
		data, err := files.ReadFile("files/" + i.Name + ".safetensors")
		if err != nil || len(data) > 1<<20 {
			t.Errorf("%s: %d bytes, %v; want at most 1 MB", i.Name, len(data), err)
		}
		if i.Title == "" || i.Version == "" || len(i.Triggers) == 0 || i.License != "AGPL-3.0-or-later" ||
			i.ModelID == 0 || i.VersionID == 0 {
			t.Errorf("%s: %+v", i.Name, i)
		}
		if s := Sample(i.Name); len(s) < 1000 || len(s) > 40_000 || string(s[:2]) != "\xff\xd8" {
			t.Errorf("%s: a sample of %d bytes, want a small JPEG", i.Name, len(s))
		}
	}
	if !slices.Equal(names, []string{"night", "pixel-art", "watercolour"}) {
		t.Errorf("built in are %v", names)
	}

	list, _ := builtIn()
	for _, f := range list {
		for _, p := range f.Pairs {
			if p.Rank > 8 {
				t.Errorf("%s: %s has rank %d, more than 8", f.Name, p.Target, p.Rank)
			}
		}
	}
}

func TestALoRAIsFoundByWhatRequestsCallIt(t *testing.T) {
	l, _ := ownLibrary(t)
	night := BuiltIn()[0]
	for _, c := range []struct {
		name      string
		isVersion bool
		want      string // "": none
	}{
		{"night", false, "night"},
		{"Night", false, "night"},
		{"pixel art", false, "pixel-art"},
		{"Pixel_Art", false, "pixel-art"},
		{"watercolour.safetensors", false, "watercolour"},
		{"watercolor", false, "watercolour"}, // near enough
		{"my_style v2", false, "My_Style v2"},
		{"My-Style-v2.safetensors", false, "My_Style v2"},
		{"12", false, "My_Style v2"},
		{"34", true, "My_Style v2"},
		{"34", false, ""},
		{"12", true, ""},
		{"night", true, ""},
		{"0", true, ""},
		{"99999999999999999999999", true, ""},
		{"", false, ""},
		{"nigh", false, ""},
		{"water", false, ""},
		{"../loras/night", false, ""},
		{"/etc/passwd", false, ""},
		{`..\..\night`, false, ""},
		{"folder", false, ""},
		{strings.Repeat("night", 50_000), false, ""},
		{"night\x00", false, "night"},
	} {
		t.Run(clip(c.name), func(t *testing.T) {
			f, err := l.Load(c.name, c.isVersion)
			switch {
			case c.want == "" && !errors.Is(err, ErrUnknown):
				t.Errorf("found %+v, %v", f, err)
			case c.want != "" && (err != nil || f.Name != c.want):
				t.Errorf("got %+v, %v, want %s", f, err, c.want)
			}
		})
	}

	if f, err := l.Load(strconv.Itoa(night.VersionID), true); err != nil || f.Name != "night" {
		t.Errorf("by version: %v, %v", f, err)
	}
	if f, err := l.Load(strconv.Itoa(night.ModelID), false); err != nil || f.Name != "night" {
		t.Errorf("by number: %v, %v", f, err)
	}
}

func TestABadFileOfTheFolderIsNamedWhenAskedFor(t *testing.T) {
	l, dir := ownLibrary(t)
	if _, err := l.Load("foreign", false); !errors.Is(err, ErrBaseline) {
		t.Errorf("a LoRA for another model: %v", err)
	}
	_, err := l.Load("broken", false)
	if err == nil || errors.Is(err, ErrUnknown) || !strings.Contains(err.Error(), "zip") {
		t.Errorf("a zip archive: %v", err)
	}
	for _, i := range l.List() {
		if i.Name == "foreign" || i.Name == "broken" {
			t.Errorf("%s is offered", i.Name)
		}
	}

	// What was checked at the start is what is used.
	changed := goodParts()
	changed[0] = f32("lora_unet_x.lora_down.weight", []int{1, 2}, 7, 7)
	put(t, dir, "My_Style v2.safetensors", build(goodMeta(), changed, nil))
	if _, err := l.Load("12", false); !errors.Is(err, ErrChanged) {
		t.Errorf("a file that changed: %v", err)
	}
	if err := os.Remove(filepath.Join(dir, "My_Style v2.safetensors")); err != nil {
		t.Fatal(err)
	}
	if _, err := l.Load("12", false); !errors.Is(err, os.ErrNotExist) || !errors.Is(err, ErrChanged) {
		t.Errorf("a file that is gone: %v", err)
	}

	if _, _, err := Open(filepath.Join(dir, "nowhere")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a folder that is not there: %v", err)
	}
}

// TestAHiddenFileIsSaidToBeHidden: a request for a user's file that is called like a
// built-in LoRA, or has its number, gets the built-in one, and the user is told so.
func TestAHiddenFileIsSaidToBeHidden(t *testing.T) {
	t.Parallel()
	builtIn := BuiltIn()[0]
	for _, c := range []struct {
		file string
		want string
	}{
		{builtIn.Name + ".safetensors", "never used"},
		{"Pixel_Art.safetensors", "never used"},
		{"mine.safetensors", ""},
	} {
		t.Run(c.file, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			put(t, dir, c.file, build(goodMeta(), goodParts(), nil))
			_, warnings, err := Open(dir)
			if err != nil {
				t.Fatal(err)
			}
			said := errors.Join(warnings...)
			if c.want == "" {
				if said != nil {
					t.Errorf("warned of %v", said)
				}
				return
			}
			if said == nil || !strings.Contains(said.Error(), c.want) || !strings.Contains(said.Error(), c.file) {
				t.Errorf("warnings %v, want one of %s", warnings, c.file)
			}
		})
	}
}

func TestTheFolderIsBounded(t *testing.T) {
	dir := t.TempDir()
	data := build(goodMeta(), goodParts(), nil)
	for i := range maxOwn + 5 {
		put(t, dir, strconv.Itoa(i)+".safetensors", data)
	}
	l, warnings, err := Open(dir)
	if err != nil || len(warnings) != 1 || len(l.List()) != maxOwn+3 {
		t.Errorf("%d LoRAs, warnings %v, error %v", len(l.List()), warnings, err)
	}
}

func TestTriggerWordsAreChosen(t *testing.T) {
	i := Info{Triggers: []string{"Pixel art", "blocky", "retro game"}}
	for want, trigger := range map[string]string{
		"":          "",
		"all":       "Pixel art, blocky, retro game",
		"any":       "blocky", // by seed
		"PIXEL ART": "Pixel art",
		"retro":     "retro game",
		"blocy":     "blocky",
		"landscape": "",
	} {
		if got := i.Trigger(want, 4); got != trigger {
			t.Errorf("%q gives %q, want %q", want, got, trigger)
		}
	}
	if got := (&Info{}).Trigger("any", 1); got != "" {
		t.Errorf("without trigger words: %q", got)
	}
}
