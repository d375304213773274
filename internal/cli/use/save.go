package use

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"horde/internal/cli/console"
	"horde/internal/imaging"
)

// saveQuality is that of WebP and JPEG files made here, from images that arrived in
// another format.
const saveQuality = 95 // of 100

// formats are the extensions of files that images can be saved as. A name without one
// gets what hordes send.
var formats = map[string]string{
	".webp": "webp",
	".png":  "png",
	".jpg":  "jpeg",
	".jpeg": "jpeg",
	"":      "webp",
}

// formatOf is the format that a file's name asks for; false: none that we can write.
func formatOf(path string) (format string, ok bool) {
	format, ok = formats[strings.ToLower(filepath.Ext(path))]
	return format, ok
}

// outputPath names the file of image i (from 0) of n requested.
func outputPath(output, id string, i, n int) string {
	if output == "" {
		output = "horde-" + id[:min(8, len(id))] + ".webp"
	}
	if n == 1 {
		return output
	}
	ext := filepath.Ext(output)
	return fmt.Sprintf("%s-%d%s", strings.TrimSuffix(output, ext), i+1, ext)
}

// unknownID stands for the id of a request in file names, before it has one.
const unknownID = "00000000"

// checkTargets checks before anything is paid that images can be saved at paths, which
// follow from the flag -o; output is its value.
func checkTargets(output string, paths ...string) error {
	if _, ok := formatOf(output); !ok {
		return console.UsageError("-o %s: images are saved as .webp, .png or .jpg, not as %s: end the name with one of these",
			output, filepath.Ext(output))
	}
	if output == "-" {
		return console.UsageError("-o -: images are saved in files: name one")
	}

	for _, path := range paths {
		err := checkWritable(path)
		switch {
		case err == nil:
		case output == "":
			return console.UsageError("an image in this folder %w. Name a file elsewhere with -o", err)
		case path == output:
			return console.UsageError("-o %s %w", output, err)
		default:
			return console.UsageError("-o %s: %s %w", output, path, err)
		}
	}
	return nil
}

// checkWritable checks that a file can be written, and leaves everything as it was.
// Its error continues a sentence that begins with the name of the file.
func checkWritable(path string) error {
	info, err := os.Stat(path)
	switch {
	case err == nil && info.IsDir():
		return errors.New("is a folder: name a file")
	case err == nil && info.Mode()&fs.ModeCharDevice != 0: // such as /dev/null
		return nil
	case err == nil && !info.Mode().IsRegular(): // a pipe would wait for its reader forever
		return errors.New("is not a regular file: images are saved in files")
	case err == nil:
		return checkReplaceable(path, info)
	case !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("cannot be written: %w", cause(err))
	}

	dir := filepath.Dir(path)
	if info, err := os.Stat(dir); err != nil || !info.IsDir() {
		return fmt.Errorf("cannot be written: there is no folder %s", dir)
	}
	if _, err := os.Lstat(path); err == nil {
		return errors.New("is a broken link")
	}
	return tryCreate(path)
}

// checkReplaceable checks that an existing file may be replaced.
func checkReplaceable(path string, info fs.FileInfo) error {
	const anyWrite = 0o222
	if info.Mode().Perm()&anyWrite == 0 {
		return errors.New("is read-only")
	}
	f, err := os.OpenFile(path, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("cannot be written: %w", cause(err))
	}

	f.Close()
	return tryCreate(asideOf(path))
}

// tryCreate creates a file that does not exist, and removes it again.
func tryCreate(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o666)
	if err != nil {
		return fmt.Errorf("cannot be written: %w", cause(err))
	}
	f.Close()
	return os.Remove(path)
}

// cause is the reason of a failure with a file, without the name of the file.
func cause(err error) error {
	if e := (*fs.PathError)(nil); errors.As(err, &e) {
		return e.Err
	}
	return err
}

// savedImage bounds an image that is decoded to be saved or shown.
var savedImage = imaging.Limits{MaxBytes: maxImageFile, MaxPixels: 1 << 26}

// convert turns an image into the format that a file's name asks for.
func convert(ctx context.Context, data []byte, path string) ([]byte, error) {
	want, ok := formatOf(path)
	if !ok {
		return nil, fmt.Errorf("no image can be saved as %s", filepath.Ext(path))
	}
	if h, err := imaging.Inspect(data); err == nil && h.Format == want {
		return data, nil
	}
	img, _, err := imaging.Decode(ctx, data, savedImage)
	if err != nil {
		return nil, err
	}

	var b bytes.Buffer
	switch want {
	case "png":
		err = png.Encode(&b, eightBits(img))
	case "jpeg":
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: saveQuality})
	default:
		err = imaging.EncodeWebP(ctx, &b, img, saveQuality)
	}
	return b.Bytes(), err
}

// eightBits copies a decoded image into 8 bits a channel; a PNG in the decoder's own
// colours would have 16.
func eightBits(img image.Image) image.Image {
	out := image.NewNRGBA(img.Bounds())
	draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Src)
	return out
}

// asideOf is the file beside another in which it is written.
func asideOf(path string) string {
	return filepath.Join(filepath.Dir(path), fmt.Sprintf(".horde-%d.part", os.Getpid()))
}

// writeFile writes aside and renames, so that path is either as before or complete. The
// target of a link is replaced, not the link; a device is written into.
func writeFile(path string, data []byte) (err error) {
	if real, err := filepath.EvalSymlinks(path); err == nil {
		path = real
	}
	if info, err := os.Stat(path); err == nil && !info.Mode().IsRegular() {
		return os.WriteFile(path, data, 0o666)
	}

	aside := asideOf(path)
	f, err := os.OpenFile(aside, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, 0o666)
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(aside)
		}
	}()

	if _, err = f.Write(data); err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(aside, path)
}
