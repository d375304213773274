package console

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"sort"
	"strings"
	"syscall"

	"horde/api"
	"horde/client"
)

// Explain phrases an error for a person: what went wrong and what to do.
func Explain(err error) string {
	var e *ExitError
	if errors.As(err, &e) && e.Err == nil {
		return ""
	}

	var dns *net.DNSError
	var web *url.Error
	var foreign *client.ForeignError
	var refused *api.Error
	switch {
	case errors.Is(err, syscall.ECONNREFUSED) && errors.As(err, &web):
		return fmt.Sprintf("no horde answers at %s. Start one with \"horde serve\" (with a worker: \"horde up\"), "+
			"or name another with --horde URL", host(web))
	case errors.As(err, &dns) && errors.As(err, &web):
		return fmt.Sprintf("there is no host %q: check the address given with --horde (%s)", dns.Name, host(web))
	case errors.As(err, &web) && web.Timeout():
		return fmt.Sprintf("%s does not answer in time: is it the right address, and is it up?", host(web))
	case errors.As(err, &foreign):
		return foreign.Error() + ": is the address given with --horde that of a horde?"
	case errors.As(err, &refused) && err.Error() == refused.Error(): // not wrapped in anything
		return refusal(refused)
	case errors.Is(err, context.Canceled):
		return "interrupted"
	}
	return err.Error()
}

// refusal phrases a horde's refusal.
func refusal(e *api.Error) string {
	text := e.Message
	if e.RC == "InvalidAPIKey" {
		text += " (give your API key with --apikey or HORDE_APIKEY)"
	} else if e.RC != "" {
		text += " (" + e.RC + ")"
	}

	var fields []string
	for path, what := range e.Errors {
		fields = append(fields, fmt.Sprintf("\n  %s: %s", path, what))
	}

	sort.Strings(fields)
	return "the horde says: " + text + strings.Join(fields, "")
}

func host(e *url.Error) string {
	u, err := url.Parse(e.URL)
	if err != nil {
		return e.URL
	}
	return u.Scheme + "://" + u.Host
}
