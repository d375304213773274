package config

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/alecthomas/kong"
)

// Switch is a flag that scripts set with 1, true, yes or on
// (platform §1.6, §8.6). 0, false, no and off mean no; anything else is an error.
type Switch bool

// IsBool makes kong accept the flag without a value.
func (*Switch) IsBool() bool { return true }

// Decode implements kong.MapperValue.
func (w *Switch) Decode(ctx *kong.DecodeContext) error {
	if ctx.Scan.Peek().Type != kong.FlagValueToken {
		*w = true
		return nil
	}
	switch v := ctx.Scan.Pop().Value.(type) {
	case bool:
		*w = Switch(v)
		return nil
	case string:
		switch strings.ToLower(strings.TrimSpace(v)) {
		case "1", "true", "yes", "on":
			*w = true
			return nil
		case "0", "false", "no", "off", "":
			*w = false
			return nil
		}
		return fmt.Errorf("must be 1, true, yes, on, or 0, false, no, off, not %q", v)
	default:
		return fmt.Errorf("must be true or false, not %v", v)
	}
}

// String returns the form that Decode reads.
func (w Switch) String() string {
	if w {
		return "true"
	}
	return "false"
}

// Names is a list of account aliases ("name#1"), given as a JSON list or separated
// by commas.
type Names []string

// Decode implements kong.MapperValue.
func (n *Names) Decode(ctx *kong.DecodeContext) (err error) {
	if *n, err = decodeList(ctx); err != nil {
		return err
	}

	for _, name := range *n {
		at := strings.LastIndexByte(name, '#')
		if _, err := strconv.ParseUint(name[at+1:], 10, 31); at < 1 || err != nil {
			return fmt.Errorf("%q is no alias of an account, such as name#1", name)
		}
	}
	return nil
}

// Prefixes is a list of networks, given as addresses or CIDRs, in a JSON list or
// separated by commas or blanks. An address stands for itself alone.
type Prefixes []netip.Prefix

// Decode implements kong.MapperValue.
func (p *Prefixes) Decode(ctx *kong.DecodeContext) error {
	list, err := decodeList(ctx)
	if err != nil {
		return err
	}

	*p = nil
	for _, item := range list {
		for _, word := range strings.Fields(item) {
			prefix, err := parsePrefix(word)
			if err != nil {
				return err
			}
			*p = append(*p, prefix)
		}
	}
	return nil
}

// decodeList reads a JSON list of strings, a comma-separated list, or a list
// of the configuration file.
func decodeList(ctx *kong.DecodeContext) ([]string, error) {
	token := ctx.Scan.Pop()
	if token.IsEOL() {
		return nil, fmt.Errorf("needs a list")
	}

	var items []string
	switch v := token.Value.(type) {
	case []any:
		for _, item := range v {
			text, ok := item.(string)
			if !ok {
				return nil, fmt.Errorf("must hold strings only, not %v", item)
			}
			items = append(items, text)
		}
	case string:
		if text := strings.TrimSpace(v); strings.HasPrefix(text, "[") {
			if err := json.Unmarshal([]byte(text), &items); err != nil {
				return nil, fmt.Errorf("%q is not a JSON list of strings, such as [\"name#1\"]", v)
			}
		} else {
			items = strings.Split(text, ",")
		}
	default:
		return nil, fmt.Errorf("must be a list of strings, not %v", v)
	}

	out := items[:0]
	for _, item := range items {
		if item = strings.TrimSpace(item); item != "" {
			out = append(out, item)
		}
	}
	return out, nil
}
