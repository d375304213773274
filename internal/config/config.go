// Package config is the configuration of a server: one struct whose tags tell
// the command line (github.com/alecthomas/kong) every flag, the environment
// variables that set it, its default and its help.
//
// A flag overrides the environment, that the configuration file, and that
// the default. An empty variable counts as unset: call ForgetEmptyVariables
// before parsing, and Complete after it. Variables of the original server that
// mean something here are understood beside our own (platform §12.1);
// ours take precedence.
package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"horde/internal/blob"
)

// Serve is the configuration of a server. The zero value is not usable: the
// defaults are in the tags.
type Serve struct {
	Listen    string `default:"127.0.0.1:7001" env:"HORDE_LISTEN" placeholder:"HOST:PORT" help:"Where to listen (${default})."`
	Data      string `default:"./data" env:"HORDE_DATA" type:"path" placeholder:"DIR" help:"Folder of the embedded database, the images and the secrets (${default})."`
	DB        string `name:"db" env:"HORDE_DB" secret:"url" placeholder:"URL" help:"PostgreSQL, as postgres://user:password@host/database; default: SQLite in the data folder. POSTGRES_URL, POSTGRES_USER and POSTGRES_PASS are understood too."`
	PublicURL string `name:"public-url" env:"HORDE_PUBLIC_URL,HORDE_URL" placeholder:"URL" help:"Where clients and workers reach this server; links to images begin with it. Some clients demand https. Default: scheme and host of each call."`

	TrustedProxies Prefixes `env:"HORDE_TRUSTED_PROXIES" placeholder:"LIST" help:"Addresses or networks of reverse proxies whose X-Forwarded-For, -Proto and -Host, and Forwarded, are believed; default: none."`

	IPChecker string   `name:"ip-checker" env:"HORDE_IP_CHECKER,IP_CHECKER" secret:"all" placeholder:"URL" help:"Service that tells how likely an address is a VPN or proxy; {ipaddr} in it becomes the address. Default: all addresses are safe."`
	Services  Prefixes `name:"services" env:"HORDE_SERVICES" placeholder:"LIST" help:"Addresses or networks of services that call for many people: always safe, and their timeouts are short."`

	Title      string `default:"AI Horde" env:"HORDE_TITLE" help:"Name of this horde (${default})."`
	APILevel   string `name:"api-level" default:"0.28" enum:"0.28,0.29,0.30,0.32,0.33" env:"HORDE_API_LEVEL" help:"Level of the API that /api/swagger.json describes, named after the Python SDK that checks it: 0.28, 0.29, 0.30, 0.32 or 0.33 (${default}). Routes and fields work at every level."`
	Repository string `env:"HORDE_REPOSITORY" placeholder:"URL" help:"Source code of this server, which its licence obliges to offer; change it if you change the program."`

	Contact  string `env:"HORDE_CONTACT,HORDE_CONTACT_EMAIL,HORDE_EMAIL" placeholder:"TEXT" help:"How to reach who runs this horde, for the default documents."`
	Terms    string `env:"HORDE_TERMS,HORDE_HTML_TERMS" type:"path" placeholder:"FILE" help:"Terms of use, in HTML (.html) or Markdown; default: as \"horde admin documents\" set them, else a standard text."`
	Privacy  string `env:"HORDE_PRIVACY,HORDE_HTML_PRIVACY" type:"path" placeholder:"FILE" help:"Privacy notice, likewise."`
	Sponsors string `env:"HORDE_SPONSORS" type:"path" placeholder:"FILE" help:"Page of the sponsors, likewise; default: made of the patrons."`

	Admins         Names  `env:"ADMINS" placeholder:"LIST" help:"Accounts that may do everything, as a JSON list such as [\"name#1\"]; the number counts."`
	Awarders       Names  `env:"HORDE_AWARDERS" placeholder:"LIST" help:"Accounts that may award kudos, as a JSON list; default: user id 1."`
	TrustThreshold *int64 `name:"kudos-trust-threshold" env:"KUDOS_TRUST_THRESHOLD,HORDE_KUDOS_TRUST_THRESHOLD" placeholder:"N" help:"Kudos that make a worker's owner trusted; default: never by kudos."`

	KudosNet    string `name:"kudos-net" env:"HORDE_KUDOS_NET" type:"path" placeholder:"FILE" help:"Network that prices images, as \"horde kudos train\" makes one; default: the built-in one. The same on every node."`
	KudosRecord Switch `name:"kudos-record" default:"on" env:"HORDE_KUDOS_RECORD" help:"Record what finished images asked for and how long they took, to train networks on: no prompt, no user (${default})."`

	MatchedTargeting    Switch `name:"require-matched-targeting" env:"HORDE_REQUIRE_MATCHED_TARGETING" help:"Only workers that list the requester as priority user can be targeted."`
	DisableFilters      Switch `name:"disable-filters" env:"HORDE_DISABLE_FILTERS" help:"Neither refuse nor rewrite prompts. Only where everybody is known."`
	UpfrontOnWorkerlist Switch `name:"upfront-kudos-on-workerlist" env:"HORDE_UPFRONT_KUDOS_ON_WORKERLIST" help:"Requests with a worker list need the kudos up front."`

	ImageReference      string        `name:"model-reference-images" env:"HORDE_MODEL_REFERENCE_IMAGES,HORDE_IMAGE_COMPVIS_REFERENCE" placeholder:"FILE|URL" help:"List of known image models in the public format; default: the copy from before, else a short built-in list."`
	ImageReferenceExtra string        `name:"model-reference-images-extra" env:"HORDE_MODEL_REFERENCE_IMAGES_EXTRA,HORDE_IMAGE_DIFFUSERS_REFERENCE" placeholder:"FILE|URL" help:"A second list of image models; its entries win over those of the first."`
	TextReference       string        `name:"model-reference-text" env:"HORDE_MODEL_REFERENCE_TEXT,HORDE_IMAGE_LLM_REFERENCE" placeholder:"FILE|URL" help:"List of known text models; default: the copy from before, else a short built-in list."`
	ReferenceRefresh    time.Duration `name:"model-reference-refresh" default:"1h" env:"HORDE_MODEL_REFERENCE_REFRESH" placeholder:"TIME" help:"How often the lists of models are read again (${default})."`

	KeySecret  string `env:"HORDE_SECRET_KEY,secret_key" secret:"all" placeholder:"TEXT" help:"Hashed with every API key; default: made at the first start and kept in the data folder. Nodes of one PostgreSQL share theirs through it."`
	BlobSecret string `env:"HORDE_BLOB_SECRET" secret:"all" placeholder:"TEXT" help:"Signs the links of images kept in the data folder; default as for --key-secret."`

	MaxUpload    int64  `default:"33554432" env:"HORDE_MAX_UPLOAD" placeholder:"BYTES" help:"Size limit of an uploaded image (${default})."`
	MaxStored    int64  `name:"max-stored" default:"0" env:"HORDE_MAX_STORED" placeholder:"BYTES" help:"Size of all images that are kept in the data folder; 0: as much as the disk has (${default})."`
	AccountQuota int64  `name:"max-uploads-account" default:"8589934592" env:"HORDE_MAX_UPLOADS_ACCOUNT" placeholder:"BYTES" help:"Bytes of images that one account may store within two hours, by its workers and its requests; 0: any number (${default})."`
	MinFreeDisk  int64  `name:"min-free-disk" default:"268435456" env:"HORDE_MIN_FREE_DISK" placeholder:"BYTES" help:"Take no images when the disk of the data folder has less left than this; 0: never (${default})."`
	PrivateFetch Switch `name:"allow-private-fetch" env:"HORDE_ALLOW_PRIVATE_FETCH" help:"Let the addresses of source images lead into private networks. Never on a public horde."`

	MaxConnections        int `name:"max-connections" env:"HORDE_MAX_CONNECTIONS" placeholder:"N" help:"Most connections that are open at a time; default: 8192, or fewer where there are fewer file descriptors."`
	ConnectionsPerAddress int `name:"max-connections-per-address" default:"512" env:"HORDE_MAX_CONNECTIONS_PER_ADDRESS" placeholder:"N" help:"Most of one address, this machine and trusted proxies apart; behind these, most calls at a time (${default})."`
	MaxCalls              int `name:"max-calls" default:"0" env:"HORDE_MAX_CALLS" placeholder:"N" help:"Calls worked on at a time, beyond which new requests are refused with 503; 0: 64 for each processor, at least 128."`

	MaxWaiting          int   `name:"max-waiting" default:"100000" env:"HORDE_MAX_WAITING" placeholder:"N" help:"Jobs of one kind (images, texts, forms) that wait at a time, beyond which new requests are refused with 503; 0: any number (${default})."`
	MaxWaitingAnonymous int   `name:"max-waiting-anonymous" default:"10000" env:"HORDE_MAX_WAITING_ANONYMOUS" placeholder:"N" help:"Anonymous ones among them, of all models together; 0: any number (${default})."`
	MaxWaitingBytes     int64 `name:"max-waiting-bytes" default:"134217728" env:"HORDE_MAX_WAITING_BYTES" placeholder:"BYTES" help:"What requests of one kind that are not done take, without their source images; 0: any amount (${default})."`
	MaxAccountBytes     int64 `name:"max-waiting-bytes-account" default:"33554432" env:"HORDE_MAX_WAITING_BYTES_ACCOUNT" placeholder:"BYTES" help:"What those of one account take, the anonymous one among them; 0: any amount (${default})."`

	MaxUnpaidAccount int64 `name:"max-unpaid-account" default:"5000000" env:"HORDE_MAX_UNPAID_ACCOUNT" placeholder:"N" help:"Kudos that an account may earn a day of what nobody pays for, such as anonymous requests; five times as many if it is trusted; 0: any number (${default})."`
	MaxUnpaidAddress int64 `name:"max-unpaid-address" default:"10000000" env:"HORDE_MAX_UNPAID_ADDRESS" placeholder:"N" help:"The same for all workers that call from one address, an IPv6 /64 as one (${default})."`

	AccessLog     Switch `env:"HORDE_ACCESS_LOG" help:"Log every call."`
	MetricsListen string `env:"HORDE_METRICS_LISTEN" placeholder:"HOST:PORT" help:"Serve /metrics here, and no longer on the listening address."`

	TestAPIKeys  Switch `name:"test-apikeys" env:"HORDE_TEST_APIKEYS" help:"Let programs on this machine make accounts without limits, for tests."`
	NoRateLimits Switch `name:"test-ratelimit-disabled" env:"HORDE_TEST_RATELIMIT_DISABLED" help:"Limit no one's calls, for tests."`

	Patreon Patreon `embed:"" prefix:"patreon-"`
	Stripe  Stripe  `embed:"" prefix:"stripe-"`

	S3 S3 `embed:"" prefix:"s3-"`
}

// Patreon says whose patrons get kudos each month.
type Patreon struct {
	Token    string `env:"HORDE_PATREON_TOKEN,PATREON_CREATOR_ACCESS_TOKEN" secret:"all" placeholder:"TOKEN" help:"Access token of the creator whose patrons are given kudos each month; default: nobody's."`
	Campaign string `default:"77119" env:"HORDE_PATREON_CAMPAIGN" placeholder:"ID" help:"Campaign of the creator (${default})."`
	URL      string `name:"url" default:"https://www.patreon.com" env:"HORDE_PATREON_URL" placeholder:"URL" help:"Where Patreon's API is (${default})."`
}

// Stripe says whose subscribers get kudos each month.
type Stripe struct {
	Key string `env:"HORDE_STRIPE_KEY,STRIPE_API_KEY" secret:"all" placeholder:"KEY" help:"Secret key of the Stripe account whose subscribers are given kudos each month; default: nobody's."`
	URL string `name:"url" default:"https://api.stripe.com" env:"HORDE_STRIPE_URL" placeholder:"URL" help:"Where Stripe's API is (${default})."`
}

// S3 says where images are kept outside the data folder.
type S3 struct {
	Endpoint       string `env:"HORDE_S3_ENDPOINT,R2_TRANSIENT_ACCOUNT" placeholder:"URL" help:"Keep images in this S3 store in place of the data folder."`
	PublicEndpoint string `env:"HORDE_S3_PUBLIC_ENDPOINT" placeholder:"URL" help:"Where clients and workers reach the store, if elsewhere."`
	Region         string `default:"us-east-1" env:"HORDE_S3_REGION,AWS_DEFAULT_REGION" help:"Region of the store (${default})."`
	AccessKey      string `env:"HORDE_S3_ACCESS_KEY,AWS_ACCESS_KEY_ID" placeholder:"KEY" help:"Access key of the store."`
	SecretKey      string `env:"HORDE_S3_SECRET_KEY,AWS_SECRET_ACCESS_KEY" secret:"all" placeholder:"KEY" help:"Secret key of the store."`
	Bucket         string `default:"stable-horde" env:"HORDE_S3_BUCKET,R2_TRANSIENT_BUCKET" help:"Bucket of finished images (${default})."`
	SourceBucket   string `default:"stable-horde-source-images" env:"HORDE_S3_SOURCE_BUCKET,R2_SOURCE_IMAGE_BUCKET" help:"Bucket of source images (${default})."`
	PathStyle      Switch `env:"HORDE_S3_PATH_STYLE" help:"Address buckets as endpoint/bucket, not bucket.endpoint."`
}

// Options returns the settings as package blob expects them; nil when images are
// kept in the data folder.
func (s3 S3) Options(maxBytes int64) *blob.S3Options {
	if s3.Endpoint == "" {
		return nil
	}
	return &blob.S3Options{
		Endpoint:       s3.Endpoint,
		PublicEndpoint: s3.PublicEndpoint,
		Region:         s3.Region,
		AccessKey:      s3.AccessKey,
		SecretKey:      s3.SecretKey,
		Bucket:         s3.Bucket,
		SourceBucket:   s3.SourceBucket,
		PathStyle:      bool(s3.PathStyle),
		MaxBytes:       maxBytes,
	}
}

// Complete fills in what several variables say together: a database given as
// POSTGRES_URL (host[:port]/database), POSTGRES_USER and POSTGRES_PASS.
func (s *Serve) Complete(getenv func(string) string) {
	s.PublicURL = strings.TrimRight(s.PublicURL, "/")

	address := getenv("POSTGRES_URL")
	if s.DB != "" || address == "" {
		return
	}
	if strings.Contains(address, "://") {
		s.DB = address
		return
	}

	u := url.URL{Scheme: "postgres", User: url.User("postgres")}
	u.Host, u.Path, _ = strings.Cut(address, "/")
	user := getenv("POSTGRES_USER")
	if user == "" {
		user = "postgres"
	}
	if pass := getenv("POSTGRES_PASS"); pass != "" {
		u.User = url.UserPassword(user, pass)
	} else {
		u.User = url.User(user)
	}
	s.DB = u.String()
}

// maxUnpaid is more kudos than anybody earns in a day.
const maxUnpaid = 1_000_000_000_000

// minConnections is the least that a server can work with.
const minConnections = 16

// Validate reports everything that is wrong. Kong calls it after parsing.
func (s *Serve) Validate() error {
	var errs []error
	bad := func(flag, format string, args ...any) {
		errs = append(errs, fmt.Errorf("--%s: %s", flag, fmt.Sprintf(format, args...)))
	}

	if _, _, err := net.SplitHostPort(s.Listen); err != nil {
		bad("listen", "%q must be HOST:PORT, such as 0.0.0.0:7001", s.Listen)
	}
	if s.MetricsListen != "" {
		if _, _, err := net.SplitHostPort(s.MetricsListen); err != nil {
			bad("metrics-listen", "%q must be HOST:PORT, such as 127.0.0.1:9101", s.MetricsListen)
		}
	}

	if s.Data == "" {
		bad("data", "must name a folder")
	}
	if s.DB != "" {
		if u, err := url.Parse(s.DB); err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
			bad("db", "must be a URL that begins with postgres:// (without it the embedded database is used)")
		}
	}

	if s.PublicURL != "" && !webURL(s.PublicURL) {
		bad("public-url", "%q must be the http or https address of this server, without ? and #", s.PublicURL)
	}
	if s.IPChecker != "" {
		u, err := url.Parse(strings.ReplaceAll(s.IPChecker, "{ipaddr}", "192.0.2.1"))
		web := err == nil && (u.Scheme == "http" || u.Scheme == "https") && u.Host != ""
		if !web || !strings.Contains(s.IPChecker, "{ipaddr}") {
			bad("ip-checker", "must be an http or https address with {ipaddr} in it")
		}
	}

	if s.KeySecret != "" && len(s.KeySecret) < 8 {
		bad("key-secret", "is too short: at least 8 characters; leave it out to have one made")
	}
	if s.BlobSecret != "" && len(s.BlobSecret) < 16 {
		bad("blob-secret", "is too short: at least 16 characters; leave it out to have one made")
	}

	if s.ReferenceRefresh < time.Minute {
		bad("model-reference-refresh", "%v is less than 1m", s.ReferenceRefresh)
	}

	for flag, address := range map[string]string{"patreon-url": s.Patreon.URL, "stripe-url": s.Stripe.URL} {
		if !webURL(address) {
			bad(flag, "%q must be an http or https address", address)
		}
	}

	for flag, bytes := range map[string]int64{
		"max-stored":          s.MaxStored,
		"max-uploads-account": s.AccountQuota,
		"min-free-disk":       s.MinFreeDisk,
	} {
		if bytes < 0 {
			bad(flag, "is negative")
		}
	}
	if s.MaxUpload < 1<<20 {
		bad("max-upload", "%d is less than 1048576 bytes", s.MaxUpload)
	}

	if s.MaxConnections != 0 && s.MaxConnections < minConnections {
		bad("max-connections", "%d is less than %d", s.MaxConnections, minConnections)
	}
	if s.ConnectionsPerAddress < 1 {
		bad("max-connections-per-address", "%d is less than 1", s.ConnectionsPerAddress)
	}
	if s.MaxCalls < 0 {
		bad("max-calls", "%d is less than 0", s.MaxCalls)
	}
	for flag, most := range map[string]int64{
		"max-waiting":               int64(s.MaxWaiting),
		"max-waiting-anonymous":     int64(s.MaxWaitingAnonymous),
		"max-waiting-bytes":         s.MaxWaitingBytes,
		"max-waiting-bytes-account": s.MaxAccountBytes,
	} {
		if most < 0 {
			bad(flag, "%d is less than 0", most)
		}
	}
	for flag, most := range map[string]int64{
		"max-unpaid-account": s.MaxUnpaidAccount,
		"max-unpaid-address": s.MaxUnpaidAddress,
	} {
		if most < 0 || most > maxUnpaid {
			bad(flag, "%d is not between 0 and %d", most, int64(maxUnpaid))
		}
	}
	if s.TrustThreshold != nil && *s.TrustThreshold < 0 {
		bad("kudos-trust-threshold", "is negative")
	}
	return errors.Join(append(errs, s.S3.check()...)...)
}

func (s3 S3) check() (errs []error) {
	if s3.Endpoint == "" {
		return nil
	}

	if !webURL(s3.Endpoint) {
		errs = append(errs, fmt.Errorf("--s3-endpoint: %q must be an http or https address", s3.Endpoint))
	}
	if s3.PublicEndpoint != "" && !webURL(s3.PublicEndpoint) {
		errs = append(errs, fmt.Errorf("--s3-public-endpoint: %q must be an http or https address", s3.PublicEndpoint))
	}
	if s3.AccessKey == "" || s3.SecretKey == "" {
		errs = append(errs, errors.New("--s3-endpoint needs --s3-access-key and --s3-secret-key"))
	}
	if s3.Bucket == "" {
		errs = append(errs, errors.New("--s3-bucket: must name a bucket"))
	}
	return errs
}

func webURL(s string) bool {
	u, err := url.Parse(s)
	return err == nil && (u.Scheme == "http" || u.Scheme == "https") &&
		u.Host != "" && u.RawQuery == "" && u.Fragment == "" && u.User == nil
}

// parsePrefix reads an address or a network.
func parsePrefix(s string) (netip.Prefix, error) {
	if p, err := netip.ParsePrefix(s); err == nil {
		if p.Addr().Is4In6() && p.Bits() >= 96 {
			p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
		}
		return p.Masked(), nil
	}

	a, err := netip.ParseAddr(s)
	if err != nil {
		return netip.Prefix{}, fmt.Errorf("%q is neither an address nor a network such as 10.0.0.0/8", s)
	}
	a = a.Unmap().WithZone("")
	return netip.PrefixFrom(a, a.BitLen()), nil
}
