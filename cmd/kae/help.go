package main

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"github.com/urfave/cli/v3"
)

// topic is one thing that kae can do. Help, the manual page and completion
// come from these declarations and from those of the flags.
type topic struct {
	Name string
	Call string // what is written after it, in short
	Says string // what it does, in a few words
	Args string // what completion offers for its arguments: files, topics, or words
}

var topics = []topic{
	{"serve", "[-flag value …]", "watch tokens, take heartbeats, show the console", ""},
	{"exec", "TOKEN -- command …", "run a command and report how it went", "command"},
	{"ping", "TOKEN [signal]", "send one heartbeat", "start fail log"},
	{"flush", "", "send the heartbeats that could not be delivered", ""},
	{"next", "EXPR [-flag value …]", "show when heartbeats would be expected", ""},
	{"demo", "", "try the console with made-up tokens", ""},
	{"backup", "DEST", "copy the database, whether kae runs or not", "files"},
	{"restore", "SRC", "put a backup in the place of the database", "files"},
	{"check", "[FILE]", "look whether the database, or a backup, is sound", "files"},
	{"healthcheck", "", "ask the kae that runs here whether all is well", ""},
	{"completion", "SHELL", "print what makes bash, zsh or fish complete kae", "bash zsh fish"},
	{"man", "", "print the manual page", ""},
	{"version", "", "tell which kae this is", ""},
	{"help", "", "show this", "topics"},
}

const rootHead = `kae keeps an eye on what runs by itself: processes send heartbeats, and a token
whose heartbeat is missing fires.
`

// rootHelp shows the commands. That of serve may be left out.
var rootHelp = func() string {
	var b strings.Builder
	b.WriteString(rootHead + "\nUsage:\n\n")
	for _, t := range topics {
		call := t.Name + " " + t.Call
		if t.Name == "serve" {
			call = "[serve] " + t.Call
		}
		fmt.Fprintf(&b, "  kae %-25s %s\n", call, t.Says)
	}
	b.WriteString("\n“kae serve -help” shows every setting; all but version have a -help, too.\n")
	return b.String()
}()

// helpOf shows how to use a command; "" where there is none of that name.
func helpOf(command string) string {
	switch command {
	case "serve":
		return serveHelp()
	case "next", "demo":
		return listed(map[string]string{"next": nextHead, "demo": demoHead}[command], command)
	case "exec", "ping", "flush":
		return wrappingHelp(command)
	case "backup", "restore", "check", "healthcheck":
		return operatorHelp(command)
	case "completion":
		return completionHelp
	case "man":
		return manHelp
	case "", "version", "help":
		return rootHelp
	}
	return ""
}

// entry is a flag, a variable, or both, as people are shown them.
type entry struct {
	Flag   string // without its dash
	Env    string
	Unit   string // what to write
	Normal string // the default, in words
	Help   string // sentences
	Toggle bool   // a flag without a value
}

// entriesOf gives what can be set for a command.
func entriesOf(command string) []entry {
	var all []entry
	for _, s := range settingsOf(command) {
		all = append(all, entry{s.flag, s.env, s.unit, s.normal(), s.help, s.toggle})
	}
	for _, o := range optionsOf(command) {
		all = append(all, entry{o.flag, o.env, o.unit, cmp.Or(o.shown, o.value), o.help, o.toggle})
	}
	switch command {
	case "next":
		all = append(all, nextEntries...)
	case "demo":
		all = append(all, demoEntries...)
	}
	return all
}

// names gives an entry's flag and variable.
func (e entry) names() string {
	switch {
	case e.Flag == "":
		return e.Env
	case e.Env == "":
		return "-" + e.Flag
	}
	return "-" + e.Flag + ", " + e.Env
}

// cliFlags gives the flags of entries whose command reads them itself.
func cliFlags(entries []entry) []cli.Flag {
	var all []cli.Flag
	for _, e := range entries {
		all = append(all, &cli.StringFlag{Name: e.Flag})
	}
	return all
}

// listed puts what can be set after what a command does.
func listed(head, command string) string {
	var b strings.Builder
	b.WriteString(head)
	for _, e := range entriesOf(command) {
		fmt.Fprintf(&b, "\n  %s  (%s; default: %s)\n", e.names(), e.Unit, e.Normal)
		b.WriteString(wrap(e.Help, "      ", 80))
	}
	return b.String()
}

const settingsRule = "A flag beats its variable, and a variable beats the default. An empty variable counts as not set. " +
	"Flags are taken with one dash or two."

const serveHead = `kae serve watches tokens, takes heartbeats and shows the console.

Usage: kae [serve] [-flag value …]

`

// serveHelp shows every setting: how to write it, its default, what it is for.
func serveHelp() string { return listed(serveHead+wrap(settingsRule, "", 80), "serve") }

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
func wrappingHelp(command string) string { return listed(wrappingHead[command], command) }

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
