package api

// IPTimeout is a network address, or a range of them, that is kept out
// (platform §3.7).
type IPTimeout struct {
	IPAddr  string `json:"ipaddr"`  // 203.0.113.7, 203.0.113.0/24
	Seconds int    `json:"seconds"` // for which it still holds
}

// AddTimeoutIP is the body of POST /operations/ipaddr.
type AddTimeoutIP struct {
	IPAddr string `json:"ipaddr"`
	Hours  int    `json:"hours"` // 1 to 720
}

// DeleteTimeoutIP is the body of DELETE /operations/ipaddr.
type DeleteTimeoutIP struct {
	IPAddr string `json:"ipaddr"`
}

// AddWorkerTimeout is the body of PUT /operations/block_worker_ipaddr/{worker_id}.
type AddWorkerTimeout struct {
	Days int `json:"days"` // 1 to 30
}

// Schemas of the bodies about addresses.
var (
	AddTimeoutIPSchema = keyed(object("AddTimeoutIPInput",
		required("ipaddr", sized(7, 40, "Network address, or range as 203.0.113.0/24.")),
		required("hours", integer("1", "720", "For how many hours it is kept out.")),
	))
	DeleteTimeoutIPSchema = keyed(object("DeleteTimeoutIPInput",
		required("ipaddr", sized(7, 40, "Network address, or range as 203.0.113.0/24.")),
	))
	AddWorkerTimeoutSchema = keyed(object("AddWorkerTimeout",
		required("days", integer("1", "30", "For how many days the worker's address is kept out.")),
	))
)
