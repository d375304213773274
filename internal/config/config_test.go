package config

import (
	"bytes"
	"encoding/json"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/alecthomas/kong"
)

// file is a configuration file as a resolver of kong.
func file(values map[string]any) kong.Resolver {
	return kong.ResolverFunc(func(_ *kong.Context, _ *kong.Path, flag *kong.Flag) (any, error) {
		for _, name := range flag.Envs {
			if os.Getenv(name) != "" {
				return nil, nil
			}
		}
		return values[flag.Name], nil
	})
}

// parse reads flags, variables and a file as the program does.
func parse(t *testing.T, args []string, env map[string]string, values map[string]any) (*Serve, *kong.Context, error) {
	t.Helper()
	clean := map[string]bool{"POSTGRES_URL": true, "POSTGRES_USER": true, "POSTGRES_PASS": true}
	collectVariables(reflect.TypeFor[Serve](), clean)
	for name := range clean {
		if v, ok := os.LookupEnv(name); ok {
			t.Setenv(name, v) // put back after the test
			os.Unsetenv(name)
		}
	}
	for name, v := range env {
		t.Setenv(name, v)
	}
	ForgetEmptyVariables()
	var s Serve
	k, err := kong.New(&s, kong.Writers(io.Discard, io.Discard), kong.Resolvers(file(values)), kong.DefaultEnvars("HORDE"))
	if err != nil {
		t.Fatal(err)
	}
	ctx, err := k.Parse(args)
	s.Complete(os.Getenv)
	return &s, ctx, err
}

func TestSettingsHaveDefaults(t *testing.T) {
	s, _, err := parse(t, nil, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	data, _ := filepath.Abs("data")
	if s.Listen != "127.0.0.1:7001" || s.Data != data || s.DB != "" || s.PublicURL != "" || s.Title != "AI Horde" ||
		len(s.TrustedProxies) != 0 || len(s.Admins) != 0 || s.TrustThreshold != nil || bool(s.TestAPIKeys) ||
		bool(s.NoRateLimits) || s.MaxUpload != 32<<20 ||
		s.S3.Options(1) != nil {
		t.Errorf("defaults are %+v", s)
	}
}

func TestFlagsWinOverVariablesAndFiles(t *testing.T) {
	env := map[string]string{
		"HORDE_TITLE": "by variable",
		"HORDE_URL":   "https://old.example/",
		"ADMINS":      `["ann#1", "bob#2"]`,
	}

	values := map[string]any{
		"title":        "by file",
		"listen":       "0.0.0.0:1",
		"admins":       []any{"eve#3"},
		"test-apikeys": true,
		"max-upload":   int64(2 << 20),
	}

	s, ctx, err := parse(t, []string{"--listen=:9", "--trusted-proxies=10.0.0.0/8,::1"}, env, values)
	if err != nil {
		t.Fatal(err)
	}

	if s.Listen != ":9" || s.Title != "by variable" || s.PublicURL != "https://old.example" ||
		!slices.Equal(s.Admins, Names{"ann#1", "bob#2"}) ||
		!bool(s.TestAPIKeys) || s.MaxUpload != 2<<20 {
		t.Errorf("%+v", s)
	}

	var out bytes.Buffer
	if err := Show(&out, ctx); err != nil {
		t.Fatal(err)
	}

	for _, want := range []string{
		"listen :9 flag", "title by variable HORDE_TITLE", "public-url https://old.example HORDE_URL",
		"admins ann#1 bob#2 ADMINS",
		"test-apikeys true file", "max-upload 2097152 file", "s3-region us-east-1 default", "db - default",
		"trusted-proxies 10.0.0.0/8 ::1/128 flag",
	} {
		if !strings.Contains(squeeze(out.String()), "\n"+want+"\n") {
			t.Errorf("no line %q in:\n%s", want, out.String())
		}
	}
}

// squeeze makes one blank of many.
func squeeze(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = strings.Join(strings.Fields(l), " ")
	}
	return strings.Join(lines, "\n")
}

func TestOurVariablesWin(t *testing.T) {
	s, _, err := parse(t, nil, map[string]string{
		"HORDE_PUBLIC_URL": "https://new.example", "HORDE_URL": "https://old.example",
		"HORDE_MODEL_REFERENCE_IMAGES": "new.json", "HORDE_IMAGE_COMPVIS_REFERENCE": "old.json",
		"HORDE_MODEL_REFERENCE_TEXT": "", "HORDE_IMAGE_LLM_REFERENCE": "text.json",
		"HORDE_S3_ENDPOINT": "http://127.0.0.1:1", "R2_TRANSIENT_ACCOUNT": "https://r2.example", "AWS_ACCESS_KEY_ID": "id",
		"AWS_SECRET_ACCESS_KEY": "key",
		"R2_TRANSIENT_BUCKET":   "pics", "HORDE_S3_PATH_STYLE": "on", "secret_key": "the old salt", "ADMINS": "",
		"KUDOS_TRUST_THRESHOLD": "",
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if s.PublicURL != "https://new.example" || s.ImageReference != "new.json" || s.TextReference != "text.json" ||
		s.KeySecret != "the old salt" || s.TrustThreshold != nil {
		t.Errorf("%+v", s)
	}
	if o := s.S3.Options(5); o.Endpoint != "http://127.0.0.1:1" || o.AccessKey != "id" || o.SecretKey != "key" ||
		o.Bucket != "pics" ||
		o.SourceBucket != "stable-horde-source-images" || !o.PathStyle || o.MaxBytes != 5 {
		t.Errorf("S3: %+v", o)
	}
}

func TestADatabaseMayBeNamedInParts(t *testing.T) {
	for _, tt := range []struct {
		env  map[string]string
		want string
	}{
		{map[string]string{"POSTGRES_URL": "db:5433/horde", "POSTGRES_USER": "me", "POSTGRES_PASS": "p@ss/w"},
			"postgres://me:p%40ss%2Fw@db:5433/horde"},
		{map[string]string{"POSTGRES_URL": "db/horde"}, "postgres://postgres@db/horde"},
		{map[string]string{"POSTGRES_URL": "postgres://x@y/z", "POSTGRES_PASS": "no"}, "postgres://x@y/z"},
		{map[string]string{"POSTGRES_URL": "db/horde", "HORDE_DB": "postgres://ours/z"}, "postgres://ours/z"},
		{map[string]string{"POSTGRES_URL": "", "POSTGRES_USER": "me"}, ""},
	} {
		t.Run(tt.want, func(t *testing.T) {
			if s, _, err := parse(t, nil, tt.env, nil); err != nil || s.DB != tt.want {
				t.Errorf("%v: %q, %v; want %q", tt.env, s.DB, err, tt.want)
			}
		})
	}
}

func TestSwitchesReadAsPeopleWriteThem(t *testing.T) {
	for text, want := range map[string]bool{
		"1":     true,
		"true":  true,
		"YES":   true,
		"on":    true,
		"0":     false,
		"false": false,
		"off":   false,
		"no":    false,
		"":      false,
	} {
		t.Run(text, func(t *testing.T) {
			s, _, err := parse(t, nil, map[string]string{"HORDE_TEST_APIKEYS": text}, nil)
			if err != nil || bool(s.TestAPIKeys) != want {
				t.Errorf("HORDE_TEST_APIKEYS=%q: %v, %v", text, s.TestAPIKeys, err)
			}
		})
	}
	if s, _, err := parse(t, []string{"--test-ratelimit-disabled", "--test-apikeys=off"}, nil, nil); err != nil ||
		!bool(s.NoRateLimits) || bool(s.TestAPIKeys) {
		t.Errorf("%+v, %v", s, err)
	}
	if _, _, err := parse(t, nil, map[string]string{"HORDE_TEST_APIKEYS": "perhaps"}, nil); err == nil {
		t.Error("HORDE_TEST_APIKEYS=perhaps was taken")
	}
}

func TestSettingsThatCannotWorkAreRefused(t *testing.T) {
	for _, args := range [][]string{
		{"--listen=7001"},
		{"--db=mysql://x/y"},
		{"--public-url=horde.example"},
		{"--public-url=ftp://x"},
		{"--public-url=https://x/?a"},
		{"--trusted-proxies=10.0.0.0/40"},
		{"--trusted-proxies=localhost"},
		{"--admins=[1]"},
		{"--admins=alice"},
		{"--admins=alice#"},
		{"--admins=#1"},
		{"--awarders=alice#1,bob#-2"},
		{"--admins=[\"a"},
		{"--key-secret=short"},
		{"--blob-secret=short"},
		{"--max-upload=10"},
		{"--kudos-trust-threshold=-1"},
		{"--max-waiting=-1"},
		{"--max-waiting-anonymous=-1"},
		{"--max-waiting-bytes=-1"},
		{"--max-waiting-bytes-account=-1"},
		{"--max-unpaid-account=-1"},
		{"--max-unpaid-address=1000000000001"},
		{"--metrics-listen=x"},
		{"--s3-endpoint=https://x"},
		{"--s3-endpoint=x", "--s3-access-key=a", "--s3-secret-key=b"},
		{"--s3-public-endpoint=x", "--s3-endpoint=https://x", "--s3-access-key=a", "--s3-secret-key=b"},
	} {
		t.Run(strings.Join(args, " "), func(t *testing.T) {
			if _, _, err := parse(t, args, nil, nil); err == nil {
				t.Errorf("%v was taken", args)
			} else if !strings.Contains(err.Error(), args[0][2:strings.IndexByte(args[0], '=')]) {
				t.Errorf("%v: the error names no flag: %v", args, err)
			}
		})
	}
}

func TestShowMasksSecrets(t *testing.T) {
	args := []string{
		"--db=postgres://me:hunter2@db/horde?sslpassword=hunter3", "--key-secret=hunter4hunter4",
		"--blob-secret=hunter5hunter5hunter5",
		"--s3-endpoint=https://x", "--s3-access-key=a", "--s3-secret-key=hunter6",
	}
	_, ctx, err := parse(t, args, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	if err := Show(&out, ctx); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), "hunter") {
		t.Errorf("a secret is shown:\n%s", out.String())
	}
	if !strings.Contains(squeeze(out.String()), "key-secret (set) flag") ||
		!strings.Contains(out.String(), "me:xxxxx@db/horde") {
		t.Errorf("masked settings are missing:\n%s", out.String())
	}
}

func TestNetworksReadInEitherForm(t *testing.T) {
	s, _, err := parse(t, nil, map[string]string{"HORDE_TRUSTED_PROXIES": `["10.1.2.3/8", "fd00::/8"]`}, nil)
	want := Prefixes{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("fd00::/8")}
	if err != nil || !slices.Equal(s.TrustedProxies, want) {
		t.Errorf("%v, %v", s.TrustedProxies, err)
	}
	s, _, err = parse(t, nil, map[string]string{"HORDE_TRUSTED_PROXIES": "::ffff:10.0.0.1  192.0.2.1,"}, nil)
	want = Prefixes{netip.MustParsePrefix("10.0.0.1/32"), netip.MustParsePrefix("192.0.2.1/32")}
	if err != nil || !slices.Equal(s.TrustedProxies, want) {
		t.Errorf("%v, %v", s.TrustedProxies, err)
	}
}

func TestSecretsAreMadeOnce(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new", "data")
	var wg sync.WaitGroup

	got := make([]Secrets, 16)
	for i := range got {
		wg.Go(func() {
			s, err := LoadSecrets(dir, Secrets{})
			if err != nil {
				t.Error(err)
			}
			got[i] = s
		})
	}

	wg.Wait()
	for _, s := range got {
		if s != got[0] || len(s.Key) != 64 || len(s.Blob) != 64 || s.Key == s.Blob {
			t.Fatalf("secrets made at once differ or are weak: %v", s)
		}
	}

	for _, name := range []string{"key-secret", "blob-secret"} {
		if st, err := os.Stat(filepath.Join(dir, name)); err != nil || st.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, st.Mode(), err)
		}
	}

	if left, _ := filepath.Glob(filepath.Join(dir, ".secret-*")); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}

	if s, err := LoadSecrets(dir, Secrets{Key: "given"}); err != nil || s.Key != "given" || s.Blob != got[0].Blob {
		t.Errorf("%v, %v", s, err)
	}

	none := filepath.Join(t.TempDir(), "none")
	if _, err := LoadSecrets(none, Secrets{Key: "k", Blob: "b"}); err != nil {
		t.Error(err)
	}

	if _, err := os.Stat(none); err == nil {
		t.Error("a folder was made although both secrets were given")
	}

	if err := os.WriteFile(filepath.Join(dir, "key-secret"), nil, 0o600); err != nil {
		t.Fatal(err)
	}

	if _, err := LoadSecrets(dir, Secrets{}); err == nil {
		t.Error("an empty secret was taken")
	}
}

func FuzzPrefix(f *testing.F) {
	for _, s := range []string{"10.0.0.1", "::ffff:1.2.3.4/100", "fe80::1%x", "::/0"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := parsePrefix(s)
		if err == nil && (!p.IsValid() || p != p.Masked()) {
			b, _ := json.Marshal(s)
			t.Fatalf("%s became %v", b, p)
		}
	})
}
