package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"

	"kae/internal/wrapper"
)

// ping is kae ping: one heartbeat.
func ping(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, variable, err := readCall("ping", args, true, getenv)
	switch {
	case cmp.Or(err, variable) != nil:
		return asUsage(cmp.Or(err, variable))
	case c.help:
		_, err := io.WriteString(stdout, wrappingHelp("ping"))
		return err
	}
	token, signal, err := c.heartbeat()
	if err != nil {
		return err
	}
	target, err := c.target(cmp.Or(token, c.token))
	if err != nil {
		return asUsage(err)
	}
	p := wrapper.Ping{
		Target: target, Signal: signal, Message: c.message, Agent: agent(),
		Spool: wrapper.OpenSpool(c.spool, getenv), Linger: c.linger, Stderr: stderr,
	}
	switch c.body {
	case "":
	case "-":
		p.Body = os.Stdin
	default:
		f, err := os.Open(c.body)
		if err != nil {
			return err
		}
		defer f.Close()
		p.Body = f
	}
	delivered, err := p.Send(ctx)
	switch {
	case errors.Is(err, wrapper.ErrLost):
		return exitStatus(exitFailed) // why is said already
	case err == nil && delivered:
		_, err = fmt.Fprintln(stdout, "delivered")
	}
	return err
}

// heartbeat tells the token from the signal; either may be missing.
func (c call) heartbeat() (token, signal string, err error) {
	words := c.args
	if len(words) > 0 && (wrapper.IsToken(words[0]) || len(words) > 1) {
		token, words = words[0], words[1:]
	}
	if len(words) > 1 {
		return "", "", usage("%q is one argument too many; “kae ping -help” shows what is possible", words[1])
	}
	if len(words) == 0 {
		return token, "", nil
	}
	n, err := strconv.ParseUint(words[0], 10, 8)
	if err != nil && !slices.Contains([]string{"start", "fail", "log"}, words[0]) {
		// It is not repeated: it may be a token with a typing error.
		return "", "", usage("what is said is neither a token nor start, fail, log or an exit status from 0 to 255")
	}
	if err == nil {
		return token, strconv.FormatUint(n, 10), nil
	}
	return token, words[0], nil
}

// flush is kae flush: it sends what is in the spool.
func flush(ctx context.Context, args []string, getenv func(string) string, stdout io.Writer) error {
	c, variable, err := readCall("flush", args, true, getenv)
	switch {
	case cmp.Or(err, variable) != nil:
		return asUsage(cmp.Or(err, variable))
	case c.help:
		_, err := io.WriteString(stdout, wrappingHelp("flush"))
		return err
	case len(c.args) > 0:
		return usage("%q is one argument too many; “kae flush -help” shows what is possible", c.args[0])
	}
	sent, left, err := wrapper.Flush(ctx, wrapper.OpenSpool(c.spool, getenv), agent(), c.linger)
	if _, printed := fmt.Fprintf(stdout, "%d sent, %d left\n", sent, left); err == nil {
		err = printed
	}
	return err
}

// asUsage makes any fault of how kae was called a usage error.
func asUsage(err error) error {
	if _, ok := errors.AsType[*usageError](err); ok {
		return err
	}
	return usage("%s", sentence(err))
}
