package adversary

import (
	"encoding/json"
	"fmt"
	"io/fs"
	"net/http"
	"path/filepath"
	"strings"

	"horde/api"
)

var storage = []class{
	{name: "answers/inline images of any size", attack: inlineResults},
	{name: "disk/uploads to every link", attack: fillDisk},
	{name: "disk/a delivered image is replaced", attack: replaceDelivered},
}

const (
	largestUpload = 32 << 20
	diskBound     = 256 << 20 // bytes that one stranger may take
	attackerOffer = `{"name":%q,"models":["Deliberate"],"bridge_agent":"AI Horde Worker reGen:13:x","max_pixels":4194304}`
)

// pop takes a job of the attackers' model; nil: there was none.
func (x *attackers) pop(client *http.Client, key, worker string) *api.ImageJob {
	got := x.send(client, http.MethodPost, "/api/v2/generate/pop", key, fmt.Sprintf(attackerOffer, worker))
	var job api.ImageJob
	if got.status != http.StatusOK || json.Unmarshal([]byte(got.body), &job) != nil || job.ID == nil {
		return nil
	}
	return &job
}

// ask enters a request for the attackers' model and returns its id, or "".
func (x *attackers) ask(client *http.Client, key, members string) string {
	body := `{"prompt":"x","models":["Deliberate"],` + members + `}`
	return idOf(x.send(client, http.MethodPost, "/api/v2/generate/async", key, body))
}

// idOf is the id of the request that an answer accepted, or "".
func idOf(got answer) string {
	var accepted api.Accepted
	_ = json.Unmarshal([]byte(got.body), &accepted)
	return accepted.ID
}

// deliver submits a job, saying that its image was uploaded.
func (x *attackers) deliver(client *http.Client, key string, job *api.ImageJob) answer {
	body := fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *job.ID)
	return x.send(client, http.MethodPost, "/api/v2/generate/submit", key, body)
}

// upload sends bytes to a link.
func (x *attackers) upload(client *http.Client, link string, size int) answer {
	x.calls.Add(1)
	return exchange(client, http.MethodPut, link, "", strings.NewReader(strings.Repeat("RIFF", size/4)))
}

// inlineResults delivers the largest results that links take and has them put into the
// answer, all at once and behind a mask that leaves them out.
func inlineResults(a *arena) {
	client := from(attackerAddress)
	key := makeUser(a.T, client, a.url, "owner", true)
	id := a.ask(client, key, `"r2":false,"params":{"n":6,"width":64,"height":64,"steps":1}`)
	for range 6 {
		job := a.pop(client, key, "attacker")
		if job == nil {
			break
		}
		if job.R2Upload != nil {
			a.upload(client, *job.R2Upload, largestUpload)
		}
		a.deliver(client, key, job)
	}

	a.together(4, a.length(), func(client *http.Client, i int) {
		mask := []string{"", "{done}"}[i%2]
		a.send(client, http.MethodGet, "/api/v2/generate/status/"+id, "", "", "X-Fields", mask)
	})
}

// onDisk is what the program's folder holds, in bytes.
func (a *arena) onDisk() (n int64) {
	_ = filepath.WalkDir(a.srv.Data, func(_ string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return nil // gone meanwhile
		}
		if info, err := d.Info(); err == nil {
			n += info.Size()
		}
		return nil
	})
	return n
}

// fillDisk asks anonymously, takes the jobs with fresh workers, and uploads as much as
// every link takes.
func fillDisk(a *arena) {
	before := a.onDisk()
	owner := makeUser(a.T, from(attackerAddress), a.url, "owner", false)
	a.together(4, 2*a.length(), func(client *http.Client, i int) {
		id := a.ask(client, anonymous, `"params":{"n":20,"width":64,"height":64,"steps":1}`)
		for range 20 {
			job := a.pop(client, owner, "attacker")
			if job == nil {
				break
			}
			if job.R2Upload != nil {
				a.upload(client, *job.R2Upload, largestUpload)
			}
		}
		if id != "" {
			a.send(client, http.MethodDelete, "/api/v2/generate/status/"+id, "", "")
		}
	})
	if grown := a.onDisk() - before; grown > diskBound {
		a.fault("%d MiB on disk", grown>>20)
	}
}

// replaceDelivered uploads to a link whose image was delivered: what a requester was
// given stays what it is.
func replaceDelivered(a *arena) {
	client := from(attackerAddress)
	key := makeUser(a.T, client, a.url, "owner", true)
	if a.ask(client, key, `"params":{"width":64,"height":64,"steps":1}`) == "" {
		a.fault("the request was refused")
		return
	}
	job := a.pop(client, key, "attacker")
	if job == nil || job.R2Upload == nil {
		a.fault("there is no job with a link")
		return
	}

	if got := a.upload(client, *job.R2Upload, 1000); got.status != http.StatusOK {
		a.fault("the upload: %d %s", got.status, got.body)
	}
	a.deliver(client, key, job)
	if got := a.upload(client, *job.R2Upload, 2000); got.status < 400 {
		a.fault("a delivered image was replaced: %d", got.status)
	}
}
