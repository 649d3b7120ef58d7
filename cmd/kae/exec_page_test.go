package main

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const execPage = "../../docs/exec.md"

// blocks gives the fenced blocks of one language in a page.
func blocks(t *testing.T, page, language string) []string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, m := range regexp.MustCompile("(?ms)^```"+language+"\n(.*?)^```$").FindAllStringSubmatch(string(text), -1) {
		found = append(found, m[1])
	}
	if found == nil {
		t.Fatalf("%s has no block of %s", page, language)
	}
	return found
}

func TestExecPageFollowsTheOptions(t *testing.T) {
	text, err := os.ReadFile(execPage)
	if err != nil {
		t.Fatal(err)
	}
	const mark = "-update -->\n\n"
	head, _, ok := strings.Cut(string(text), mark)
	want := head + mark + optionsTable()
	if !ok {
		t.Fatal("the page has no place for its flags")
	}
	if *update {
		if err := os.WriteFile(execPage, []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, string(text)); diff != "" {
		t.Errorf("docs/exec.md is out of date; go test ./cmd/kae -run ExecPage -update\n%s", diff)
	}
}

func TestHelpOfExecPingAndFlush(t *testing.T) {
	for command := range wrappingHead {
		text := wrappingHelp(command)
		for _, e := range entriesOf(command) {
			if !strings.Contains(text, "\n  "+e.names()+"  (") || strings.TrimSpace(e.Help) == "" {
				t.Errorf("the help of kae %s does not show %s", command, e.names())
			}
		}
		for line := range strings.Lines(text) {
			if n := len([]rune(strings.TrimRight(line, "\n"))); n > 80 {
				t.Errorf("kae %s: %d columns: %s", command, n, line)
			}
		}
	}
}

// example is a place in which the examples of the page are true.
type example struct {
	*testing.T
	home, url string
	heard     *listener
}

func newExample(t *testing.T) *example {
	t.Helper()
	e := &example{T: t, home: t.TempDir()}
	e.heard = &listener{file: filepath.Join(e.home, "heard"), release: make(chan struct{})}
	e.heard.answer(nil)
	server := httptest.NewServer(e.heard)
	t.Cleanup(server.Close)
	e.url = server.URL
	for name, script := range map[string]string{
		"backup": `[ "$1" = /srv/photos ] && echo copied 12 files && exit; echo "backup: there is no $1" >&2; exit 3`,
		"report": `echo "report $*"`,
	} {
		e.write(name, "#!/bin/sh\n"+script+"\n", 0o755)
	}
	e.write("photos.token", scriptToken+"\n", 0o600)
	e.write("report.token", scriptToken+"\n", 0o600)
	return e
}

func (e *example) write(name, text string, mode os.FileMode) {
	e.Helper()
	if err := os.WriteFile(filepath.Join(e.home, name), []byte(text), mode); err != nil {
		e.Fatal(err)
	}
}

// here puts the places of this test where the page has its own.
func (e *example) here(text string) string {
	return strings.NewReplacer("https://kae.example.org", e.url, "/etc/kae", e.home, "/home/me", e.home).Replace(text)
}

// run gives what a line of shell prints, and what kae has heard.
func (e *example) run(line, stdin string, env ...string) (printed, heard string) {
	e.Helper()
	os.Remove(e.heard.file)
	cmd := exec.Command("/bin/sh", "-c", line)
	cmd.Stdin = strings.NewReader(stdin)
	cmd.Dir = e.home
	cmd.Env = append([]string{"PATH=" + e.home + ":" + os.Getenv("PATH"), "HOME=" + e.home, "LC_ALL=C", "GORACE=atexit_sleep_ms=0"}, env...)
	out, err := cmd.CombinedOutput()
	if err != nil && cmd.ProcessState == nil {
		e.Fatal(err)
	}
	text, _ := os.ReadFile(e.heard.file)
	return string(out), string(text)
}

func TestExecPageTellsTheTruth(t *testing.T) {
	t.Parallel()
	e := newExample(t)
	for _, block := range blocks(t, execPage, "console") {
		var script strings.Builder
		script.WriteString("export KAE_URL=" + e.url + "\n")
		for line := range strings.Lines(e.here(block)) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				script.WriteString("echo '$ '" + quoted(strings.TrimSuffix(command, "\n")) + "\n" + command)
			}
		}
		// Where the last command changed $?, echo must not change it back.
		text := strings.ReplaceAll(script.String(), "echo '$ ''echo $?'\necho $?", "s=$?; echo '$ echo $?'; echo $s")
		got, heard := e.run(text, "")
		if diff := cmp.Diff(e.here(block), got); diff != "" {
			t.Error(diff)
		}
		if heard == "" && !strings.Contains(block, "127.0.0.1:1") {
			t.Errorf("kae heard nothing of\n%s", block)
		}
	}
}

func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", `'\''`) + "'" }

// Lines of the crontab are run as cron(8) runs them.
func TestExecPageHasACrontabThatWorks(t *testing.T) {
	t.Parallel()
	e := newExample(t)
	var env, printed, heard []string
	for line := range strings.Lines(e.here(blocks(t, execPage, "crontab")[0])) {
		line = strings.TrimSpace(line)
		if line == "" {
			continue
		}
		if regexp.MustCompile(`^[A-Z_]+=`).MatchString(line) {
			env = append(env, line)
			continue
		}
		fields := regexp.MustCompile(`^(\S+\s+){5}`).FindString(line)
		command, stdin := asCron(strings.TrimPrefix(line, fields))
		out, beats := e.run(command, stdin, env...)
		printed, heard = append(printed, out), append(heard, strings.Split(strings.TrimSpace(beats), "\n")...)
	}
	if len(printed) != 3 || printed[0] != "copied 12 files\n" || printed[2] != printed[0] ||
		!regexp.MustCompile(`^report --week \d{4}-W\d\d\n$`).MatchString(printed[1]) {
		t.Errorf("the lines print %q", printed)
	}
	if len(heard) != 6 || !strings.HasPrefix(heard[5], "POST /hb/TOKEN d=N rid=3 s=0 body: ") {
		t.Errorf("kae heard %q", heard)
	}
	// What the page warns of is so.
	if command, stdin := asCron("date +%F"); command != "date +" || stdin != "F" {
		t.Errorf("%q with %q", command, stdin)
	}
}

// asCron does what crontab(5) says about %.
func asCron(line string) (command, stdin string) {
	line = strings.ReplaceAll(line, `\%`, "\x00")
	command, stdin, _ = strings.Cut(line, "%")
	return strings.ReplaceAll(command, "\x00", "%"), strings.ReplaceAll(stdin, "%", "\n")
}
