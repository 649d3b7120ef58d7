package main

import (
	"context"
	"errors"
	"flag"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/urfave/cli/v3"

	"kae"
	"kae/internal/backup"
	"kae/internal/notify"
)

var update = flag.Bool("update", false, "write golden files anew")

func TestConfigurationPageFollowsTheSettings(t *testing.T) {
	const page = "../../docs/configuration.md"
	want := configurationPage()
	if *update {
		if err := os.WriteFile(page, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Errorf("docs/configuration.md is out of date; go test ./cmd/kae -run Configuration -update\n%s", diff)
	}
}

func TestHelpShowsEverySettingInEightyColumns(t *testing.T) {
	text := serveHelp()
	for _, s := range settingsOf("serve") {
		for _, want := range []string{s.env, s.normal(), s.unit, "-" + s.flag} {
			if want == "" || s.flag == "" && want == "-" {
				continue
			}
			if !strings.Contains(text, want) {
				t.Errorf("the help of %s does not show %q", s.env, want)
			}
		}
	}
	for line := range strings.Lines(text) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}

// configure reads settings as “kae serve” does, without starting it.
func configure(t *testing.T, env map[string]string, args ...string) (config, error) {
	t.Helper()
	f := newFlags("serve")
	var c config
	command := &cli.Command{
		Name: "kae", Flags: f.cli(), Writer: io.Discard, ErrWriter: io.Discard,
		Action: func(context.Context, *cli.Command) (err error) {
			c, err = f.config(func(name string) string { return env[name] })
			return err
		},
	}
	err := command.Run(t.Context(), append([]string{"kae"}, args...))
	return c, err
}

func TestSettings(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("hush\r\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	dsn := filepath.Join(t.TempDir(), "dsn")
	if err := os.WriteFile(dsn, []byte("postgres://kae:p@db/kae\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	normal := config{
		addr: "127.0.0.1:20999", db: "kae.sqlite", delay: 5 * time.Second, keep: 1000, logFormat: "auto",
		trust: proxyWords["loopback"], zone: time.UTC, late: 24 * time.Hour, keeping: backup.Keep{Hourly: 24, Daily: 30, Monthly: 12},
	}
	madrid, err := kae.LoadZone("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*config)) config {
		c := normal
		change(&c)
		return c
	}
	type env = map[string]string
	for _, test := range []struct {
		name string
		env  env
		args []string
		want config
	}{
		{"nothing given is the defaults", nil, nil, normal},
		{"an empty variable counts as not set", env{"KAE_ADDR": "", "KAE_DB": "", "PORT": "", "KAE_USER": "", "KAE_NO_AUTH": ""}, nil, normal},
		{
			"a variable beats the default", env{"KAE_DELAY_SECS": "7", "KAE_KEEP": "9", "KAE_LOG_LEVEL": "debug"}, nil,
			with(func(c *config) { c.delay, c.keep, c.logLevel = 7*time.Second, 9, -4 }),
		},
		{
			"a flag beats its variable", env{"KAE_DELAY_SECS": "7"}, []string{"-delaySecs", "8"},
			with(func(c *config) { c.delay = 8 * time.Second }),
		},
		{
			"a flag beats a variable that is wrong", env{"KAE_DELAY_SECS": "often"}, []string{"-delaySecs", "8"},
			with(func(c *config) { c.delay = 8 * time.Second }),
		},
		{
			"two dashes and an equals sign", nil, []string{"--keep=5", "--log-format=json", "-log-level=error"},
			with(func(c *config) { c.keep, c.logFormat, c.logLevel = 5, "json", 8 }),
		},
		{
			"PORT is a port of every address", env{"PORT": "8080"}, []string{"-no-auth"},
			with(func(c *config) { c.addr, c.noAuth = ":8080", true }),
		},
		{
			"KAE_ADDR beats PORT", env{"PORT": "8080", "KAE_ADDR": "127.0.0.1:1"}, nil,
			with(func(c *config) { c.addr = "127.0.0.1:1" }),
		},
		{
			"-addr beats PORT", env{"PORT": "8080"}, []string{"-addr", "[::1]:2"},
			with(func(c *config) { c.addr = "[::1]:2" }),
		},
		{
			"secrets from files", env{"KAE_USER": "admin", "KAE_PASS": "file:" + secret, "KAE_DB": "file:" + dsn}, []string{"-addr", ":1"},
			with(func(c *config) { c.addr, c.user, c.pass, c.db = ":1", "admin", "hush", "postgres://kae:p@db/kae" }),
		},
		{
			"the address from outside loses its last slash", env{"KAE_URL": "https://kae.example.org:8443/"}, nil,
			with(func(c *config) { c.url = "https://kae.example.org:8443" }),
		},
		{
			"proxies", nil, []string{"-trust-proxy", "10.1.2.3/8, ::ffff:192.0.2.1,none"},
			with(func(c *config) {
				c.trust = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("192.0.2.1/32")}
			}),
		},
		{
			"no proxy at all", nil, []string{"-trust-proxy", "none"},
			with(func(c *config) { c.trust = nil }),
		},
		{
			"the zone of new tokens, and how late a report may be", env{"KAE_TZ": "Europe/Madrid"}, []string{"-late-limit", "7d"},
			with(func(c *config) { c.zone, c.late = madrid, 7*24*time.Hour }),
		},
		{
			"-no-auth can be taken back", env{"KAE_NO_AUTH": "1"}, []string{"-no-auth=false"}, normal,
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := configure(t, test.env, test.args...)
			if err != nil {
				t.Fatal(err)
			}
			got.given = nil
			opts := cmp.Options{cmp.AllowUnexported(config{}), cmpopts.EquateComparable(netip.Prefix{}), cmpopts.EquateEmpty(),
				cmp.Comparer(func(a, b *time.Location) bool { return a.String() == b.String() })}
			if diff := cmp.Diff(test.want, got, opts); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSecretsAreNotRepeatedInErrors(t *testing.T) {
	for name, env := range map[string]map[string]string{
		"a URL that can't be read":  {"KAE_DB": "postgres://kae:sesame@[::1/kae"},
		"another kind of database":  {"KAE_DB": "mysql://kae:sesame@host/kae"},
		"a name with a colon in it": {"KAE_USER": "sesame:sesame", "KAE_PASS": "sesame"},
		"a password without a name": {"KAE_PASS": "sesame"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := configure(t, env)
			if err == nil || strings.Contains(err.Error(), "sesame") {
				t.Errorf("got %v, want an error without the secret", err)
			}
		})
	}
}

func TestThePasswordOfADatabaseIsNotShown(t *testing.T) {
	for db, want := range map[string]string{
		"kae.sqlite":                           "kae.sqlite",
		"postgres://kae:sesame@db:5432/kae":    "postgres://kae@db:5432/kae",
		"postgresql://db/kae?password=sesame":  "postgresql://db/kae",
		"postgres:///kae?host=/run/postgresql": "postgres:///kae",
	} {
		if got := shownDB(db); got != want {
			t.Errorf("%s is shown as %s, want %s", db, got, want)
		}
	}
}

func TestOnlyThisMachineIsLoopback(t *testing.T) {
	for addr, want := range map[string]bool{
		"127.0.0.1:1": true, "127.8.8.8:1": true, "[::1]:1": true, "[::ffff:127.0.0.1]:1": true, "localhost:1": true,
		":1": false, "0.0.0.0:1": false, "[::]:1": false, "192.0.2.1:1": false,
	} {
		if got := isLoopback(addr); got != want {
			t.Errorf("%s: %v, want %v", addr, got, want)
		}
	}
}

// Whoever may make channels could have the console's password, or the key of the
// backups, sent to anywhere.
func TestNoChannelSendsASettingOfKae(t *testing.T) {
	open := func(variable string) error {
		_, err := notify.Open("webhook", map[string]string{"url": "https://hooks.example.com", "secret": "env:" + variable}, notify.Options{})
		return err
	}
	variables := []string{"PGPASSWORD"} // of the PostgreSQL driver
	for _, s := range slices.Concat(settings, backupSettings) {
		variables = append(variables, s.env)
	}
	for _, variable := range variables {
		e, ok := errors.AsType[*kae.Error](open(variable))
		if !ok || e.Code != kae.Invalid || e.Field != "secret" || !strings.Contains(e.Message, variable) {
			t.Errorf("%s may be sent by a channel: %v", variable, e)
		}
	}
	for _, variable := range []string{"OPS_SECRET", "TOKAE_PASS", "KAE2_KEY", "REPORT"} {
		if err := open(variable); err != nil {
			t.Errorf("%s: %v", variable, err)
		}
	}
}
