package main

import (
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// completed gives what bash offers for a line that is being written.
func completed(t *testing.T, line string) string {
	t.Helper()
	words := strings.Split(line, " ")
	script := `source <(kae completion bash) || exit; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); compopt() { COMPREPLY=("$2"); }; _kae; printf '%s\n' "${COMPREPLY[@]}"`
	cmd := exec.Command("bash", append([]string{"--norc", "-c", script, "bash"}, words...)...)
	cmd.Dir = filepath.Join("..", "..", "testdata")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("%q: %v %s", line, err, stderr.String())
	}
	return strings.Join(slices.Compact(strings.Fields(string(out))), " ")
}

func TestBashCompletesCommandsFlagsAndValues(t *testing.T) {
	if _, err := exec.LookPath("bash"); err != nil {
		t.Skip(err) // as on the BSDs; make test runs where there is one
	}
	for line, want := range map[string]string{
		"kae re":                         "restore",
		"kae ":                           "serve exec ping flush next demo backup restore check healthcheck completion man version help",
		"kae -log":                       "-log-format -log-level",
		"kae serve -log":                 "-log-format -log-level",
		"kae serve -no-auth -tr":         "-trust-proxy",
		"kae serve -log-format ":         "auto text json",
		"kae serve -log-format = j":      "json",
		"kae --log-level = ":             "debug info warn error",
		"kae serve -addr ":               "",
		"kae serve -db ":                 "default", // names of files
		"kae next -":                     "-tz -after -n -help",
		"kae completion ":                "bash zsh fish",
		"kae help ba":                    "backup",
		"kae backup ":                    "default",
		"kae ping bbbbb f":               "fail",
		"kae exec -out":                  "-output",
		"kae exec -output ":              "tail on-failure none",
		"kae exec bbbbb basenam":         "basename",
		"kae exec -shell b -- basenam":   "basename",
		"kae exec -wait 2s b basenam":    "basename",
		"kae exec -- basenam":            "basename",
		"kae exec bbbbb -- basename -ou": "default",
	} {
		if got := completed(t, line); got != want {
			t.Errorf("%q is completed by %q, want %q", line, got, want)
		}
	}
}

// What completion offers has to be taken.
func TestEveryChoiceIsTaken(t *testing.T) {
	for _, s := range settings {
		for word := range strings.FieldsSeq(choices(s.unit)) {
			if err := s.set(&config{given: map[string]bool{}}, word); err != nil {
				t.Errorf("-%s %s: %v", s.flag, word, err)
			}
		}
	}
	for _, o := range options {
		for word := range strings.FieldsSeq(choices(o.unit)) {
			if err := o.set(&wrapping{}, word); err != nil {
				t.Errorf("-%s %s: %v", o.flag, word, err)
			}
		}
	}
}

func TestEveryCommandIsDeclaredAndHasHelp(t *testing.T) {
	text := manual()
	var names []string
	for _, c := range commands(nil, nil, nil).Commands {
		names = append(names, c.Name)
		if helpOf(c.Name) == "" {
			t.Errorf("there is no help about %s", c.Name)
		}
		if !strings.Contains(text, "\n.SS kae "+c.Name+"\n") {
			t.Errorf("the manual page says nothing about %s", c.Name)
		}
		for _, e := range entriesOf(c.Name) {
			if want := "\n\\fB" + roff(e.names()) + "\\fR ("; !strings.Contains(text, want) {
				t.Errorf("the manual page does not show %s of %s", e.names(), c.Name)
			}
		}
	}
	if len(names) != len(topics) {
		t.Errorf("%d commands, %d declared", len(names), len(topics))
	}
	for line := range strings.Lines(rootHelp) {
		if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
			t.Errorf("%d columns: %s", n, line)
		}
	}
}
