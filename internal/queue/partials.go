package queue

import (
	"container/list"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"unicode"

	"horde/api"
	"horde/internal/horde"
)

// Bounds of what reports from inside jobs show of their results, in bytes.
const (
	maxPreview         = 64 << 10 // of the image itself
	maxPartials        = 32 << 20 // in all
	maxPartialsPerUser = 4 << 20  // of the requests of one account
	partialOverhead    = 1 << 10  // what keeping one takes, besides its text and preview
)

// previewTypes are the formats in which a preview may come.
var previewTypes = []string{"image/jpeg", "image/png", "image/webp"}

// isPreview reports whether a text is a small image of a known format in base64.
func isPreview(text string) bool {
	if len(text) > base64.StdEncoding.EncodedLen(maxPreview) || strings.ContainsAny(text, "\r\n") {
		return false
	}
	data, err := base64.StdEncoding.DecodeString(text)
	return err == nil && len(data) <= maxPreview && slices.Contains(previewTypes, http.DetectContentType(data))
}

// printable is a text without control characters, of which JSON makes six bytes each.
func printable(text string) string {
	return strings.Map(func(c rune) rune {
		if unicode.IsControl(c) && c != '\n' && c != '\t' {
			return -1
		}
		return c
	}, text)
}

// partials holds the previews and the texts so far of jobs that somebody follows. Where
// they are too large together, the oldest go: the next report brings newer ones.
type partials struct {
	most, perUser int64 // bytes

	mu     sync.Mutex
	used   int64                          // bytes; guarded by mu
	order  list.List                      // of *partial, oldest first; guarded by mu
	users  map[horde.UserID]*userPartials // guarded by mu
	byJobs map[string]map[string]*partial // by request id and job id; guarded by mu
}

// userPartials is what the requests of one account take of partials.
type userPartials struct {
	used  int64     // bytes
	order list.List // of *partial, oldest first
}

// partial is what the last report of a job showed of its result.
type partial struct {
	user          horde.UserID // who asked
	request, job  string
	text, preview string
	inAll, inUser *list.Element
}

func newPartials() *partials {
	return &partials{
		most:    maxPartials,
		perUser: maxPartialsPerUser,
		users:   map[horde.UserID]*userPartials{},
		byJobs:  map[string]map[string]*partial{},
	}
}

func (p *partial) size() int64 { return partialOverhead + int64(len(p.text)+len(p.preview)) }

// put keeps what a report shows, in place of what an earlier one of the job did.
func (s *partials) put(user horde.UserID, request, job string, r api.Progress) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if old := s.byJobs[request][job]; old != nil {
		s.removeLocked(old)
	}
	if r.Text == "" && r.Preview == "" {
		return
	}

	p := &partial{user: user, request: request, job: job, text: r.Text, preview: r.Preview}
	u := s.users[user]
	if u == nil {
		u = &userPartials{}
		s.users[user] = u
	}
	if s.byJobs[request] == nil {
		s.byJobs[request] = map[string]*partial{}
	}
	s.byJobs[request][job] = p
	p.inAll, p.inUser = s.order.PushBack(p), u.order.PushBack(p)
	s.used += p.size()
	u.used += p.size()

	for u.used > s.perUser {
		s.removeLocked(u.order.Front().Value.(*partial))
	}
	for s.used > s.most {
		s.removeLocked(s.order.Front().Value.(*partial))
	}
}

// removeLocked forgets what was shown of a job.
func (s *partials) removeLocked(p *partial) {
	s.order.Remove(p.inAll)
	s.used -= p.size()
	u := s.users[p.user]
	u.order.Remove(p.inUser)
	if u.used -= p.size(); u.order.Len() == 0 {
		delete(s.users, p.user)
	}

	delete(s.byJobs[p.request], p.job)
	if len(s.byJobs[p.request]) == 0 {
		delete(s.byJobs, p.request)
	}
}

// of returns what is shown of a job, nothing where it is not kept.
func (s *partials) of(request, job string) (text, preview string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byJobs[request][job]; p != nil {
		return p.text, p.preview
	}
	return "", ""
}

// forgetJob forgets what is shown of a job that is over.
func (s *partials) forgetJob(request, job string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.byJobs[request][job]; p != nil {
		s.removeLocked(p)
	}
}

// forget forgets what is shown of a request, which nobody follows any more.
func (s *partials) forget(request string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, p := range s.byJobs[request] {
		s.removeLocked(p)
	}
}
