package bench

import (
	"bytes"
	"fmt"
	"strconv"
)

// agent is the name of the clients.
const agent = "horde-bench:1:https://example.invalid/horde-bench"

// Bridge agents that every horde knows and hands work to.
const (
	bridgeAgent = "AI Horde Worker reGen:13.0.0:horde-bench"
	scribeAgent = "AI Horde Worker:24:horde-bench"
)

// request makes the bytes of a request. An empty body sends none.
func (t target) request(method, path, apikey, body string) []byte {
	b := fmt.Appendf(nil, "%s %s/api/v2%s HTTP/1.1\r\nHost: %s\r\nClient-Agent: %s\r\n",
		method, t.path, path, t.host, agent)
	if apikey != "" {
		b = fmt.Appendf(b, "apikey: %s\r\n", apikey)
	}
	if body != "" {
		b = fmt.Appendf(b, "Content-Type: application/json\r\nContent-Length: %d\r\n", len(body))
	}
	return append(append(b, "\r\n"...), body...)
}

// template is a request of which a part is replaced before each sending.
type template struct {
	bytes []byte
	at    int // where the part begins
	size  int
}

// newTemplate makes a request of which part is replaced. It must occur once.
func (t target) newTemplate(method, path, apikey, body, part string) template {
	b := t.request(method, path, apikey, body)
	for i := 0; i+len(part) <= len(b); i++ {
		if string(b[i:i+len(part)]) == part {
			return template{b, i, len(part)}
		}
	}
	panic("bench: the part to replace is not in the request")
}

// with writes the part; it must have the size of the one the template was made with.
func (f template) with(part []byte) []byte {
	copy(f.bytes[f.at:f.at+f.size], part)
	return f.bytes
}

// noID stands where an id will be.
const noID = "00000000-0000-0000-0000-000000000000"

// A mark tells the requests of a run apart: it is in the prompt, comes back with the
// job, and names the run, the client and the client's cycle.
const (
	markSize  = 8 + 1 + 5 + 1 + 12
	clientAt  = 9
	numberAt  = 15
	emptyMark = "00000000 00000 000000000000"
)

// putMark writes the mark of a cycle.
func putMark(dst []byte, run string, client, number uint64) {
	copy(dst, run)
	dst[8], dst[14] = ' ', ' '
	putNumber(dst[clientAt:clientAt+5], client)
	putNumber(dst[numberAt:markSize], number)
}

func putNumber(dst []byte, v uint64) {
	for i := len(dst) - 1; i >= 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
}

// readMark reads a mark of this run.
func readMark(mark []byte, run string) (client, number uint64, ok bool) {
	if len(mark) != markSize || string(mark[:8]) != run {
		return 0, 0, false
	}
	client, err := strconv.ParseUint(string(mark[clientAt:clientAt+5]), 10, 64)
	if err != nil {
		return 0, 0, false
	}
	number, err = strconv.ParseUint(string(mark[numberAt:]), 10, 64)
	return client, number, err == nil
}

// work is what a run requests, and how that is requested, served and recognised.
type work struct {
	path     string                    // of its routes
	worker   string                    // what its workers are called, before a number
	model    string                    // requested and served where none is named
	request  func(model string) string // the body of a request
	pop      func(worker, model string) string
	submit   string
	hasCheck bool // there is a route that only says how far a request is
	// result says what is wrong with the result in a status, "" if nothing.
	result func(status []byte, job []byte) string
	verify func(c *client, d *delivery) bool       // checks the result of a request
	mark   key                                     // of the member of a job that holds the mark
	fits   func(model string, job, id []byte) bool // whether a job is what was requested
}

func fitsGeneration(model string, job, id []byte) bool {
	return string(keyModel.text(job)) == model && bytes.Contains(keyIDs.value(job), id)
}

var imageWork = work{
	path:     "/generate",
	worker:   "bench dreamer",
	model:    "stable_diffusion",
	request:  imageBody,
	pop:      popBody,
	submit:   submitBody,
	hasCheck: true,
	verify:   (*client).verifyGeneration,
	mark:     keyPrompt,
	fits:     fitsGeneration,
	result: func(status, job []byte) string {
		switch {
		case !bytes.Equal(keyID.id(status), job):
			return "the image is not that of the delivered job"
		case string(keySeed.text(status)) != workSeed:
			return "the image has another seed"
		}
		return ""
	},
}

var textWork = work{
	path:   "/generate/text",
	worker: "bench dreamer",
	model:  "koboldcpp/Marx-3B-V3",
	verify: (*client).verifyGeneration,
	mark:   keyPrompt,
	fits:   fitsGeneration,
	request: func(model string) string {
		return `{"prompt":"` + emptyMark + `","params":{"max_length":16,"max_context_length":80,"n":1},"models":[` +
			strconv.Quote(model) + `]}`
	},
	pop: func(worker, model string) string {
		return `{"name":` + strconv.Quote(worker) + `,"models":[` + strconv.Quote(model) + `],"bridge_agent":"` +
			scribeAgent + `","max_length":512,"max_context_length":4096,"threads":1,"amount":1}`
	},
	submit: `{"id":"` + noID + `","generation":"` + workText + `","state":"ok","seed":` + workSeed + `}`,
	result: func(status, _ []byte) string {
		switch {
		case string(keyText.text(status)) != workText:
			return "the text differs"
		case !keySeed.is(status, workSeed):
			return "the text has another seed"
		}
		return ""
	},
}

// workText is the text that workers deliver.
const workText = "Once upon a time there was a horde that wrote a text in no time."

// imageBody is the request of a cycle: the smallest image that the API allows.
func imageBody(model string) string {
	return `{"prompt":"` + emptyMark + `","params":{"width":64,"height":64,"steps":4,"n":1},"models":[` +
		strconv.Quote(model) + `],"r2":true}`
}

// popBody is a worker's pop.
func popBody(worker, model string) string {
	return `{"name":` + strconv.Quote(worker) + `,"models":[` + strconv.Quote(model) + `],"bridge_agent":"` +
		bridgeAgent + `","max_pixels":4194304,"nsfw":true,"threads":1,"amount":1,"allow_img2img":true,"allow_painting":true,` +
		`"allow_post_processing":true,"allow_controlnet":true,"allow_lora":true}`
}

// workSeed is the seed that workers claim to have used; the status must show it.
const workSeed = "123456789"

const submitBody = `{"id":"` + noID + `","generation":"R2","state":"ok","seed":` + workSeed + `,"gen_metadata":[]}`
