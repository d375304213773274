package loras

import (
	"embed"
	"fmt"
	"slices"
	"strings"
	"sync"
)

// files are the built-in LoRAs (model/MODEL_CARD.md, "LoRAs"), NAME.safetensors, and
// for each a sample image, NAME.jpg, of 256 × 256 pixels.
//
//go:embed files
var files embed.FS

// builtInHashes are the SHA-256 of the files that were trained and looked at: a
// build with others fails its tests and offers none of them.
var builtInHashes = map[string]string{
	"night":       "b286e0a886594735bedbf594a2220aec06321401e00ebaf69abdbab909066486",
	"pixel-art":   "017eca68c6c1621af5021b6e7859077ef10b908c59fb281779f973577ddbc6d5",
	"watercolour": "ec3a21ffe8183a269f31e2dfea49c647842a92107fc786bf61a6a1e15eb1f0e0",
}

// BuiltIn lists the LoRAs in this binary, sorted by name. The slice is the caller's.
func BuiltIn() []Info {
	list, err := builtIn()
	if err != nil {
		return nil
	}
	infos := make([]Info, len(list))
	for i, f := range list {
		infos[i] = f.Info
	}
	return infos
}

// builtIn reads the embedded files, once.
var builtIn = sync.OnceValues(func() ([]*File, error) {
	var list []*File
	for name, want := range builtInHashes {
		data, err := files.ReadFile("files/" + name + ".safetensors")
		if err != nil {
			return nil, err
		}
		f, err := Parse(data)
		if err != nil {
			return nil, fmt.Errorf("the built-in LoRA %s: %w", name, err)
		}
		if f.SHA256 != want || f.Name != name {
			return nil, fmt.Errorf("the built-in LoRA %s has the name %q and the hash %s, not %s",
				name, f.Name, f.SHA256, want)
		}
		list = append(list, f)
	}
	slices.SortFunc(list, func(a, b *File) int { return strings.Compare(a.Name, b.Name) })
	return list, nil
})

// Sample is the JPEG image that shows what a built-in LoRA does, nil for others.
func Sample(name string) []byte {
	if _, ok := builtInHashes[name]; !ok {
		return nil
	}
	data, _ := files.ReadFile("files/" + name + ".jpg")
	return data
}
