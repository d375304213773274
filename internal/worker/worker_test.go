package worker

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"code.dny.dev/ssrf"
	"github.com/google/go-cmp/cmp"

	"horde/api"
	"horde/client"
	"horde/engine"
	"horde/engine/sketch"
	"horde/internal/imaging"
)

// bubble runs a test in its own time.
func bubble(t *testing.T, f func(t *testing.T, h *fakeHorde)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { f(t, newFake(t)) })
}

func TestJobFromPopToSubmit(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.add("job", sketch.ModelName, 2, nil)
		r := start(t, h, sketch.New(), nil)
		h.until(2)
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}

		bySubmit := map[string]api.ImageSubmit{}
		for _, s := range h.submits {
			bySubmit[s.ID] = s
		}

		for i, id := range []string{"job-0", "job-1"} {
			s := bySubmit[id]
			if s.Generation != "R2" || s.State != "ok" || s.Seed != 42+int64(i) {
				t.Errorf("submit %+v", s)
			}
			if len(s.GenMetadata) == 0 || s.GenMetadata[0] != (api.GenMetadatum{
				Type:  "batch_index",
				Value: "see_ref",
				Ref:   string(rune('0' + i)),
			}) {
				t.Errorf("metadata %+v", s.GenMetadata)
			}
			img, format, err := imaging.Decode(t.Context(), h.uploads["/blob/"+id], imaging.SourceLimits)
			if err != nil || format != "webp" || img.Bounds().Dx() != 64 {
				t.Errorf("upload of %s: %s, %v", id, format, err)
			}
		}

		o := h.offers[0]
		if o.BridgeAgent != "Horde Worker:"+api.Version+":"+api.Repository || o.Name != "dreamer" || !*o.NSFW ||
			*o.Threads != 1 {
			t.Errorf("offer %+v", o)
		}
		if diff := cmp.Diff([]string{sketch.ModelName}, o.Models); diff != "" {
			t.Error(diff)
		}
	})
}

func TestAnImageWithoutALinkIsSentInline(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.add("job", "fake", 1, func(j *api.ImageJob) { j.R2Upload, j.R2Uploads = nil, nil })
		r := start(t, h, &fakeEngine{}, nil)
		h.until(1)
		r.stop()
		if _, format, err := imaging.DecodeBase64(t.Context(), h.submits[0].Generation, imaging.SourceLimits); err != nil ||
			format != "webp" {
			t.Errorf("generation %.40q: %v", h.submits[0].Generation, err)
		}
		if len(h.submits[0].GenMetadata) != 0 {
			t.Errorf("metadata %v of a single image", h.submits[0].GenMetadata)
		}
	})
}

func pngFile(t *testing.T) []byte {
	img := image.NewNRGBA(image.Rect(0, 0, 64, 64))
	img.Set(1, 1, color.NRGBA{255, 0, 0, 255})
	var b bytes.Buffer
	if err := png.Encode(&b, img); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestSourceImagesAreFetchedOrFaulted(t *testing.T) {
	file := pngFile(t)
	for _, tc := range []struct {
		name             string
		source, mask     string
		faulted          bool
		remarks          []api.GenMetadatum
		generated, masks bool // with a source, with a mask
	}{
		{name: "base64", source: base64.StdEncoding.EncodeToString(file), generated: true},
		{
			name:      "link and mask",
			source:    "http://horde.localhost/blob/src",
			mask:      "http://horde.localhost/blob/src",
			generated: true,
			masks:     true,
		},
		{
			name:    "broken image",
			source:  "http://horde.localhost/blob/broken",
			remarks: []api.GenMetadatum{{Type: "source_image", Value: "parse_failed"}},
		},
		{name: "no base64", source: "?", remarks: []api.GenMetadatum{{Type: "source_image", Value: "parse_failed"}}},
		{
			name:    "no such link",
			source:  "http://horde.localhost/blob/gone",
			faulted: true,
			remarks: []api.GenMetadatum{{Type: "source_image", Value: "download_failed"}},
		},
		{
			name:    "no such mask",
			source:  "http://horde.localhost/blob/src",
			mask:    "http://horde.localhost/blob/gone",
			faulted: true,
			remarks: []api.GenMetadatum{{Type: "source_mask", Value: "download_failed"}},
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *fakeHorde) {
				h.uploads["/blob/src"], h.uploads["/blob/broken"] = file, file[:20]
				h.add("job", "fake", 1, func(j *api.ImageJob) {
					j.SourceImage = &tc.source
					if tc.mask != "" {
						j.SourceMask = &tc.mask
					}
				})

				e := &fakeEngine{}
				r := start(t, h, e, nil)
				h.until(1)
				r.stop()
				s := h.submits[0]
				if (s.State == "faulted") != tc.faulted || (tc.faulted && (s.Seed != -1 || s.Generation != "faulted")) {
					t.Errorf("submit %+v", s)
				}
				if diff := cmp.Diff(tc.remarks, s.GenMetadata); diff != "" {
					t.Error(diff)
				}
				if !tc.faulted && ((e.jobs[0].Source != nil) != tc.generated || (e.jobs[0].Mask != nil) != tc.masks) {
					t.Errorf("generated with source %v, mask %v", e.jobs[0].Source != nil, e.jobs[0].Mask != nil)
				}
			})
		})
	}
}

// TestSourcesAreSeenAsMeant: engines get source image and mask the right way up, from
// hordes that leave EXIF in them too.
func TestSourcesAreSeenAsMeant(t *testing.T) {
	var b bytes.Buffer
	if err := jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 32)), nil); err != nil {
		t.Fatal(err)
	}

	// exif is a header that says "turn clockwise" (6).
	const exif = "\xff\xe1\x00\x22Exif\x00\x00MM\x00*" +
		"\x00\x00\x00\x08\x00\x01\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00\x00\x00\x00\x00"
	file := slices.Concat(b.Bytes()[:2], []byte(exif), b.Bytes()[2:])
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.uploads["/blob/src"] = file
		h.add("job", "fake", 1, func(j *api.ImageJob) {
			inline, link := base64.StdEncoding.EncodeToString(file), "http://horde.localhost/blob/src"
			j.SourceImage, j.SourceMask = &inline, &link
		})
		e := &fakeEngine{}
		r := start(t, h, e, nil)
		h.until(1)
		r.stop()
		job, want := e.jobs[0], image.Rect(0, 0, 32, 64)
		if job.Source == nil || job.Mask == nil {
			t.Fatal("a source was left out")
		}
		if job.Source.Bounds() != want || job.Mask.Bounds() != want {
			t.Errorf("source %v, mask %v; want both %v", job.Source.Bounds(), job.Mask.Bounds(), want)
		}
	})
}

func TestEveryFailureIsFaultedAtOnce(t *testing.T) {
	for _, tc := range []struct {
		name   string
		do     func(context.Context, engine.ImageJob, engine.ImageHooks) error
		model  string
		change func(*api.ImageJob)
		reason string
		within time.Duration
	}{
		{name: "error", reason: "engine", within: time.Second,
			do: func(context.Context, engine.ImageJob, engine.ImageHooks) error { return errors.New("out of memory") }},
		{name: "panic", reason: "engine", within: time.Second,
			do: func(context.Context, engine.ImageJob, engine.ImageHooks) error { panic("index out of range") }},
		{name: "no image", reason: "engine", within: time.Second,
			do: func(context.Context, engine.ImageJob, engine.ImageHooks) error { return nil }},
		{name: "standing still", reason: "stalled", within: 91 * time.Second,
			do: func(ctx context.Context, _ engine.ImageJob, h engine.ImageHooks) error {
				<-ctx.Done()
				return ctx.Err()
			}},
		{name: "slow", reason: "deadline", within: 136 * time.Second,
			do: func(ctx context.Context, _ engine.ImageJob, h engine.ImageHooks) error {
				for i := 1; ; i++ {
					h.Progress(0, engine.ImageProgress{Step: i, Steps: 1000})
					if !sleep(ctx, 10*time.Second) {
						return ctx.Err()
					}
				}
			}},
		{name: "a model never offered", model: "other", reason: "order", within: time.Second},
		{name: "a size never offered", reason: "order", within: time.Second,
			change: func(j *api.ImageJob) { j.Payload.Width, j.Payload.Height = 2048, 2048 }},
		{name: "a size that is none", reason: "order", within: time.Second,
			change: func(j *api.ImageJob) { j.Payload.Width = -64 }},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *fakeHorde) {
				model := "fake"
				if tc.model != "" {
					model = tc.model
				}

				began := time.Now()
				h.add("job", model, 2, tc.change)
				r := start(t, h, &fakeEngine{do: tc.do}, nil)
				h.until(2)
				if took := time.Since(began); took > tc.within {
					t.Errorf("faulted after %v", took)
				}

				r.stop()
				if diff := cmp.Diff(map[string]int{"job-0 faulted": 1, "job-1 faulted": 1}, h.delivered()); diff != "" {
					t.Error(diff)
				}

				if r.faults(tc.reason) != 2 {
					t.Errorf("faults by %q: %d", tc.reason, r.faults(tc.reason))
				}
			})
		})
	}
}

func TestAHalfDoneBatchKeepsItsFirstHalf(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.add("job", "fake", 3, nil)
		r := start(t, h, &fakeEngine{do: func(_ context.Context, job engine.ImageJob, hooks engine.ImageHooks) error {
			job.Payload.N = 2
			paintAll(job, hooks)
			return errors.New("the third fails")
		}}, nil)

		h.until(3)
		r.stop()
		if diff := cmp.Diff(map[string]int{"job-0 ok": 1, "job-1 ok": 1, "job-2 faulted": 1}, h.delivered()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestProgressIsReportedNowAndThen(t *testing.T) {
	generate := func(ctx context.Context, job engine.ImageJob, hooks engine.ImageHooks) error {
		for step := range 100 { // 100 steps in 5 s
			shown := image.NewNRGBA(image.Rect(0, 0, 512, 256))
			hooks.Progress(0, engine.ImageProgress{Step: step + 1, Steps: 100, Preview: shown})
			if !sleep(ctx, 50*time.Millisecond) {
				return ctx.Err()
			}
		}
		return paintAll(job, hooks)
	}

	t.Run("at most four a second", func(t *testing.T) {
		bubble(t, func(t *testing.T, h *fakeHorde) {
			h.add("job", "fake", 1, nil)
			r := start(t, h, &fakeEngine{do: generate}, nil)
			h.until(1)
			r.stop()
			if n := len(h.progress); n < 15 || n > 21 {
				t.Errorf("%d reports in 5 s", n)
			}
			b, err := base64.StdEncoding.DecodeString(h.progress[0].Preview)
			if err != nil || len(h.progress[0].Preview) > maxPreview {
				t.Fatal(err)
			}
			if cfg, err := jpeg.DecodeConfig(bytes.NewReader(b)); err != nil || cfg.Width != 128 || cfg.Height != 64 {
				t.Errorf("preview %dx%d, %v", cfg.Width, cfg.Height, err)
			}
		})
	})

	t.Run("a slow server does not slow the job", func(t *testing.T) {
		bubble(t, func(t *testing.T, h *fakeHorde) {
			h.onProgress = func(int, http.ResponseWriter) bool { time.Sleep(time.Hour); return true }
			h.add("job", "fake", 1, func(j *api.ImageJob) { j.R2Uploads, j.R2Upload = nil, nil })
			began := time.Now()
			var generated atomic.Int64 // nanoseconds
			e := &fakeEngine{}

			e.do = func(ctx context.Context, job engine.ImageJob, hooks engine.ImageHooks) error {
				err := generate(ctx, job, hooks)
				generated.Store(int64(time.Since(began)))
				return err
			}

			r := start(t, h, e, nil)
			time.Sleep(10 * time.Second)
			if took := time.Duration(generated.Load()); took != 5*time.Second {
				t.Errorf("generated in %v", took)
			}
			r.Abort()
			r.stop()
			time.Sleep(2 * time.Hour) // let the server go
		})
	})

	t.Run("a horde without it is not asked again", func(t *testing.T) {
		bubble(t, func(t *testing.T, h *fakeHorde) {
			h.onProgress = func(_ int, w http.ResponseWriter) bool { return page(w, 404) }
			h.add("a", "fake", 1, nil)
			h.add("b", "fake", 1, nil)
			r := start(t, h, &fakeEngine{do: generate}, nil)
			h.until(2)
			r.stop()
			if h.nProgress != 1 {
				t.Errorf("%d reports", h.nProgress)
			}
		})
	})

	t.Run("a job nobody wants is stopped", func(t *testing.T) {
		bubble(t, func(t *testing.T, h *fakeHorde) {
			h.onProgress = func(n int, w http.ResponseWriter) bool { return n == 4 && refuse(w, 410, "AbortedGen", "gone") }
			h.onSubmit = func(_ int, _ api.ImageSubmit, w http.ResponseWriter) bool {
				return refuse(w, 404, "InvalidJobID", "Processing Job with ID job-0 does not exist.")
			}
			h.add("job", "fake", 1, nil)
			began := time.Now()
			r := start(t, h, &fakeEngine{do: generate}, nil)
			h.until(1)
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("stopped after %v", took)
			}
			r.stop()
			if diff := cmp.Diff(map[string]int{"job-0 faulted": 1}, h.delivered()); diff != "" || r.faults("unwanted") != 1 {
				t.Errorf("%s; unwanted: %d", diff, r.faults("unwanted"))
			}
		})
	})
}

func TestUploadIsTriedAgain(t *testing.T) {
	for _, tc := range []struct {
		failures, uploads int
		state             string
	}{{3, 4, "ok"}, {100, 10, "faulted"}} {
		bubble(t, func(t *testing.T, h *fakeHorde) {
			h.onUpload = func(n int, w http.ResponseWriter) bool { return n <= tc.failures && page(w, 503) }
			h.add("job", "fake", 1, nil)
			r := start(t, h, &fakeEngine{}, nil)
			h.until(1)
			r.stop()
			if h.nUploads != tc.uploads || h.submits[0].State != tc.state {
				t.Errorf("%d uploads, then %q", h.nUploads, h.submits[0].State)
			}
		})
	}
}

func TestASubmitIsRepeatedUntilItIsAnswered(t *testing.T) {
	type answers = func(n int, s api.ImageSubmit, w http.ResponseWriter) bool
	always := func(status int, rc, message string) answers {
		return func(_ int, _ api.ImageSubmit, w http.ResponseWriter) bool { return refuse(w, status, rc, message) }
	}
	for _, tc := range []struct {
		name    string
		answers answers
		want    map[string]int
	}{
		{"passing failure", func(n int, _ api.ImageSubmit, w http.ResponseWriter) bool { return n <= 3 && page(w, 502) },
			map[string]int{"job-0 ok": 4}},
		{"over the limit", func(n int, _ api.ImageSubmit, w http.ResponseWriter) bool {
			return n <= 2 && refuse(w, 429, "", "2 per 1 second")
		}, map[string]int{"job-0 ok": 3}},
		{"unknown job", always(404, "",
			"Processing Job with ID job-0 does not exist. You have requested this URI but did you mean /x ?"),
			map[string]int{"job-0 ok": 1}},
		{"delivered before", always(400, "", "Processing Generation with ID job-0 already submitted."),
			map[string]int{"job-0 ok": 1}},
		{"taken away", always(400, "", "This was aborted. Please check your worker speed"), map[string]int{"job-0 ok": 1}},
		{"refused for good", func(_ int, s api.ImageSubmit, w http.ResponseWriter) bool {
			return s.State == "ok" && refuse(w, 400, "BadRequest", "too many gen_metadata")
		}, map[string]int{"job-0 ok": 1, "job-0 faulted": 1}},
		{"an address that is not ready",
			func(n int, _ api.ImageSubmit, w http.ResponseWriter) bool { return n <= 2 && page(w, 404) },
			map[string]int{"job-0 ok": 3}},
		{"a server that stays broken",
			func(_ int, s api.ImageSubmit, w http.ResponseWriter) bool { return s.State == "ok" && page(w, 500) },
			map[string]int{"job-0 ok": 10, "job-0 faulted": 1}},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *fakeHorde) {
				h.onSubmit = tc.answers
				h.add("job", "fake", 1, func(j *api.ImageJob) { ttl := 3600; j.TTL = &ttl })
				r := start(t, h, &fakeEngine{}, nil)
				time.Sleep(30 * time.Minute)
				r.stop()
				if diff := cmp.Diff(tc.want, h.delivered()); diff != "" {
					t.Error(diff)
				}
			})
		})
	}

	t.Run("an answer that got lost", func(t *testing.T) {
		bubble(t, func(t *testing.T, h *fakeHorde) {
			h.onSubmit = func(n int, _ api.ImageSubmit, w http.ResponseWriter) bool {
				if n == 1 {
					return page(w, 504)
				}
				return refuse(w, 400, "DuplicateGen", "already submitted")
			}

			h.add("job", "fake", 1, nil)
			r := start(t, h, &fakeEngine{}, nil)
			h.until(2)
			r.stop()
			if r.done.Load() != 1 || r.faults("late") != 0 {
				t.Errorf("done %d, late %d", r.done.Load(), r.faults("late"))
			}
		})
	})
}

func TestTheFirstSignalFinishesTheSecondGivesUp(t *testing.T) {
	slow := func(ctx context.Context, job engine.ImageJob, hooks engine.ImageHooks) error {
		if !sleep(ctx, 30*time.Second) {
			return ctx.Err()
		}
		return paintAll(job, hooks)
	}

	t.Run("first signal finishes", func(t *testing.T) {
		bubble(t, func(t *testing.T, h *fakeHorde) {
			h.add("a", "fake", 1, nil)
			h.add("b", "fake", 1, nil)
			r := start(t, h, &fakeEngine{do: slow}, nil)
			time.Sleep(5 * time.Second)
			h.add("later", "fake", 1, nil)
			began := time.Now()
			if err := r.stop(); err != nil {
				t.Error(err)
			}

			if diff := cmp.Diff(map[string]int{"a-0 ok": 1}, h.delivered()); diff != "" {
				t.Error(diff)
			}
			if took := time.Since(began); took < 24*time.Second || took > 27*time.Second {
				t.Errorf("took %v", took)
			}
		})
	})

	t.Run("second signal gives up", func(t *testing.T) {
		bubble(t, func(t *testing.T, h *fakeHorde) {
			h.add("a", "fake", 2, nil)
			r := start(t, h, &fakeEngine{do: slow}, nil)
			time.Sleep(5 * time.Second)
			r.drain()
			time.Sleep(time.Second)
			r.Abort()
			began := time.Now()
			if err := <-r.result; err != nil {
				t.Error(err)
			}

			if diff := cmp.Diff(map[string]int{"a-0 faulted": 1, "a-1 faulted": 1}, h.delivered()); diff != "" ||
				r.faults("aborted") != 2 {
				t.Errorf("%s; aborted %d", diff, r.faults("aborted"))
			}
			if took := time.Since(began); took > time.Second {
				t.Errorf("took %v", took)
			}
		})
	})

	t.Run("second signal with a server that is away", func(t *testing.T) {
		bubble(t, func(t *testing.T, h *fakeHorde) {
			h.onSubmit = func(_ int, _ api.ImageSubmit, w http.ResponseWriter) bool { return page(w, 502) }
			h.add("a", "fake", 1, nil)
			r := start(t, h, &fakeEngine{}, nil)
			time.Sleep(5 * time.Second)
			r.drain()
			r.Abort()
			began := time.Now()
			<-r.result
			if took := time.Since(began); took > 6*time.Second {
				t.Errorf("took %v", took)
			}
		})
	})
}

func TestHungEngineEndsTheWorker(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.add("a", "fake", 1, nil)
		free := make(chan struct{})
		hang := func(context.Context, engine.ImageJob, engine.ImageHooks) error { <-free; return nil }
		r := start(t, h, &fakeEngine{do: hang}, nil)
		if err := <-r.result; !errors.Is(err, ErrHung) {
			t.Errorf("error %v", err)
		}

		close(free)
		if diff := cmp.Diff(map[string]int{"a-0 faulted": 1}, h.delivered()); diff != "" {
			t.Error(diff)
		}
	})
}

func TestThreeEngineFailuresPause(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		for _, name := range []string{"a", "b", "c", "d"} {
			h.add(name, "fake", 1, nil)
		}
		r := start(t, h, &fakeEngine{do: func(context.Context, engine.ImageJob, engine.ImageHooks) error {
			return errors.New("no")
		}}, nil)
		h.until(4)
		r.stop()
		if pause := h.times[3].Sub(h.times[2]); pause < failurePause || h.times[2].Sub(h.times[0]) > time.Second {
			t.Errorf("paused %v after the third failure", pause)
		}
	})
}

func TestCrashedJobsAreFaultedAtTheNextStart(t *testing.T) {
	folder := t.TempDir()
	bubble(t, func(t *testing.T, h *fakeHorde) {
		j, err := openJournal(folder, "dreamer", "http://horde.localhost")
		if err != nil {
			t.Fatal(err)
		}
		if err := j.add([]string{"x-0", "x-1", "done"}, time.Now()); err != nil {
			t.Fatal(err)
		}
		j.remove("done")
		if err := j.add([]string{"old"}, time.Now().Add(-48*time.Hour)); err != nil {
			t.Fatal(err)
		}
		if _, err := openJournal(folder, "dreamer", "x"); err == nil {
			t.Error("two workers of one name in one folder")
		}
		j.close() // the crash

		r := start(t, h, &fakeEngine{}, func(c *Config) { c.Data = folder })
		h.until(2)
		if diff := cmp.Diff(map[string]int{"x-0 faulted": 1, "x-1 faulted": 1}, h.delivered()); diff != "" {
			t.Error(diff)
		}
		h.add("new", "fake", 1, nil)
		h.until(3)
		r.stop()
		if r.faults("crash") != 2 {
			t.Errorf("crash faults %d", r.faults("crash"))
		}
		j, err = openJournal(folder, "dreamer", "http://horde.localhost")
		if err != nil || len(j.left()) != 0 {
			t.Errorf("left %v, %v", j.left(), err)
		}
		j.close()
	})

	for _, file := range []string{"", "{", `{"version":7}`} {
		paths, _ := filepath.Glob(filepath.Join(folder, "worker-*.json"))
		os.WriteFile(paths[0], []byte(file), 0o600)
		j, err := openJournal(folder, "dreamer", "h")
		if err != nil || len(j.left()) != 0 {
			t.Errorf("file %q: %v", file, err)
		}
		j.close()
	}
}

func TestASeedIsANumberOrDrawn(t *testing.T) {
	for text, want := range map[string]uint64{"42": 42, "0": 0, "18446744073709551615": 1<<64 - 1} {
		if got := seed(text); got != want {
			t.Errorf("seed(%q) = %d", text, got)
		}
	}
	for _, text := range []string{"", "fox"} {
		if first, second := seed(text), seed(text); first == second {
			t.Errorf("random seeds of %q repeat: %d", text, first)
		}
	}
}

func TestAHordeIsPrivateByItsAddress(t *testing.T) {
	t.Parallel()
	for address, want := range map[string]bool{
		"http://127.0.0.1:7001": true, "http://localhost": true, "http://[::1]:7001": true, "http://192.168.1.4": true,
		"http://nas:7001": true, "https://aihorde.net": false, "https://8.8.8.8": false, "http://[2606:4700::1]": false,
	} {
		t.Run(address, func(t *testing.T) {
			if got := private(address); got != want {
				t.Errorf("private is %v", got)
			}
		})
	}
}

// The links of a horde lead to private addresses only where the horde is there itself: for
// what is read and for what is written, whether at once or by a redirect.
func TestLinksLeadToPrivateAddressesOnlyWhereTheHordeIs(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	mux := http.NewServeMux()
	mux.HandleFunc("/x", func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	secret := httptest.NewServer(mux)
	t.Cleanup(secret.Close)
	mux.HandleFunc("/redirect", func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, secret.URL+"/x", http.StatusTemporaryRedirect)
	})
	own := httptest.NewServer(mux)
	t.Cleanup(own.Close)

	byName := strings.Replace(secret.URL, "127.0.0.1", "localhost", 1)
	for name, c := range map[string]struct {
		horde, link string
		called      bool
	}{
		"a horde of this machine": {"http://127.0.0.1:1", secret.URL + "/x", true},
		"a horde of this network": {"http://horde:1", secret.URL + "/x", true},
		"a horde of the internet": {"https://horde.example.org", secret.URL + "/x", false},
		"the same by a name":      {"https://horde.example.org", byName + "/x", false},
		"the same by IPv6":        {"https://horde.example.org", "http://[::1]:9/x", false},
		"a service of a cloud":    {"https://horde.example.org", "http://169.254.169.254/x", false},
	} {
		t.Run(name, func(t *testing.T) {
			links := linkClient(client.New(c.horde, "", client.WithRetries(0)))
			before := calls.Load()
			_, downErr := links.Download(t.Context(), c.link, 10)
			upErr := links.Upload(t.Context(), c.link, []byte("image"))
			if called := calls.Load() - before; called != map[bool]int64{true: 2}[c.called] {
				t.Errorf("%d calls came through: %v, %v", called, downErr, upErr)
			}
			prohibited := errors.Is(downErr, ssrf.ErrProhibitedIP) && errors.Is(upErr, ssrf.ErrProhibitedIP)
			if prohibited == c.called {
				t.Errorf("download: %v, upload: %v", downErr, upErr)
			}
		})
	}

	t.Run("its own address redirects", func(t *testing.T) {
		// As if the horde had a name of the internet that leads here.
		links := linkClientOf(hostPort(own.URL))
		before := calls.Load()
		if err := links.Upload(t.Context(), own.URL+"/x", nil); err != nil || calls.Load() != before+1 {
			t.Errorf("the horde's own address: %v", err)
		}
		err := links.Upload(t.Context(), own.URL+"/redirect", nil)
		if !errors.Is(err, ssrf.ErrProhibitedIP) || calls.Load() != before+1 {
			t.Errorf("a redirect from there: %v", err)
		}
	})
}
