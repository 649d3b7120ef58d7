package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// inPath puts kae into a PATH.
func inPath(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Symlink(production(t), filepath.Join(dir, "kae")); err != nil {
		t.Fatal(err)
	}
	return "PATH=" + dir + ":" + os.Getenv("PATH")
}

func TestFishCompletes(t *testing.T) {
	need(t, "quick", "make", "fish")
	for line, want := range map[string][]string{
		"kae re":                 {"restore\tput a backup in the place of the database"},
		"kae -log":               {"-log-format\tHow the log on standard error is written", "-log-level\tThe least important of what is logged"},
		"kae serve -trust":       {"-trust-proxy\tThe proxies whose X-Forwarded-For and X-Forwarded-Proto are believed"},
		"kae serve -log-format ": {"auto\t", "json\t", "text\t"},
		"kae exec -sh":           {"-shell\tTake the command for one line of shell"},
		"kae exec b -- basenam":  {"basename"},
		"kae completion ":        {"bash", "fish", "zsh"},
		"kae help ba":            {"backup"},
	} {
		cmd := exec.Command("fish", "--no-config", "-c", `kae completion fish | source; complete -C "$argv"`, line)
		cmd.Env = append(os.Environ(), inPath(t), "HOME="+t.TempDir())
		said, err := output(cmd)
		if err != nil {
			t.Fatal(err)
		}
		got := strings.Split(strings.TrimSpace(said), "\n")
		if len(got) != len(want) {
			t.Errorf("%q is completed by %q, want %q", line, got, want)
			continue
		}
		for i := range want {
			if !strings.HasPrefix(got[i], want[i]) {
				t.Errorf("%q is completed by %q, want %q", line, got, want)
			}
		}
	}
}

// zsh completes on a terminal only; it gets one of its own. What it lists is on
// the terminal, what it puts into the line is told between braces.
const zshTypes = `
zmodload zsh/zpty
zpty z 'PS1= TERM=dumb zsh -f -i'
zpty -w z 'stty cols 200; autoload -Uz compinit; compinit -u -D; source <(kae completion zsh); zstyle ":completion:*" list-separator "=>"
tell() { zle complete-word; zle -R; print -r -- "{$BUFFER}" }; zle -N tell; bindkey "^I" tell; setopt nobeep nolistambiguous; LISTMAX=1000; echo rea""dy'
zpty -r -m z all '*ready*'
zpty -w -n z "$1"$'\t'
zpty -r -m z all '*{*}*'
print -r -- "$all"
zpty -d z
`

func TestZshCompletes(t *testing.T) {
	need(t, "quick", "make", "zsh")
	for line, want := range map[string][]string{
		"kae re":                  {"{kae restore"},
		"kae c":                   {"check", "completion", "=> print what makes bash, zsh or fish complete kae"},
		"kae -log":                {"-log-format", "=> How the log on standard error is written", "-log-level"},
		"kae serve -tru":          {"{kae serve -trust-proxy"},
		"kae serve -log-format ":  {"auto", "json", "text"},
		"kae exec -outp":          {"{kae exec -output"},
		"kae exec b -- basenam":   {"{kae exec b -- basename"},
		"kae exec b basenam":      {"{kae exec b basename"},
		"kae ping -body /etc/hos": {"{kae ping -body /etc/host"},
		"kae help ba":             {"{kae help backup"},
	} {
		cmd := exec.Command("zsh", "-f", "-c", zshTypes, "zsh", line)
		cmd.Env = append(os.Environ(), inPath(t), "HOME="+t.TempDir())
		said, err := output(cmd)
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range want {
			if !strings.Contains(said, w) {
				t.Errorf("%q is not completed by %q: %q", line, w, said)
			}
		}
	}
}

func TestTheManualPageIsSoundRoff(t *testing.T) {
	need(t, "quick", "make", "mandoc")
	page := filepath.Join(t.TempDir(), "kae.1")
	text, err := output(exec.Command(production(t), "man"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(page, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := output(exec.Command("mandoc", "-T", "lint", "-W", "error", page)); err != nil {
		t.Error(err)
	}
	shown, err := output(exec.Command("mandoc", "-T", "utf8", page))
	if err != nil || !strings.Contains(shown, "keep an eye on what runs by itself") {
		t.Errorf("%v %.300s", err, shown)
	}
}
