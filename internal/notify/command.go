package notify

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"kae"
)

var command = Kind{
	Name: "command", Label: "Command",
	About: "A program on kae's machine; only where kae was started with -allow-commands.",
	Fields: []Field{
		{Name: "program", Label: "Program", Hint: "/usr/local/bin/page-me", Required: true, check: isProgram},
		{Name: "arguments", Label: "Arguments", Hint: "one a line", Long: true},
	},
	send:  runCommand,
	where: "program",
}

// inherited is what of kae's own environment a program sees: kae's password is
// in there, too.
var inherited = []string{"PATH", "HOME", "USER", "LANG", "LC_ALL", "TZ", "TMPDIR", "SSL_CERT_FILE", "SSL_CERT_DIR", "HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy"}

// runCommand runs the program with the webhook's JSON as its input. Exit status
// 0 is an acceptance; with any other it is run again later.
func runCommand(ctx context.Context, o *outside, s settings, m Message) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, o.patience())
	defer cancel()
	p := payloadOf(m)
	input, err := plainJSON(p)
	if err != nil {
		return "", err
	}
	var arguments []string
	for line := range strings.Lines(s["arguments"]) {
		if line = strings.TrimRight(line, "\r\n"); line != "" {
			arguments = append(arguments, line)
		}
	}
	output := &lastBytes{}
	cmd := exec.CommandContext(ctx, s["program"], arguments...)
	cmd.Env, cmd.Stdin, cmd.Stdout, cmd.Stderr = environment(p), bytes.NewReader(input), output, output
	// Its children go with it, and hold nobody up who outlives it.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = time.Second
	err = cmd.Run()
	said := lastLine(output.String())
	exit, exited := errors.AsType[*exec.ExitError](err)
	switch {
	case err == nil, errors.Is(err, exec.ErrWaitDelay):
		return strings.TrimSuffix("exit status 0: "+said, ": "), nil
	case ctx.Err() != nil:
		return "", fmt.Errorf("the command did not end within %s: %w", o.patience(), ctx.Err())
	case exited:
		return "", &Refused{Answer: strings.TrimSuffix("The command ended with "+exit.String()+": "+said, ": ")}
	}
	return "", fmt.Errorf("the command can't be run: %w", err)
}

// environment tells the alert to programs that read no JSON. Of several alerts
// it tells the first.
func environment(p payload) []string {
	var env []string
	for _, name := range inherited {
		if value, ok := os.LookupEnv(name); ok {
			env = append(env, name+"="+value)
		}
	}
	told := map[string]string{
		"KEY": p.Key, "TITLE": p.Title, "TEXT": p.Text, "FIRING": fmt.Sprint(p.Firing), "TEST": fmt.Sprint(p.Test), "ALERTS": fmt.Sprint(len(p.Alerts)),
	}
	if len(p.Alerts) > 0 {
		first := p.Alerts[0]
		told["TOKEN"], told["TOKEN_ID"], told["TAGS"] = first.Token.Name, fmt.Sprint(first.Token.ID), strings.Join(first.Token.Tags, " ")
		told["REASON"], told["URL"], told["ACKNOWLEDGE_URL"] = string(first.Reason), first.URL, first.Answer
	}
	for name, value := range told {
		// Programs get at most 128 kB in one variable.
		env = append(env, "KAE_ALERT_"+name+"="+kae.CleanText(value, 20_000))
	}
	return env
}

// lastBytes keeps the end of what is written to it.
type lastBytes struct{ kept []byte }

func (l *lastBytes) Write(b []byte) (int, error) {
	const most = 4_000
	l.kept = append(l.kept, b...)
	if extra := len(l.kept) - most; extra > 0 {
		l.kept = append(l.kept[:0], l.kept[extra:]...)
	}
	return len(b), nil
}

func (l *lastBytes) String() string { return string(l.kept) }

func lastLine(text string) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	return firstLine(lines[len(lines)-1])
}

func isProgram(value string) string {
	if !filepath.IsAbs(value) {
		return "Name the program with its whole path, such as /usr/local/bin/page-me; arguments have a field of their own."
	}
	return ""
}
