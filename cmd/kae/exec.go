package main

import (
	"cmp"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"

	"kae/internal/wrapper"
)

// exitStatus is the exit status of a command that kae has run. It is no fault
// of kae's: there is nothing to say about it.
type exitStatus int

func (s exitStatus) Error() string { return "exit status " + strconv.Itoa(int(s)) }

// execute is kae exec. Only a wrong call keeps the command from running; what
// is wrong with the token, or with a variable, is said, and the command runs
// without being reported.
func execute(args []string, getenv func(string) string, stdout, stderr io.Writer) error {
	c, variable, err := readCall("exec", args, false, getenv)
	switch {
	case err != nil:
		return err
	case c.help:
		_, err := io.WriteString(stdout, wrappingHelp("exec"))
		return err
	}
	token, command, err := c.commandLine()
	if err != nil {
		return err
	}
	target, err := c.target(cmp.Or(token, c.token))
	if err = cmp.Or(variable, err); err != nil {
		target = nil
		fmt.Fprintln(stderr, "kae: this run is not reported: "+sentence(err))
	}
	if c.shell {
		command = []string{cmp.Or(getenv("SHELL"), "/bin/sh"), "-c", command[0]}
	}
	env := os.Environ()
	if token == "" {
		// The command has no need of it, and what it prints may go anywhere.
		env = slices.DeleteFunc(env, func(v string) bool { return strings.HasPrefix(v, "KAE_TOKEN=") })
	}
	job := wrapper.Job{
		Args: command, Env: env, Stdin: os.Stdin, Stdout: stdout, Stderr: stderr,
		Target: target, Agent: agent(), Spool: wrapper.OpenSpool(c.spool, getenv),
		Wait: c.wait, Linger: c.linger, Timeout: c.timeout, KillAfter: c.killAfter, Output: c.output,
	}
	if status := job.Run(); status != 0 {
		return exitStatus(status)
	}
	return nil
}

// commandLine tells the token from the command. What follows the token is the
// command's: its flags are not looked at.
func (c call) commandLine() (token string, command []string, err error) {
	const how = "“kae exec -help” shows how"
	command = c.args
	switch {
	case c.dashed: // the token is in the variable, or nowhere
	case len(command) > 1 && command[1] == "--":
		token, command = command[0], command[2:]
	case len(command) > 0 && wrapper.IsToken(command[0]):
		token, command = command[0], command[1:]
		if len(command) > 0 && strings.HasPrefix(command[0], "-") {
			return "", nil, usage("%s stands after the token, where the command should be; flags of kae exec go before the token", command[0])
		}
	case len(command) > 0 && c.token == "":
		return "", nil, usage("what stands first is no token (20 letters, a UUID or a URL), and KAE_TOKEN is not set; %s", how)
	}
	switch {
	case len(command) == 0 || command[0] == "":
		return "", nil, usage("there is no command to run; %s", how)
	case c.shell && len(command) > 1:
		return "", nil, usage("with -shell the command is one argument: put it in quotes")
	}
	return token, command, nil
}
