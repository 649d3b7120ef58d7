package main

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strings"
	"text/template"

	"github.com/urfave/cli/v3"
)

const completionHelp = `kae completion prints a script that makes a shell complete commands and flags.

Usage: kae completion bash|zsh|fish

  bash  add to ~/.bashrc:                   source <(kae completion bash)
  zsh   add to ~/.zshrc, after compinit:    source <(kae completion zsh)
  fish  add to ~/.config/fish/config.fish:  kae completion fish | source

The Debian package brings all three along.
`

//go:embed completion.tmpl
var completionText string

// completions is one template a shell. They are kae's own, not the parser's:
// kae's flags have one dash, and what follows the token of kae exec is
// completed as another command's.
var completions = template.Must(template.New("").Funcs(template.FuncMap{
	"entries": func(command string) []entry {
		return slices.DeleteFunc(entriesOf(command), func(e entry) bool { return e.Flag == "" })
	},
	"choices": choices, "files": wantsFile, "short": firstWords, "quote": shellWord,
	"colons": func(text string) string { return strings.ReplaceAll(text, ":", `\:`) },
	"brackets": func(text string) string {
		return strings.NewReplacer(":", `\:`, "[", `\[`, "]", `\]`).Replace(text)
	},
	"zsh": func(unit string) string {
		if all := choices(unit); all != "" {
			return "(" + all + ")"
		}
		if wantsFile(unit) {
			return "_files"
		}
		return " "
	},
	"plain": func(command string) string {
		var all []string
		for _, e := range entriesOf(command) {
			if e.Flag != "" && !e.Toggle && choices(e.Unit) == "" && !wantsFile(e.Unit) {
				all = append(all, "-"+e.Flag)
			}
		}
		return strings.Join(all, " | ")
	},
	"names": func() string {
		var all []string
		for _, t := range topics {
			all = append(all, t.Name)
		}
		return strings.Join(all, " ")
	},
}).Parse(completionText))

func completionCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name: "completion", CustomHelpTemplate: completionHelp,
		Action: func(_ context.Context, c *cli.Command) error {
			shell := c.Args().First()
			if c.Args().Len() != 1 || completions.Lookup(shell) == nil || shell == "" {
				return usage("kae completion needs the name of a shell: bash, zsh or fish")
			}
			return completions.ExecuteTemplate(stdout, shell, topics)
		},
	}
}

var words = regexp.MustCompile(`^[a-z-]+(, [a-z-]+)* or [a-z-]+$`)

// choices gives all that may be written, where a unit names that.
func choices(unit string) string {
	if !words.MatchString(unit) {
		return ""
	}
	return strings.NewReplacer(",", "", " or ", " ").Replace(unit)
}

// wantsFile tells whether a unit is a name in the file system, or may be one.
func wantsFile(unit string) bool {
	first, _, _ := strings.Cut(unit, " ")
	return slices.Contains([]string{"file", "directory", "place"}, first)
}

// firstWords is short enough for a list.
func firstWords(help string) string {
	return strings.TrimSuffix(sentenceEnd.Split(help, 2)[0], ".")
}

var sentenceEnd = regexp.MustCompile(`[.,;:] `)

// shellWord is one word of any of the shells.
func shellWord(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

const manHelp = `kae man prints the manual page, in roff.

Usage: kae man | man -l -
`

func manCommand(stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name: "man", CustomHelpTemplate: manHelp,
		Action: func(_ context.Context, c *cli.Command) error {
			if err := noArguments(c); err != nil {
				return err
			}
			_, err := io.WriteString(stdout, manual())
			return err
		},
	}
}

// manual is kae(1), for the macros of man(7).
func manual() string {
	var b strings.Builder
	fmt.Fprintf(&b, ".TH KAE 1 \"\" \"kae %s\"\n", roff(versionName()))
	b.WriteString(".SH NAME\nkae \\- keep an eye on what runs by itself\n.SH SYNOPSIS\n.nf\n")
	for _, t := range topics {
		fmt.Fprintf(&b, "\\fBkae %s\\fR %s\n", roff(t.Name), roff(t.Call))
	}
	b.WriteString(".fi\n.SH DESCRIPTION\n" + roff(strings.TrimSpace(rootHead)) + "\n.PP\n" + roff(settingsRule) + "\n.SH COMMANDS\n")
	for _, t := range topics {
		fmt.Fprintf(&b, ".SS kae %s\n", roff(t.Name))
		entries := entriesOf(t.Name)
		head := strings.TrimSpace(helpOf(t.Name))
		if helpOf(t.Name) == rootHelp {
			head = strings.ToUpper(t.Says[:1]) + t.Says[1:] + "."
		} else if len(entries) > 0 {
			head, _, _ = strings.Cut(head, "\n\n  "+entries[0].names()+"  (")
		}
		if t.Name == "serve" {
			head = strings.TrimSpace(serveHead)
		}
		b.WriteString(".nf\n" + roff(head) + "\n.fi\n")
		for _, e := range entries {
			fmt.Fprintf(&b, ".TP\n\\fB%s\\fR (%s; default: %s)\n%s\n", roff(e.names()), roff(e.Unit), roff(cmp.Or(e.Normal, "none")), roff(e.Help))
		}
	}
	b.WriteString(`.SH FILES
.TP
\fB/etc/kae/kae.env\fR
Settings of the service kae.service, a variable a line.
.TP
\fB/etc/kae/pass\fR
The password of the service's console, whose user is admin.
.TP
\fB/var/lib/kae\fR
The service's database.
.SH EXIT STATUS
0 after a stop by a signal, 2 for wrong usage, 1 for anything else that fails.
.SH SEE ALSO
.BR systemd.service (5),
.BR crontab (5)
`)
	return b.String()
}

// roff writes text so that nothing in it is taken for a request.
func roff(text string) string {
	text = strings.NewReplacer(`\`, `\e`, "-", `\-`, "“", `\(lq`, "”", `\(rq`, "…", "...", "–", `\(en`).Replace(text)
	lines := strings.Split(text, "\n")
	for i, line := range lines {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			lines[i] = `\&` + line
		}
	}
	return strings.Join(lines, "\n")
}
