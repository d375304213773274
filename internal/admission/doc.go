// Package admission decides whether a request may enter the queue and
// what exactly enters it: the checks of generation §1.4 as one ordered
// table, the defaults of §1.1 and §1.2, the warnings of §1.8, and the rule of
// §1.5 about kudos upfront with the downgrade that avoids it.
//
// [Request] is an image request, [TextRequest] one for text generation (§2.1 to §2.4); what
// both have is [Common].
//
// It is pure: no store, no network, no clock. What a check needs to know about
// the caller, the models and the server is passed in with a [Request]. Checks that
// need the store stay with the caller, who runs the table in stages and places them
// between:
//
//	r.Check(BeforeKey)            rows 3–6; then look up the key (7–10)
//	r.Normalize(caller, random)   r.Image is now what the queue would store
//	r.Check(AfterKey)             rows 11–14; then the favour of row 15
//	r.Check(Named)                rows 15 (a bound of ours) and 16; then workers exist (17)
//	r.Check(Batching)             row 18; then concurrency, addresses, filters (19–22)
//	r.Check(Content)              rows 23–58
//	r.Upfront(load)               row 59; then the source images (60)
package admission
