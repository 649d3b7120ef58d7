package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"kae"
	"kae/internal/wrapper"
)

// wrapping is what the options of exec, ping and flush come to.
type wrapping struct {
	base      string // where kae is, without a slash at its end
	token     string // from KAE_TOKEN
	spool     string // a directory; "" is the user's own
	linger    time.Duration
	wait      time.Duration
	timeout   time.Duration
	killAfter time.Duration
	output    wrapper.Output
	shell     bool
	message   string
	body      string // a file; "-" is standard input
}

// option is one thing that can be set for a heartbeat that kae itself sends.
// Flags, help, docs/exec.md and the reading of values come from this
// declaration, as for [setting].
type option struct {
	of     string // the commands that have it
	flag   string // without its dash; "" where there is only a variable
	env    string // "" where there is only a flag
	value  string // the default, as somebody would write it
	shown  string // the default in words, where value does not say it
	unit   string
	help   string
	toggle bool
	set    func(w *wrapping, text string) error
}

var options = []option{
	{
		of: "exec ping", env: "KAE_TOKEN", shown: "none", unit: "token",
		help: "The token, where it is not given as an argument: a value, a UUID or a whole URL. Like the argument it may stand in a file: file:/path.",
		set: func(w *wrapping, text string) error {
			w.token = text
			return nil
		},
	},
	{
		of: "exec ping", flag: "url", env: "KAE_URL", value: "http://127.0.0.1:20999", unit: "URL",
		help: "Where kae is. It does not matter for a token that is a whole URL.",
		set: func(w *wrapping, text string) (err error) {
			w.base, err = parseURL(text)
			return err
		},
	},
	{
		of: "exec", flag: "timeout", shown: "never", unit: "length of time",
		help: "End the command after this time and report that it overran; the exit status is 124.",
		set: func(w *wrapping, text string) (err error) {
			w.timeout, err = parseSpan(text)
			return err
		},
	},
	{
		of: "exec", flag: "kill-after", value: "10s", unit: "length of time",
		help: "How long a command that is being ended has, from SIGTERM to SIGKILL.",
		set: func(w *wrapping, text string) (err error) {
			w.killAfter, err = parseSpan(text)
			return err
		},
	},
	{
		of: "exec", flag: "shell", shown: "off", unit: "true or false", toggle: true,
		help: "Take the command for one line of shell, run by $SHELL (/bin/sh if that is not set).",
		set: func(w *wrapping, text string) (err error) {
			w.shell, err = parseBool(text)
			return err
		},
	},
	{
		of: "exec", flag: "output", value: "tail", unit: "tail, on-failure or none",
		help: "What is sent of the command's output: its last 10,000 bytes, those of runs that failed only, or nothing. With none the command writes straight to where kae exec would, such as a terminal.",
		set: func(w *wrapping, text string) error {
			word, err := parseWord(text, "tail", "on-failure", "none")
			w.output = wrapper.Output(word)
			return err
		},
	},
	{
		of: "ping", flag: "m", shown: "none", unit: "text",
		help: "A message, of at most 1,000 characters.",
		set: func(w *wrapping, text string) error {
			w.message = text
			return nil
		},
	},
	{
		of: "ping", flag: "body", shown: "none", unit: "file",
		help: "A file whose last 10,000 bytes are sent along; - is standard input.",
		set: func(w *wrapping, text string) error {
			w.body = text
			return nil
		},
	},
	{
		of: "exec", flag: "wait", value: "2s", unit: "length of time",
		help: "The longest that the command waits for its start to be told. With 0 it never waits.",
		set: func(w *wrapping, text string) (err error) {
			w.wait, err = parseSpan(text)
			return err
		},
	},
	{
		of: "exec ping flush", flag: "linger", value: "5s", unit: "length of time",
		help: "How long kae goes on trying to deliver, once there is nothing else to do. With 0 it is left to the spool.",
		set: func(w *wrapping, text string) (err error) {
			w.linger, err = parseSpan(text)
			return err
		},
	},
	{
		of: "exec ping flush", flag: "spool", env: "KAE_SPOOL", shown: "the user's own", unit: "directory",
		help: "Where heartbeats are kept that could not be delivered. The user's own is $XDG_STATE_HOME/kae, or else ~/.local/state/kae.",
		set: func(w *wrapping, text string) error {
			w.spool = text
			return nil
		},
	},
}

// optionsOf gives the options of one command.
func optionsOf(command string) []option {
	var all []option
	for _, o := range options {
		if strings.Contains(" "+o.of+" ", " "+command+" ") {
			all = append(all, o)
		}
	}
	return all
}

// call is how one of the commands was called.
type call struct {
	wrapping
	args   []string // what is no flag
	dashed bool     // args followed “--”
	help   bool     // -help was asked for
}

// readCall reads a command's arguments and variables. Flags end at the first
// argument that is none, or, where mixed, may stand anywhere before “--”. A
// fault of a flag is a wrong usage; that of a variable is given apart, since it
// must not keep a command from running.
func readCall(command string, args []string, mixed bool, getenv func(string) string) (c call, variable, err error) {
	given := map[string]string{}
	for len(args) > 0 {
		word := args[0]
		if word == "--" {
			c.args, c.dashed, args = append(c.args, args[1:]...), true, nil
			break
		}
		if len(word) < 2 || word[0] != '-' {
			if !mixed {
				c.args, args = args, nil
				break
			}
			c.args, args = append(c.args, word), args[1:]
			continue
		}
		name, text, args2, err := readFlag(command, args)
		if err != nil {
			return c, nil, err
		}
		if c.help = name == "help"; c.help {
			return c, nil, nil
		}
		given[name], args = text, args2
	}
	for _, o := range optionsOf(command) {
		if text, ok := given[o.flag]; ok && o.flag != "" {
			if err := o.set(&c.wrapping, text); err != nil {
				return c, nil, usage("-%s %q can't be used: %v", o.flag, text, err)
			}
			continue
		}
		if text := getenv(o.env); o.env != "" && text != "" {
			if err := o.set(&c.wrapping, text); err != nil {
				variable = errors.Join(variable, fmt.Errorf("%s %q can't be used: %w", o.env, text, err))
			}
		} else if o.value != "" {
			if err := o.set(&c.wrapping, o.value); err != nil {
				return c, nil, usage("the default of -%s is wrong: %v", o.flag, err)
			}
		}
	}
	return c, variable, nil
}

// readFlag reads the flag that args begin with and gives what follows it.
func readFlag(command string, args []string) (name, text string, rest []string, err error) {
	name, text, with := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(args[0], "-"), "-"), "=")
	if name == "help" || name == "h" {
		return "help", "", nil, nil
	}
	rest = args[1:]
	for _, o := range optionsOf(command) {
		switch {
		case o.flag == "" || o.flag != name:
			continue
		case o.toggle && with && text == "":
			return "", "", nil, usage("-%s= needs a value, true or false", name)
		case o.toggle && !with:
			text = "true"
		case !with && len(rest) == 0:
			return "", "", nil, usage("the flag -%s needs a value", name)
		case !with:
			text, rest = rest[0], rest[1:]
		}
		return name, text, rest, nil
	}
	return "", "", nil, usage("there is no flag -%s; “kae %s -help” shows those that there are", name, command)
}

// target resolves a token, which may stand in a file.
func (w wrapping) target(token string) (*wrapper.Target, error) {
	if token == "" {
		return nil, &kae.Error{Code: kae.Invalid, Message: "no token is given, and KAE_TOKEN is not set"}
	}
	text, err := readSecret(token)
	if err != nil {
		return nil, &kae.Error{Code: kae.Invalid, Message: "the token can't be read", Err: err}
	}
	return wrapper.ParseTarget(text, w.base)
}

// parseSpan reads a length of time, shorter ones than a second, too.
func parseSpan(text string) (time.Duration, error) {
	if d, err := kae.ParseDuration(text); err == nil {
		return d, nil
	}
	if d, err := time.ParseDuration(text); err == nil && d >= 0 {
		return d, nil
	}
	return 0, possible("a length of time such as 500ms, 90s, 30m or 1h30m; a bare number is seconds")
}

func agent() string { return "kae/" + versionName() }
