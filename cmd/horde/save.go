package main

import (
	"bytes"
	"fmt"
	"image"
	"image/draw"
	"image/jpeg"
	"image/png"
	"os"
	"path/filepath"
	"strings"

	"horde/internal/imaging"
)

// outputPath names the file of picture i (from 0) of n asked for.
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

// convert makes a PNG or JPEG where the file's name asks for one; else the
// picture stays as it arrived.
func convert(data []byte, path string) ([]byte, error) {
	ext := strings.ToLower(filepath.Ext(path))
	if ext != ".png" && ext != ".jpg" && ext != ".jpeg" {
		return data, nil
	}
	img, format, err := imaging.Decode(data, imaging.Limits{MaxBytes: 64 << 20, MaxPixels: 1 << 26})
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	switch {
	case ext == ".png" && format == "png", ext != ".png" && format == "jpeg":
		return data, nil
	case ext == ".png":
		err = png.Encode(&b, eightBits(img))
	default:
		err = jpeg.Encode(&b, img, &jpeg.Options{Quality: 95})
	}
	return b.Bytes(), err
}

// eightBits copies a decoded picture into 8 bits a channel; a PNG of the
// decoder's own colours would have 16.
func eightBits(img image.Image) image.Image {
	out := image.NewNRGBA(img.Bounds())
	draw.Draw(out, out.Bounds(), img, img.Bounds().Min, draw.Src)
	return out
}

// writeFile writes aside and renames, so that path is either as before or
// whole.
func writeFile(path string, data []byte) (err error) {
	aside := fmt.Sprintf("%s.%d.part", path, os.Getpid())
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
