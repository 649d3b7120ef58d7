package main

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/urfave/cli/v3"

	"kae"
	"kae/internal/backup"
	"kae/internal/wrapper"
)

// config is what the settings come to.
type config struct {
	addr                       string // host:port
	db                         string // a file, or a postgres:// URL
	user, pass                 string
	noAuth                     bool
	url                        string // without a slash at its end; "" is from the request
	trust                      []netip.Prefix
	delay                      time.Duration
	keep                       int64
	zone                       *time.Location // of new tokens
	late                       time.Duration  // how long ago a heartbeat may have happened
	denyPrivate, allowCommands bool           // of what alerts are sent to

	logFormat string
	logLevel  slog.Level

	metricsToken string          // opens /metrics; "": only the console's credentials do
	metricsNames bool            // tell of each token there
	watch        *wrapper.Target // who is told that kae works; nil: nobody

	every    time.Duration // between two backups; 0: never
	to       string        // where they go
	backedUp string        // the token that is told of them
	keeping  backup.Keep
	s3       backup.S3

	given map[string]bool // the settings that were given, by variable
}

// setting is one thing that can be set. Flags, help, docs/configuration.md and
// the reading of values all come from this declaration.
type setting struct {
	of     string // the commands that have it; "" is serve alone
	flag   string // without its dash; "" where there is only a variable
	env    string
	value  string // the default, as somebody would write it
	shown  string // the default in words, where value does not say it
	unit   string // what to write
	help   string // sentences
	toggle bool   // a flag without a value
	secret bool   // may be read from a file, and is never repeated in an error
	set    func(c *config, text string) error
}

var settings = []setting{
	{
		of: "serve healthcheck", flag: "addr", env: "KAE_ADDR", value: "127.0.0.1:20999", unit: "host:port",
		help: "Where kae listens. Without a host, as in :20999, it is every address of the machine; port 0 is any free port.",
		set: func(c *config, text string) (err error) {
			c.addr, err = parseAddr(text)
			return err
		},
	},
	{
		of: "serve healthcheck", env: "PORT", shown: "none", unit: "port",
		help: "The same as KAE_ADDR=:PORT, for platforms that say it so. KAE_ADDR and -addr beat it.",
		set: func(c *config, text string) error {
			port, err := parseWhole(text, "number", 1, 65535)
			if !c.given["KAE_ADDR"] && err == nil {
				c.addr = fmt.Sprintf(":%d", port)
			}
			return err
		},
	},
	{
		of: "serve backup restore check", flag: "db", env: "KAE_DB", value: "kae.sqlite", unit: "file or URL", secret: true,
		help: "The database: a file for SQLite, made if it is not there, or a postgres:// URL. The URL may stand in a file: file:/path.",
		set: func(c *config, text string) (err error) {
			c.db, err = parseDB(text)
			return err
		},
	},
	{
		env: "KAE_USER", shown: "none", unit: "name", secret: true,
		help: "The name for the console. It is asked for everywhere but for heartbeats, /healthz and static files. It may stand in a file: file:/path.",
		set: func(c *config, text string) (err error) {
			if c.user, err = readSecret(text); err == nil && strings.Contains(c.user, ":") {
				return possible("a name without a colon")
			}
			return err
		},
	},
	{
		env: "KAE_PASS", shown: "none", unit: "password", secret: true,
		help: "The password that belongs to KAE_USER; neither goes without the other. It may stand in a file: file:/path.",
		set: func(c *config, text string) (err error) {
			c.pass, err = readSecret(text)
			return err
		},
	},
	{
		flag: "no-auth", env: "KAE_NO_AUTH", shown: "off", unit: "true or false", toggle: true,
		help: "Let everybody in who can reach kae. Without it kae does not listen beyond loopback unless KAE_USER and KAE_PASS are set.",
		set: func(c *config, text string) (err error) {
			c.noAuth, err = parseBool(text)
			return err
		},
	},
	{
		flag: "url", env: "KAE_URL", shown: "from each request", unit: "URL",
		help: "How kae is reached from outside, for the addresses that it shows: https://kae.example.org.",
		set: func(c *config, text string) (err error) {
			c.url, err = parseURL(text)
			return err
		},
	},
	{
		flag: "trust-proxy", env: "KAE_TRUST_PROXY", value: "loopback", unit: "addresses",
		help: "The proxies whose X-Forwarded-For and X-Forwarded-Proto are believed: addresses and prefixes such as 10.0.0.0/8, separated by commas, and the words loopback, private and none.",
		set: func(c *config, text string) (err error) {
			c.trust, err = parseProxies(text)
			return err
		},
	},
	{
		flag: "delaySecs", env: "KAE_DELAY_SECS", value: "5", unit: "seconds, 1 to 3600",
		help: "The longest that kae sleeps between two looks at its tokens, and how often it writes down that it is alive. Tokens fire at their deadline whatever it is.",
		set: func(c *config, text string) error {
			n, err := parseWhole(text, "number of seconds", 1, 3600)
			c.delay = time.Duration(n) * time.Second
			return err
		},
	},
	{
		flag: "keep", env: "KAE_KEEP", value: "1000", unit: "heartbeats, 1 to 1000000",
		help: "How many heartbeats are kept of each token at the least, and how many changes of status.",
		set: func(c *config, text string) (err error) {
			c.keep, err = parseWhole(text, "number", 1, 1_000_000)
			return err
		},
	},
	{
		flag: "tz", env: "KAE_TZ", value: "UTC", unit: "time zone",
		help: "The time zone of new tokens whose maker names none, such as Europe/Madrid. Those that there are keep theirs.",
		set: func(c *config, text string) (err error) {
			c.zone, err = kae.LoadZone(text)
			return err
		},
	},
	{
		flag: "late-limit", env: "KAE_LATE_LIMIT", value: "24h", unit: "length of time",
		help: "How long ago what a heartbeat tells of with at= may have happened. What is older is refused.",
		set: func(c *config, text string) (err error) {
			c.late, err = parseLength(text)
			return err
		},
	},
	{
		flag: "metrics-token", env: "KAE_METRICS_TOKEN", shown: "none", unit: "text", secret: true,
		help: "Open /metrics to whoever sends “Authorization: Bearer” with this; the console's password opens it, too. It may stand in a file: file:/path.",
		set: func(c *config, text string) (err error) {
			c.metricsToken, err = readSecret(text)
			return err
		},
	},
	{
		flag: "metrics-names", env: "KAE_METRICS_NAMES", shown: "off", unit: "true or false", toggle: true,
		help: "Tell in /metrics of each token by its name.",
		set: func(c *config, text string) (err error) {
			c.metricsNames, err = parseBool(text)
			return err
		},
	},
	{
		flag: "watch-url", env: "KAE_WATCH_URL", shown: "none", unit: "URL", secret: true,
		help: "Send a heartbeat there every minute, by GET, as long as kae itself does its work: the URL of a token at another kae, or at another service. It may stand in a file: file:/path.",
		set: func(c *config, text string) (err error) {
			c.watch, err = parseWatch(text)
			return err
		},
	},
	{
		flag: "deny-private-targets", env: "KAE_DENY_PRIVATE_TARGETS", shown: "off", unit: "true or false", toggle: true,
		help: "Send no alert to addresses that the internet does not lead to: loopback, link-local and private ones.",
		set: func(c *config, text string) (err error) {
			c.denyPrivate, err = parseBool(text)
			return err
		},
	},
	{
		flag: "allow-commands", env: "KAE_ALLOW_COMMANDS", shown: "off", unit: "true or false", toggle: true,
		help: "Let channels run programs on this machine, as the user that kae runs as: whoever may use the console can then do whatever that user can.",
		set: func(c *config, text string) (err error) {
			c.allowCommands, err = parseBool(text)
			return err
		},
	},
	{
		flag: "log-format", env: "KAE_LOG_FORMAT", value: "auto", unit: "auto, text or json",
		help: "How the log on standard error is written; auto is text on a terminal, else JSON.",
		set: func(c *config, text string) (err error) {
			c.logFormat, err = parseWord(text, "auto", "text", "json")
			return err
		},
	},
	{
		flag: "log-level", env: "KAE_LOG_LEVEL", value: "info", unit: "debug, info, warn or error",
		help: "The least important of what is logged.",
		set: func(c *config, text string) error {
			word, err := parseWord(text, "debug", "info", "warn", "error")
			if err != nil {
				return err
			}
			return c.logLevel.UnmarshalText([]byte(word))
		},
	},
}

// flags holds what was written after each flag. It is judged later, together
// with the variables, so that the same fault is told in the same words.
type flags struct {
	of     string // the command
	values map[string]*flagValue
}

func newFlags(command string) flags {
	f := flags{command, map[string]*flagValue{}}
	for _, s := range settingsOf(command) {
		if s.flag != "" {
			f.values[s.flag] = &flagValue{toggle: s.toggle}
		}
	}
	return f
}

// settingsOf gives the settings of one command.
func settingsOf(command string) []setting {
	var all []setting
	for _, s := range slices.Concat(settings, backupSettings) {
		if slices.Contains(strings.Fields(cmp.Or(s.of, "serve")), command) {
			all = append(all, s)
		}
	}
	return all
}

func (f flags) cli() []cli.Flag {
	var all []cli.Flag
	for _, s := range settingsOf(f.of) {
		if s.flag != "" {
			all = append(all, &cli.GenericFlag{Name: s.flag, Value: f.values[s.flag]})
		}
	}
	return all
}

// config reads the settings: a flag beats its variable, a variable beats the
// default, and an empty variable counts as not set.
func (f flags) config(getenv func(string) string) (config, error) {
	c := config{given: map[string]bool{}}
	for _, s := range settingsOf(f.of) {
		name, text := s.env, getenv(s.env)
		if v := f.values[s.flag]; v != nil && v.set {
			name, text = "-"+s.flag, v.text
		} else if text == "" {
			if s.value != "" {
				if err := s.set(&c, s.value); err != nil {
					return c, usage("the default of %s is wrong: %v", name, err)
				}
			}
			continue
		}
		c.given[s.env] = true
		switch err := s.set(&c, text); {
		case err != nil && s.secret:
			return c, usage("%s can't be used: %v", name, err)
		case err != nil:
			return c, usage("%s %q can't be used: %v", name, text, err)
		}
	}
	if f.of != "serve" {
		return c, nil
	}
	return c, c.check()
}

// check refuses settings that do not go together.
func (c config) check() error {
	switch {
	case c.user != "" && c.pass == "":
		return usage("KAE_USER is set and KAE_PASS is not; set both, or neither")
	case c.user == "" && c.pass != "":
		return usage("KAE_PASS is set and KAE_USER is not; set both, or neither")
	case c.every > 0 && c.to == "":
		return usage("-backup-every is given and -backup-to is not: say where the backups go")
	case c.every == 0 && c.to != "":
		return usage("-backup-to is given and -backup-every is not: say how often a backup is made, such as 1h")
	case c.user != "" && c.noAuth:
		return usage("KAE_USER and KAE_PASS are set, and -no-auth lets everybody in without them; give one or the other")
	case c.user == "" && !c.noAuth && !isLoopback(c.addr):
		return usage("without a password kae does not listen on %s, beyond this machine: "+
			"set KAE_USER and KAE_PASS, or give -no-auth to let everybody in", c.addr)
	}
	return nil
}

// flagValue is a [cli.Value] that takes anything.
type flagValue struct {
	text   string
	set    bool
	toggle bool
}

func (v *flagValue) Set(text string) error {
	v.text, v.set = text, true
	return nil
}

func (v *flagValue) String() string   { return v.text }
func (v *flagValue) Get() any         { return v }
func (v *flagValue) IsBoolFlag() bool { return v.toggle }
