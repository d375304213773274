package e2e

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/jpeg"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/e2e/program"
)

// TestOddTexts: what is no nonsense but odd passes through unharmed, from the
// requester to the worker, for every kind of work.
func TestOddTexts(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})

	p := makeParties(t, srv, 2)
	for name, text := range map[string]string{
		"right to left":        "\u202ereversed\u202c שלום",
		"zero width":           "a\u200bb\u200d\ufeffc",
		"beyond the BMP":       "𝔘 👩‍👩‍👧‍👦 \U0010fffd",
		"markup and quotes":    `"><script>alert('1')</script> ${jndi:ldap://x} {{7*7}} %s %n`,
		"SQL":                  `'; DROP TABLE users; --`,
		"controls":             "a\x01\x07\x1b[31m\r\n\tb",
		"a long line":          strings.Repeat("word ", 7000),
		"braces of templates":  "{p} {np} {x} {",
		"what Python would be": "\\u0000 \\x00 %00",
	} {
		t.Run(name, func(t *testing.T) {
			quoted, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}

			status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/async", p[0].key,
				fmt.Sprintf(`{"prompt":%s}`, quoted))
			var accepted api.Accepted
			decodeAs(t, http.StatusAccepted, status, body, &accepted)
			if got := popUntil(t, srv, p[1]); got.Payload.Prompt != text {
				t.Errorf("the painter got %q", clipped(got.Payload.Prompt))
			}

			status, body = call(t, http.MethodPost, srv.URL+"/api/v2/generate/text/async", p[0].key,
				fmt.Sprintf(`{"prompt":%s}`, quoted))
			decodeAs(t, http.StatusAccepted, status, body, &accepted)
			var story api.TextJob
			status, body = call(t, http.MethodPost, srv.URL+"/api/v2/generate/text/pop", p[1].key,
				`{"name":"scribe","models":["any model"],"max_length":512,"max_context_length":8192}`)
			decodeAs(t, http.StatusOK, status, body, &story)
			if story.Payload.Prompt != text {
				t.Errorf("the scribe got %q", clipped(story.Payload.Prompt))
			}

			status, body = call(t, http.MethodPost, srv.URL+"/api/v2/generate/text/submit", p[1].key,
				fmt.Sprintf(`{"id":%q,"generation":%s}`, *story.ID, quoted))
			if status != http.StatusOK {
				t.Errorf("the scribe's text: %d %s", status, body)
			}

			var told api.TextStatus
			status, body = call(t, http.MethodGet, srv.URL+"/api/v2/generate/text/status/"+accepted.ID, "", "")
			decodeAs(t, http.StatusOK, status, body, &told)
			if len(told.Generations) != 1 || told.Generations[0].Text != text {
				t.Errorf("the requester got %s", clipped(body))
			}

			status, body = call(t, http.MethodPost, srv.URL+"/api/v2/interrogate/async", p[0].key,
				fmt.Sprintf(`{"forms":[{"name":"caption","payload":{"hint":%s}}],"source_image":%q}`, quoted, tinyImage()))
			decodeAs(t, http.StatusAccepted, status, body, &accepted)
			var forms api.AlchemyJob
			status, body = call(t, http.MethodPost, srv.URL+"/api/v2/interrogate/pop", p[1].key,
				`{"name":"alchemist","forms":["caption"]}`)
			decodeAs(t, http.StatusOK, status, body, &forms)
			if len(forms.Forms) != 1 || forms.Forms[0].Payload["hint"] != text {
				t.Errorf("the alchemist got %s", clipped(body))
			}
		})
	}

	// Half a pair of surrogates is no text in any encoding: refused or mended, never
	// a broken answer.
	for _, path := range []string{"generate/async", "generate/text/async"} {
		status, body := call(t, http.MethodPost, srv.URL+"/api/v2/"+path, p[0].key, `{"prompt":"a\ud800b"}`)
		if status != http.StatusAccepted && status != http.StatusBadRequest || !json.Valid([]byte(body)) {
			t.Errorf("%s, a lone surrogate: %d %s", path, status, body)
		}
	}
}

// TestLastKeyCounts: of a key that is there twice the last one counts, for the
// checks and for what is stored alike.
func TestLastKeyCounts(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 2)
	status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/async", p[0].key,
		`{"prompt":"first","prompt":"last","params":{"width":500},"params":{"width":128}}`)
	if status != http.StatusAccepted {
		t.Fatalf("%d %s", status, body)
	}
	if job := popUntil(t, srv, p[1]); job.Payload.Prompt != "last" || job.Payload.Width != 128 {
		t.Errorf("%+v", job.Payload)
	}
}

// raw sends bytes on a connection of its own and returns the answer.
func raw(t *testing.T, srv *program.Server, send func(w io.Writer) error) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(srv.URL, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(40 * time.Second))
	sent := make(chan error, 1)
	go func() { sent <- send(conn) }()
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return nil, err.Error()
	}
	defer res.Body.Close()
	body, _ := io.ReadAll(res.Body)
	conn.Close()
	<-sent
	return res, string(body)
}

// TestHostileConnections: bodies and headers that never end or grow when they are
// unpacked.
func TestHostileConnections(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})

	head := "POST /api/v2/generate/async HTTP/1.1\r\nHost: x\r\napikey: 0000000000\r\nContent-Type: application/json\r\n"
	t.Run("a body without an end", func(t *testing.T) {
		t.Parallel()
		res, body := raw(t, srv, func(w io.Writer) error {
			if _, err := io.WriteString(w, head+"Transfer-Encoding: chunked\r\n\r\n"); err != nil {
				return err
			}
			chunk := "10000\r\n" + strings.Repeat(" ", 1<<16) + "\r\n"
			for {
				if _, err := io.WriteString(w, chunk); err != nil {
					return err
				}
			}
		})
		if res == nil || res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%v %s", res, body)
		}
	})

	t.Run("an announced terabyte", func(t *testing.T) {
		t.Parallel()
		res, body := raw(t, srv, func(w io.Writer) error {
			_, err := io.WriteString(w, head+"Content-Length: 1099511627776\r\n\r\n{")
			return err
		})
		if res == nil || res.StatusCode != http.StatusRequestEntityTooLarge {
			t.Errorf("%v %s", res, body)
		}
	})

	t.Run("a gzip bomb", func(t *testing.T) {
		t.Parallel()
		var bomb bytes.Buffer
		z := gzip.NewWriter(&bomb)
		_, _ = z.Write([]byte(`{"prompt":"`))
		for range 1 << 10 {
			_, _ = z.Write(make([]byte, 1<<16))
		}

		_ = z.Close()
		res, body := raw(t, srv, func(w io.Writer) error {
			_, err := fmt.Fprintf(w, "%sContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%s", head, bomb.Len(), bomb.Bytes())
			return err
		})
		if res == nil || res.StatusCode != http.StatusBadRequest {
			t.Errorf("%v %s", res, body)
		}
	})

	t.Run("a header of a megabyte", func(t *testing.T) {
		t.Parallel()
		res, body := raw(t, srv, func(w io.Writer) error {
			_, err := io.WriteString(w, head+"X-Long: "+strings.Repeat("x", 1<<20)+"\r\n\r\n")
			return err
		})
		if res != nil && res.StatusCode != http.StatusRequestHeaderFieldsTooLarge {
			t.Errorf("%v %s", res, body)
		}
	})

	for name, framing := range map[string]string{
		"two lengths":         "Content-Length: 2\r\nContent-Length: 3\r\n\r\n{} ",
		"a length below zero": "Content-Length: -1\r\n\r\n{}",
		"length and chunks":   "Content-Length: 2\r\nTransfer-Encoding: chunked, identity\r\n\r\n{}",
		"a broken chunk":      "Transfer-Encoding: chunked\r\n\r\nzz\r\n{}\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			res, body := raw(t, srv, func(w io.Writer) error {
				_, err := io.WriteString(w, head+framing)
				return err
			})
			if res == nil || res.StatusCode < 400 || res.StatusCode >= 500 && res.StatusCode != http.StatusNotImplemented {
				t.Errorf("%v %s", res, body)
			}
		})
	}

	t.Run("headers that drip", func(t *testing.T) {
		if testing.Short() {
			t.Skip("takes 10 s of real time")
		}

		t.Parallel()
		began := time.Now()

		res, _ := raw(t, srv, func(w io.Writer) error {
			_, err := io.WriteString(w, head)
			for err == nil {
				time.Sleep(200 * time.Millisecond) // the attack itself
				_, err = io.WriteString(w, "X-A: b\r\n")
			}
			return err
		})
		if took := time.Since(began); res != nil && res.StatusCode < 400 || took > 20*time.Second {
			t.Errorf("%v after %v", res, took)
		}
	})
}

// TestImagesLoseTheirMetadata: where a photograph was taken is nobody's
// business; neither workers nor requesters get a file as it was sent.
func TestImagesLoseTheirMetadata(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 2)
	photo := photograph(t)
	source := base64.StdEncoding.EncodeToString(photo)
	status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/async", p[0].key,
		fmt.Sprintf(`{"prompt":"x","source_image":%q,"source_mask":%q,"source_processing":"inpainting","r2":false,"models":["stable_diffusion_inpainting"]}`, source, source))
	var accepted api.Accepted
	decodeAs(t, http.StatusAccepted, status, body, &accepted)
	var job api.ImageJob
	status, body = call(t, http.MethodPost, srv.URL+"/api/v2/generate/pop", p[1].key,
		`{"name":"w","models":["stable_diffusion_inpainting"],"bridge_agent":"AI Horde Worker reGen:13:x","max_pixels":4194304}`)
	decodeAs(t, http.StatusOK, status, body, &job)
	if job.SourceImage == nil || job.SourceMask == nil {
		t.Fatalf("%s", body)
	}

	for _, link := range []string{*job.SourceImage, *job.SourceMask} {
		_, file := call(t, http.MethodGet, link, "", "")
		checkClean(t, "a source image", []byte(file))
	}

	status, body = call(t, http.MethodPost, srv.URL+"/api/v2/generate/submit", p[1].key,
		fmt.Sprintf(`{"id":%q,"generation":%q,"seed":1}`, *job.ID, source))
	if status != http.StatusOK {
		t.Fatalf("%d %s", status, body)
	}

	var done api.ImageStatus
	status, body = call(t, http.MethodGet, srv.URL+"/api/v2/generate/status/"+accepted.ID, "", "")
	decodeAs(t, http.StatusOK, status, body, &done)
	file, err := base64.StdEncoding.DecodeString(done.Generations[0].Img)
	if err != nil {
		t.Fatal(err)
	}

	checkClean(t, "a result", file)
	status, body = call(t, http.MethodPost, srv.URL+"/api/v2/interrogate/async", p[0].key,
		fmt.Sprintf(`{"forms":[{"name":"caption"}],"source_image":%q}`, source))
	decodeAs(t, http.StatusAccepted, status, body, &accepted)
	var forms api.AlchemyJob
	status, body = call(t, http.MethodPost, srv.URL+"/api/v2/interrogate/pop", p[1].key,
		`{"name":"alchemist","forms":["caption"]}`)
	decodeAs(t, http.StatusOK, status, body, &forms)
	_, image := call(t, http.MethodGet, forms.Forms[0].SourceImage, "", "")
	checkClean(t, "an alchemist's image", []byte(image))
}

// photograph is a JPEG with what cameras write into it: EXIF with a place, an ICC
// profile, a comment.
func photograph(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 64)), nil); err != nil {
		t.Fatal(err)
	}
	segment := func(marker byte, content string) string {
		n := len(content) + 2
		return string([]byte{0xff, marker, byte(n >> 8), byte(n)}) + content
	}
	// One directory whose only entry (0x8825) leads to the directory of the place.
	exif := "Exif\x00\x00II*\x00\x08\x00\x00\x00\x01\x00\x25\x88\x04\x00\x01\x00\x00\x00\x1a\x00\x00\x00\x00\x00\x00\x00" +
		"\x01\x00\x01\x00\x02\x00\x02\x00\x00\x00N\x00\x00\x00\x00\x00\x00\x00 GPS 52.5163 N 13.3777 E"
	extra := segment(0xe1, exif) + segment(0xe2, "ICC_PROFILE\x00\x01\x01"+strings.Repeat("profile", 20)) +
		segment(0xfe, "taken by Alice")
	return append(append(b.Bytes()[:2:2], extra...), b.Bytes()[2:]...)
}

func checkClean(t *testing.T, what string, file []byte) {
	t.Helper()
	if !bytes.HasPrefix(file, []byte("RIFF")) {
		t.Errorf("%s is no WebP: %.40q", what, file)
	}
	for _, trace := range []string{"Exif", "EXIF", "GPS", "ICC", "profile", "Alice", "XMP"} {
		if bytes.Contains(file, []byte(trace)) {
			t.Errorf("%s holds %q", what, trace)
		}
	}
}
