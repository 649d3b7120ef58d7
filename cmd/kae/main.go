// Command kae keeps an eye on what runs by itself: it takes the heartbeats of
// processes, fires when one is missing, and shows how everything is doing.
//
// “kae” alone starts it; “kae serve -help” shows its settings.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	_ "time/tzdata" // zones for machines that have none

	"github.com/urfave/cli/v3"
	_ "golang.org/x/crypto/x509roots/fallback" // certificate authorities for machines that have none, such as an empty image

	"kae"
)

func main() {
	if len(os.Args) > 1 && os.Args[1] == "exec" {
		// Signals are for the command that it runs, which would inherit ignored ones.
		os.Exit(run(context.Background(), os.Args, os.Getenv, os.Stdout, os.Stderr))
	}
	// Whoever reads the log may go away; the watch goes on without them.
	signal.Ignore(syscall.SIGPIPE)
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	// The first signal ends kae in good order. From then on signals do what
	// they do to any program, so a second one ends it at once.
	context.AfterFunc(ctx, stop)
	os.Exit(run(ctx, os.Args, os.Getenv, os.Stdout, os.Stderr))
}

// Exit statuses.
const (
	exitOK     = 0
	exitFailed = 1
	exitUsage  = 2
)

// run is the program. It ends with ctx, uses no global state, and gives the
// exit status; what went wrong is one sentence on stderr.
func run(ctx context.Context, args []string, getenv func(string) string, stdout, stderr io.Writer) int {
	err := emptyToggle(args)
	if err == nil {
		err = commands(getenv, stdout, stderr).Run(ctx, withCommand(args))
	}
	if err == nil {
		return exitOK
	}
	if status, ok := errors.AsType[exitStatus](err); ok {
		return int(status)
	}
	fmt.Fprintln(stderr, "kae: "+sentence(err))
	if _, ok := errors.AsType[*usageError](err); ok {
		return exitUsage
	}
	return exitFailed
}

// usageError is a fault in how kae was called. Its text is a sentence.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

func usage(format string, a ...any) error { return &usageError{fmt.Sprintf(format, a...)} }

// sentence puts an error and its cause on one line.
func sentence(err error) string {
	text := err.Error()
	if e, ok := errors.AsType[*kae.Error](err); ok && e.Err != nil {
		text = strings.TrimRight(e.Message, ".") + ": " + e.Err.Error()
	}
	return strings.Join(strings.Fields(text), " ")
}

// withCommand makes “kae” and “kae -flag…” mean “kae serve …”.
func withCommand(args []string) []string {
	if len(args) > 1 {
		switch first := args[1]; {
		case !strings.HasPrefix(first, "-"):
			return args
		case strings.Trim(first, "-") == "help" || first == "-h":
			return []string{args[0], "help"}
		case strings.Trim(first, "-") == "version":
			return []string{args[0], "version"}
		}
	}
	return append([]string{"kae", "serve"}, args[min(1, len(args)):]...)
}

// emptyToggle refuses “-no-auth=”. The parser takes it for true, but whoever
// writes -no-auth=$X means nothing of the kind when X is empty.
func emptyToggle(args []string) error {
	if withCommand(args)[1] != "serve" {
		return nil
	}
	for _, s := range settingsOf("serve") {
		if s.toggle && (slices.Contains(args, "-"+s.flag+"=") || slices.Contains(args, "--"+s.flag+"=")) {
			return usage("-%s= needs a value, true or false", s.flag)
		}
	}
	return nil
}

// commands gives all that kae can do.
func commands(getenv func(string) string, stdout, stderr io.Writer) *cli.Command {
	flags := newFlags("serve")
	root := &cli.Command{
		Name:      "kae",
		Writer:    stdout,
		ErrWriter: stderr,
		// Help is a command of its own below.
		HideHelpCommand:               true,
		CustomRootCommandHelpTemplate: rootHelp,
		Commands: []*cli.Command{
			{
				Name:               "serve",
				Flags:              flags.cli(),
				CustomHelpTemplate: serveHelp(),
				Action: func(ctx context.Context, c *cli.Command) error {
					if err := noArguments(c); err != nil {
						return err
					}
					cfg, err := flags.config(getenv)
					if err != nil {
						return err
					}
					return serve(ctx, cfg, stdout, stderr)
				},
			},
			wrapped("exec", func(_ context.Context, args []string) error { return execute(args, getenv, stdout, stderr) }),
			wrapped("ping", func(ctx context.Context, args []string) error { return ping(ctx, args, getenv, stdout, stderr) }),
			wrapped("flush", func(ctx context.Context, args []string) error { return flush(ctx, args, getenv, stdout) }),
			nextCommand(getenv, stdout),
			demoCommand(stdout, stderr),
			backupCommand(getenv, stdout, stderr),
			restoreCommand(getenv, stdout, stderr),
			checkCommand(getenv, stdout, stderr),
			healthcheckCommand(getenv, stdout),
			completionCommand(stdout),
			manCommand(stdout),
			{
				Name:               "version",
				CustomHelpTemplate: rootHelp,
				Action: func(_ context.Context, c *cli.Command) error {
					if err := noArguments(c); err != nil {
						return err
					}
					_, err := fmt.Fprintln(stdout, versionLine())
					return err
				},
			},
			{
				Name:               "help",
				CustomHelpTemplate: rootHelp,
				Action: func(_ context.Context, c *cli.Command) error {
					text := helpOf(c.Args().First())
					if text == "" || c.Args().Len() > 1 {
						return usage("there is no help about %q; “kae help” shows all commands", strings.Join(c.Args().Slice(), " "))
					}
					_, err := io.WriteString(stdout, text)
					return err
				},
			},
		},
		Action: func(_ context.Context, c *cli.Command) error {
			return usage("there is no command %q; “kae help” shows those that there are", c.Args().First())
		},
		// The caller of Run decides about exit statuses.
		ExitErrHandler: func(context.Context, *cli.Command, error) {},
	}
	for _, c := range root.Commands {
		c.OnUsageError = func(_ context.Context, c *cli.Command, err error, _ bool) error {
			return misused(c, err)
		}
	}
	return root
}

// wrapped is a command that reads its arguments itself: those of another
// command are among them.
func wrapped(name string, do func(ctx context.Context, args []string) error) *cli.Command {
	return &cli.Command{
		Name: name, SkipFlagParsing: true, HideHelp: true,
		Action: func(ctx context.Context, c *cli.Command) error { return do(ctx, c.Args().Slice()) },
	}
}

func noArguments(c *cli.Command) error {
	if c.Args().Present() {
		return usage("%q is one argument too many; “kae %s -help” shows what is possible", c.Args().First(), c.Name)
	}
	return nil
}

// misused puts what the parser of flags says into kae's words.
func misused(c *cli.Command, err error) error {
	text := err.Error()
	hint := fmt.Sprintf("; “kae %s -help” shows those that there are", c.Name)
	if name, ok := strings.CutPrefix(text, "flag provided but not defined: -"); ok {
		return usage("there is no flag -%s%s", name, hint)
	}
	if name, ok := strings.CutPrefix(text, "flag needs an argument: "); ok {
		return usage("the flag -%s needs a value", strings.TrimLeft(name, "-"))
	}
	return usage("%s%s", text, hint)
}
