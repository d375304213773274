package config

import (
	"fmt"
	"io"
	"net/url"
	"os"
	"reflect"
	"strings"
	"text/tabwriter"

	"github.com/alecthomas/kong"
)

// ForgetEmptyVariables unsets every variable of Serve, and every other one that
// begins with HORDE_, that is set to nothing: kong would take it for a value.
func ForgetEmptyVariables() {
	names := map[string]bool{"POSTGRES_URL": true, "POSTGRES_USER": true, "POSTGRES_PASS": true}
	collectVariables(reflect.TypeFor[Serve](), names)

	for _, kv := range os.Environ() {
		name, value, _ := strings.Cut(kv, "=")
		if value == "" && (names[name] || strings.HasPrefix(name, "HORDE_")) {
			os.Unsetenv(name)
		}
	}
}

// collectVariables adds the names in the env tags of a struct to into.
func collectVariables(t reflect.Type, into map[string]bool) {
	for i := range t.NumField() {
		f := t.Field(i)
		if _, ok := f.Tag.Lookup("embed"); ok {
			collectVariables(f.Type, into)
		}
		for name := range strings.SplitSeq(f.Tag.Get("env"), ",") {
			if name != "" {
				into[name] = true
			}
		}
	}
}

// Show prints every setting of the parsed command line with its value and where
// it came from: the flag, a variable, the configuration file or the default.
// Secrets are masked.
func Show(w io.Writer, ctx *kong.Context) error {
	given := map[string]string{} // flag → source
	for _, p := range ctx.Path {
		if p.Flag == nil {
			continue
		}
		if p.Resolved {
			given[p.Flag.Name] = "file"
		} else {
			given[p.Flag.Name] = "flag"
		}
	}

	table := tabwriter.NewWriter(w, 0, 8, 2, ' ', 0)
	fmt.Fprintln(table, "SETTING\tVALUE\tSOURCE")
	for _, flag := range ctx.Flags() {
		if flag.Name == "help" {
			continue
		}
		fmt.Fprintf(table, "%s\t%s\t%s\n", flag.Name, display(flag), source(flag, given))
	}
	return table.Flush()
}

// source names where a flag's value came from.
func source(flag *kong.Flag, given map[string]string) string {
	if s := given[flag.Name]; s == "flag" {
		return s
	}

	for _, name := range flag.Envs {
		if os.Getenv(name) != "" {
			return name
		}
	}

	switch {
	case given[flag.Name] != "":
		return given[flag.Name]
	case flag.Name == "db" && !flag.Target.IsZero():
		return "POSTGRES_URL"
	}
	return "default"
}

// display returns a flag's value for people. In a setting whose tag says
// secret:"url" only the password is masked.
func display(flag *kong.Flag) string {
	v := flag.Target
	if v.Kind() == reflect.Pointer {
		if v.IsNil() {
			return "-"
		}
		v = v.Elem()
	}

	text := fmt.Sprint(v.Interface())
	if v.Kind() == reflect.Slice {
		text = strings.Trim(text, "[]")
	}

	switch flag.Tag.Get("secret") {
	case "all":
		if text != "" {
			text = "(set)"
		}
	case "url":
		text = maskURL(text)
	}

	if text == "" {
		return "-"
	}
	return text
}

// maskURL hides the password of a URL, in the user part or in the query.
func maskURL(text string) string {
	if text == "" {
		return ""
	}
	u, err := url.Parse(text)
	if err != nil {
		return "(set, no URL)"
	}

	q := u.Query()
	for k := range q {
		if strings.Contains(strings.ToLower(k), "pass") || strings.Contains(strings.ToLower(k), "key") {
			q.Set(k, "xxxxx")
		}
	}
	u.RawQuery = q.Encode()
	return u.Redacted()
}
