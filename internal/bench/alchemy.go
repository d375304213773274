package bench

import (
	"bytes"
	"encoding/base64"
	"image"
	"image/png"
	"strconv"
)

// benchForm is the form that alchemy requests of a run ask for. Its payload carries
// the mark.
const benchForm = "describe"

var (
	keyMark   = newKey("mark")
	keyForm   = newKey("form")
	keySource = newKey("source_image")
	keyResult = newKey("result")
)

// formsBody is the request of a cycle: one form for a 64 × 64 image, the smallest size
// that the API generates.
var formsBody = func() string {
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 64))); err != nil {
		panic(err) // into memory
	}
	return `{"forms":[{"name":"` + benchForm + `","payload":{"mark":"` + emptyMark + `"}}],"source_image":"` +
		base64.StdEncoding.EncodeToString(b.Bytes()) + `"}`
}()

// formsPopBody is an alchemist's pop.
func formsPopBody(worker string) string {
	return `{"name":` + strconv.Quote(worker) + `,"forms":["` + benchForm + `"],"bridge_agent":"` + bridgeAgent +
		`","threads":1,"amount":1,"max_tiles":256}`
}

// formResult is what alchemists claim to have found; the status must show it.
const formResult = "horde bench"

const formsSubmitBody = `{"id":"` + noID + `","result":{"` + benchForm + `":"` + formResult + `"},"state":"ok"}`

var formWork = work{
	path:    "/interrogate",
	worker:  "bench alchemist",
	request: func(string) string { return formsBody },
	pop:     func(worker, _ string) string { return formsPopBody(worker) },
	submit:  formsSubmitBody,
	verify:  (*client).verifyForm,
	mark:    keyMark,
	fits: func(_ string, job, _ []byte) bool {
		return string(keyForm.text(job)) == benchForm && len(keySource.text(job)) > 0
	},
}

func (cl *client) verifyForm(*delivery) bool {
	began := cl.rec.now()
	status, body, err := cl.conn.do(cl.status.with(cl.id[:]))
	cl.rec.took(callStatus, began, cl.rec.now())
	if cl.refused("status", status, 200, body, err) {
		return false
	}

	delivered := string(keyState.text(body)) == "done" && string(keyForm.text(body)) == benchForm &&
		bytes.Contains(keyResult.value(body), []byte(formResult))
	if !delivered {
		cl.rec.fault("status: the form or its result is not that of the delivery")
		return false
	}
	return true
}
