package queue

import (
	"math"

	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kinds"
)

// record is what is stored of a request besides the columns that move.
type record struct {
	Image      *admission.Image `json:"image,omitempty"` // this or Text
	Text       *admission.Text  `json:"text,omitempty"`
	Addr       string           `json:"addr,omitempty"`
	UnsafeIP   bool             `json:"unsafe_ip,omitempty"`
	Trusted    bool             `json:"trusted,omitempty"`          // the requester, at acceptance
	Price      float64          `json:"price"`                      // of one job, before any model factor
	Multiplier float64          `json:"usage_multiplier,omitempty"` // of the requester's recorded usage; 0: 1
	Held       bool             `json:"held,omitempty"`             // kudos are set aside for it
	SharedKey  string           `json:"shared_key,omitempty"`       // id of the key whose budget pays
	Promised   *horde.Kudos     `json:"promised,omitempty"`         // what the key's owner pays at most; see kudos.KeyUse
	Source     string           `json:"source,omitempty"`           // name of the source image's blob
	Mask       string           `json:"mask,omitempty"`
	Extra      []extraSource    `json:"extra,omitempty"`
	Baselines  []string         `json:"baselines,omitempty"` // of the models it names, at acceptance
	Base       string           `json:"base,omitempty"`      // how who made it reached us; with a webhook only

	common *admission.Common // of Image or Text
	size   int64             // bytes of the whole as it is stored
}

// recordOf is what is stored of what a request asks for.
func recordOf(r kinds.Described) record {
	b := r.Body()
	return record{Image: b.Image, Text: b.Text, Baselines: b.Baselines}
}

// sources are the names of the source images that workers fetch from our store.
func (r *record) sources() (names []string) {
	for _, name := range []string{r.Source, r.Mask} {
		if name != "" {
			names = append(names, name)
		}
	}
	for _, e := range r.Extra {
		names = append(names, e.Blob)
	}
	return names
}

// used is what an amount of work counts in the requester's records.
func (r *record) used(workUnits int64) int64 {
	if r.Multiplier == 0 {
		return workUnits
	}
	return int64(math.Round(float64(workUnits) * r.Multiplier))
}

// reserves reports whether anything is set aside for a request: on its payer's
// account, or on a shared key.
func (r *record) reserves() bool { return r.Held || r.SharedKey != "" }

type extraSource struct {
	Blob     string  `json:"blob"`
	Strength float64 `json:"strength"`
}
