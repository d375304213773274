package training

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"math"
	"os"
	"slices"
	"strconv"
	"strings"

	"horde/internal/kudos"
)

// Job is one line of a data file: what was asked, and what it was worth.
type Job struct {
	Order   kudos.Order
	Seconds float64 // how long it took; NaN where the file has no such column
	Kudos   float64 // worth with the basis job at 11; NaN where the file has no such column
}

// Columns of a data file that say what was asked for. They may come in any order, and
// further columns are ignored.
var payloadColumns = []string{
	"width", "height", "steps", "cfg_scale", "sampler_name", "karras", "hires_fix", "source_processing",
	"source_image", "source_mask", "denoising_strength", "control_type", "control_strength", "post_processing",
}

// Columns that say what it took.
const (
	secondsColumn = "seconds"
	kudosColumn   = "kudos_basis11"
)

// Limits of a data file.
const (
	maxJobs  = 5_000_000
	maxCount = 1_000_000 // pixels of a side, steps
)

// Unread reports the lines of a data file that hold no job.
type Unread struct {
	Lines int      // how many
	First []string // what is wrong with the first of them, at most 3, each as "line 7: …"
}

// maxUnread bounds how many of the lines of a data file may hold no job, as one in this
// many: a few that were cut off or mistyped spoil nothing, a file with more is not
// what it is taken to be.
const maxUnread = 10

func (u *Unread) add(line int, err error) {
	if u.Lines++; len(u.First) < 3 {
		u.First = append(u.First, fmt.Sprintf("line %d: %v", line, err))
	}
}

// ReadJobs reads a data file: CSV with a header, plain or gzip.
//
// Booleans are True or False; post_processing joins names by "|"; control_type
// is None or empty where there is none; empty strengths count as not given.
// control_strength is what the job ran with: where a client gave only a
// denoising strength for it, that. A file needs the payload's columns and
// seconds, kudos_basis11 or both. Lines that cannot be read are skipped and
// reported; if they are more than one in ten, or the file as a whole cannot be read,
// that is an error, which names line and column.
func ReadJobs(path string) ([]Job, Unread, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, Unread{}, err
	}
	defer f.Close()

	if info, err := f.Stat(); err == nil && info.IsDir() {
		return nil, Unread{}, fmt.Errorf("%s is a folder; name a file", path)
	}

	jobs, unread, err := Parse(f)
	if err != nil {
		return nil, unread, fmt.Errorf("%s: %w", path, err)
	}
	return jobs, unread, nil
}

// Parse reads jobs as ReadJobs does.
func Parse(r io.Reader) ([]Job, Unread, error) {
	in, err := plain(r)
	if err != nil {
		return nil, Unread{}, err
	}

	c := csv.NewReader(in)
	c.ReuseRecord = true
	head, err := c.Read()
	if err != nil {
		return nil, Unread{}, fmt.Errorf("no header: %w", readable(err))
	}

	l, err := newLine(head)
	if err != nil {
		return nil, Unread{}, err
	}

	jobs, unread, err := l.jobs(c)
	if all := len(jobs) + unread.Lines; err == nil && maxUnread*unread.Lines > all {
		err = fmt.Errorf("%s (%d of %d lines cannot be read)", unread.First[0], unread.Lines, all)
	}
	if err == nil && len(jobs) == 0 {
		err = errors.New("no jobs below the header")
	}

	if err != nil {
		return nil, unread, err
	}
	return jobs, unread, nil
}

// readable explains an error that ends the reading of a file.
func readable(err error) error {
	switch {
	case errors.Is(err, io.EOF):
		return errors.New("the file is empty")
	case errors.Is(err, io.ErrUnexpectedEOF):
		return errors.New("the compressed data ends too early: the file is cut off")
	}
	return err
}

// jobs reads the lines below the header.
func (l *line) jobs(c *csv.Reader) (jobs []Job, unread Unread, err error) {
	for {
		fields, err := c.Read()
		if errors.Is(err, io.EOF) {
			return jobs, unread, nil
		}

		if len(jobs)+unread.Lines == maxJobs {
			return nil, unread, fmt.Errorf("more than %d jobs", maxJobs)
		}

		// A malformed line is skipped, with the reason.
		if bad := (*csv.ParseError)(nil); errors.As(err, &bad) {
			if errors.Is(err, csv.ErrFieldCount) {
				bad.Err = fmt.Errorf("wrong number of fields: %d, where the header has %d", len(fields), l.columns)
			}
			unread.add(bad.StartLine, bad.Err)
			continue
		}

		if err != nil {
			return nil, unread, readable(err)
		}

		l.fields, l.err = fields, nil
		if j := l.job(); l.err == nil {
			jobs = append(jobs, j)
			continue
		}
		at, _ := c.FieldPos(0)
		unread.add(at, l.err)
	}
}

// plain decompresses gzip, and passes on anything else as it is.
func plain(r io.Reader) (io.Reader, error) {
	in := bufio.NewReaderSize(r, 1<<16)
	if magic, _ := in.Peek(2); !bytes.Equal(magic, []byte{0x1f, 0x8b}) {
		return in, nil
	}
	z, err := gzip.NewReader(in)
	if err != nil {
		return nil, fmt.Errorf("gzip: %w", err)
	}
	return bufio.NewReaderSize(z, 1<<16), nil // z holds nothing that needs closing
}

// line reads the fields of one record by the names of their columns. err is the
// first that went wrong.
type line struct {
	column  map[string]int
	columns int // of the header
	fields  []string
	err     error
}

func newLine(head []string) (*line, error) {
	l := &line{column: make(map[string]int, len(head)), columns: len(head)}
	for i, name := range head {
		l.column[strings.TrimSpace(strings.TrimPrefix(name, "\ufeff"))] = i
	}

	for _, name := range payloadColumns {
		if _, ok := l.column[name]; !ok {
			return nil, fmt.Errorf("no column %q; a data file has %s, and %s or %s", name, strings.Join(payloadColumns,
				", "), secondsColumn, kudosColumn)
		}
	}

	_, s := l.column[secondsColumn]
	_, k := l.column[kudosColumn]
	if !s && !k {
		return nil, fmt.Errorf("neither a column %q nor %q", secondsColumn, kudosColumn)
	}
	return l, nil
}

func (l *line) job() Job {
	o := kudos.Order{
		Width: l.count("width"), Height: l.count("height"), Steps: l.count("steps"), Cfg: l.number("cfg_scale", 0, 1e6),
		Sampler: strings.Clone(l.text("sampler_name")), Karras: l.truth("karras"), HiresFix: l.truth("hires_fix"),
		HasSource: l.truth("source_image"), HasMask: l.truth("source_mask"),
		SourceProcessing: strings.Clone(l.text("source_processing")),
		Denoising:        l.strength("denoising_strength"), ControlStrength: l.strength("control_strength"),
		N: 1,
	}

	if c := l.text("control_type"); c != "None" {
		o.ControlType = strings.Clone(c)
	}
	if p := l.text("post_processing"); p != "" {
		o.PostProcessing = strings.Split(strings.Clone(p), "|")
	}
	return Job{Order: o, Seconds: l.worth(secondsColumn), Kudos: l.worth(kudosColumn)}
}

func (l *line) text(column string) string { return strings.TrimSpace(l.fields[l.column[column]]) }

func (l *line) fail(column, want string) {
	if l.err == nil {
		l.err = fmt.Errorf("%s is %.40q; it must be %s", column, l.text(column), want)
	}
}

func (l *line) number(column string, low, high float64) float64 {
	v, err := strconv.ParseFloat(l.text(column), 64)
	if err != nil || !(v >= low && v <= high) {
		l.fail(column, fmt.Sprintf("a number from %g to %g", low, high))
	}
	return v
}

func (l *line) count(column string) int {
	v, err := strconv.Atoi(l.text(column))
	if err != nil || v < 1 || v > maxCount {
		l.fail(column, fmt.Sprintf("a whole number from 1 to %d", maxCount))
	}
	return v
}

func (l *line) truth(column string) bool {
	v, err := strconv.ParseBool(l.text(column))
	if err != nil {
		l.fail(column, "True or False")
	}
	return v
}

func (l *line) strength(column string) *float64 {
	if l.text(column) == "" {
		return nil
	}
	v := l.number(column, 0, 1e6)
	return &v
}

func (l *line) worth(column string) float64 {
	if _, ok := l.column[column]; !ok {
		return math.NaN()
	}
	return l.number(column, 0.01, 1e9)
}

// Split reports whether a job is kept back from training with this seed: about
// share of all are. It depends only on what was asked for, without the denoising strength
// ([WithoutDenoising]), so that jobs that asked for the same are on the
// same side, whatever their order in the file.
func Split(j *Job, seed uint64, share float64) (heldOut bool) {
	h := fnv.New64a()
	o := &j.Order
	fmt.Fprint(h, seed, o.Width, o.Height, o.Steps, o.Cfg, o.Sampler, o.Karras, o.HiresFix, o.SourceProcessing,
		o.HasSource, o.HasMask, o.ControlType, strengthOf(o.ControlStrength), o.PostProcessing)
	return float64(mix(h.Sum64())>>11)/(1<<53) < share
}

// mix spreads a hash over all its bits (the finaliser of MurmurHash3).
func mix(h uint64) uint64 {
	h = (h ^ h>>33) * 0xff51afd7ed558ccd
	h = (h ^ h>>33) * 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}

func strengthOf(v *float64) float64 {
	if v == nil {
		return -1
	}
	return *v
}

// minJobsPerName is how many jobs must use a new name before it gets a place.
const minJobsPerName = 50

// VocabularyOf finds the names that need a place of their own: those in at least
// 50 of the jobs that the encoding of generation §6.1 does not know, in alphabetical order.
func VocabularyOf(jobs []Job) (kudos.Vocabulary, error) {
	known, err := kudos.NewEncoding(kudos.Vocabulary{})
	if err != nil {
		return kudos.Vocabulary{}, err
	}

	samplers, controls, posts := map[string]int{}, map[string]int{}, map[string]int{}
	for i := range jobs {
		o := &jobs[i].Order
		if s, c, _ := known.Knows(o.Sampler, o.ControlType, nil); !s || !c {
			if !s && o.Sampler != "" {
				samplers[o.Sampler]++
			}
			if !c {
				controls[o.ControlType]++
			}
		}
		for _, p := range o.PostProcessing {
			if _, _, ok := known.Knows("", "", []string{p}); !ok {
				posts[p]++
			}
		}
	}

	v := kudos.Vocabulary{Samplers: frequent(samplers), Controls: frequent(controls), PostProcessors: frequent(posts)}
	_, err = kudos.NewEncoding(v)
	return v, err
}

// frequent returns the names that enough jobs use, in alphabetical order.
func frequent(count map[string]int) []string {
	var names []string
	for name, n := range count {
		if n >= minJobsPerName {
			names = append(names, name)
		}
	}

	slices.Sort(names)
	return names
}
