package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
)

const rootHelp = `kae keeps an eye on what runs by itself: processes send heartbeats, and a token
whose heartbeat is missing fires.

Usage:

  kae [serve] [-flag value …]   watch tokens, take heartbeats, show the console
  kae exec TOKEN -- command …   run a command and report how it went
  kae ping TOKEN [signal]       send one heartbeat
  kae flush                     send the heartbeats that could not be delivered
  kae next EXPR [-flag value …] show when heartbeats would be expected
  kae demo                      try the console with made-up tokens
  kae backup DEST               copy the database, whether kae runs or not
  kae restore SRC               put a backup in the place of the database
  kae check [FILE]              look whether the database, or a backup, is sound
  kae healthcheck               ask the kae that runs here whether all is well
  kae version                   tell which kae this is
  kae help                      show this

“kae serve -help” shows every setting; all but version have a -help, too.
`

const settingsRule = "A flag beats its variable, and a variable beats the default. An empty variable counts as not set. " +
	"Flags are taken with one dash or two."

// serveHelp shows every setting: how to write it, its default, what it is for.
func serveHelp() string {
	var b strings.Builder
	b.WriteString("kae serve watches tokens, takes heartbeats and shows the console.\n\n")
	b.WriteString("Usage: kae [serve] [-flag value …]\n\n")
	b.WriteString(wrap(settingsRule, "", 80))
	listSettings(&b, "serve")
	return b.String()
}

func listSettings(b *strings.Builder, command string) {
	for _, s := range settingsOf(command) {
		names := s.env
		if s.flag != "" {
			names = "-" + s.flag + ", " + s.env
		}
		fmt.Fprintf(b, "\n  %s  (%s; default: %s)\n", names, s.unit, s.normal())
		b.WriteString(wrap(s.help, "      ", 80))
	}
}

// wrappingHead says what exec, ping and flush do.
var wrappingHead = map[string]string{
	"exec": `kae exec runs a command and reports its start, its end and the end of its
output. The command's input, output, signals and exit status are its own.

Usage: kae exec [-flag value …] TOKEN -- command [argument …]
       kae exec [-flag value …] -- command [argument …]       (with KAE_TOKEN)

TOKEN is a token's value, its UUID, a whole URL, or file:/path of a file that
holds one of them. What follows it is the command.

The exit status is the command's. 128 + n: killed by signal n. 124: it overran
its -timeout. 127: there is no such command. 126: it can't be run. 2: kae exec
was called wrongly.
`,
	"ping": `kae ping sends one heartbeat.

Usage: kae ping [-flag value …] [TOKEN] [start|fail|log|0…255]

Without a word the heartbeat is a success; a number is an exit status. It says
“delivered”, or that the heartbeat is kept until later; both are exit status 0.
A heartbeat that is refused for good, or lost, is 1.
`,
	"flush": `kae flush sends the heartbeats that could not be delivered, oldest first.

Usage: kae flush [-flag value …]

The exit status is 0 when nothing is left, else 1.
`,
}

// wrappingHelp shows how to call exec, ping or flush.
func wrappingHelp(command string) string {
	var b strings.Builder
	b.WriteString(wrappingHead[command])
	for _, o := range optionsOf(command) {
		fmt.Fprintf(&b, "\n  %s  (%s; default: %s)\n", o.names(", "), o.unit, cmp.Or(o.shown, o.value))
		b.WriteString(wrap(o.help, "      ", 80))
	}
	return b.String()
}

// names gives an option's flag and variable.
func (o option) names(between string) string {
	var names []string
	if o.flag != "" {
		names = append(names, "-"+o.flag)
	}
	if o.env != "" {
		names = append(names, o.env)
	}
	return strings.Join(names, between)
}

// normal gives the default for people.
func (s setting) normal() string {
	if s.shown != "" {
		return s.shown
	}
	return s.value
}

// configurationPage is docs/configuration.md.
func configurationPage() string {
	var b strings.Builder
	b.WriteString("# Configuration\n\n" +
		"<!-- Made from cmd/kae/settings.go by: go test ./cmd/kae -run Configuration -update -->\n\n" +
		settingsRule + "\n\n" +
		"| flag | variable | of | default | write | |\n|---|---|---|---|---|---|\n")
	for _, s := range slices.Concat(settings, backupSettings) {
		flag, normal := "", s.normal()
		if s.flag != "" {
			flag = "`-" + s.flag + "`"
		}
		if s.value != "" {
			normal = "`" + normal + "`"
		}
		fmt.Fprintf(&b, "| %s | `%s` | %s | %s | %s | %s |\n",
			flag, s.env, strings.ReplaceAll(cmp.Or(s.of, "serve"), " ", ", "), normal, s.unit, s.help)
	}
	b.WriteString(`
## Secrets

` + "`KAE_USER`, `KAE_PASS`, `AWS_SECRET_ACCESS_KEY`, `AWS_SESSION_TOKEN` and a `postgres://` URL may be read from a file: set them to `file:/path`." + `
The end of the file's line does not count. systemd's credentials and the secrets of Docker and Kubernetes are such files:

` + "```sh\nKAE_USER=admin KAE_PASS=file:/run/secrets/kae_pass kae -addr :20999\n```" + `

## Who gets in

On loopback kae asks for no password unless one is set. Its console then answers only under the name localhost or a loopback address, and to no proxy. Beyond loopback it starts only with ` + "`KAE_USER` and `KAE_PASS`, or with `-no-auth`" + ` (which goes with no password).
Heartbeats never need the password: the token's value in their URL is their secret.

## Exit status

0 after a stop by a signal, 2 for wrong usage, 1 for anything else that fails. What is wrong is one sentence on standard error.
`)
	return b.String()
}

// wrap breaks text into lines of at most width columns, indent included.
func wrap(text, indent string, width int) string {
	var b strings.Builder
	column := 0
	for _, word := range strings.Fields(text) {
		n := len([]rune(word))
		switch {
		case column == 0:
			b.WriteString(indent)
			column = len(indent)
		case column+1+n > width:
			b.WriteString("\n" + indent)
			column = len(indent)
		default:
			b.WriteByte(' ')
			column++
		}
		b.WriteString(word)
		column += n
	}
	return b.String() + "\n"
}

// optionsTable is the end of docs/exec.md.
func optionsTable() string {
	var b strings.Builder
	b.WriteString("| flag | variable | of | default | write | |\n|---|---|---|---|---|---|\n")
	for _, o := range options {
		flag, env, normal := "", "", o.shown
		if o.flag != "" {
			flag = "`-" + o.flag + "`"
		}
		if o.env != "" {
			env = "`" + o.env + "`"
		}
		if o.value != "" {
			normal = "`" + o.value + "`"
		}
		fmt.Fprintf(&b, "| %s | %s | %s | %s | %s | %s |\n", flag, env, strings.ReplaceAll(o.of, " ", ", "), normal, o.unit, o.help)
	}
	return b.String()
}
