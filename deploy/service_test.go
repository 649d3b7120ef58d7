package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// analyzer is systemd-analyze; without it the test is skipped, but fails where
// CI is set.
func analyzer(t *testing.T) string {
	t.Helper()
	tool, err := exec.LookPath("systemd-analyze")
	if err != nil && os.Getenv("CI") == "" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	return tool
}

// Below 2.0 of 10 is well into what systemd calls OK, which ends at 4.
func TestTheServiceIsHardened(t *testing.T) {
	said, err := output(exec.Command(analyzer(t), "security", "--offline=true", "--no-pager", "--threshold=20", "kae.service"))
	if err != nil {
		t.Error(err)
	}
	if !strings.Contains(said, "exposure level for kae.service") {
		t.Errorf("it says nothing of its exposure: %s", said)
	}
}

func TestTheServiceIsSound(t *testing.T) {
	text, err := os.ReadFile("kae.service")
	if err != nil {
		t.Fatal(err)
	}
	// What it starts has to be there, and is only once the package is.
	there := strings.Replace(string(text), "ExecStart=/usr/bin/kae ", "ExecStart=/bin/true ", 1)
	if there == string(text) {
		t.Fatal("the service does not start /usr/bin/kae")
	}
	file := filepath.Join(t.TempDir(), "kae.service")
	if err := os.WriteFile(file, []byte(there), 0o644); err != nil {
		t.Fatal(err)
	}
	// It warns on standard error, with exit status 0.
	cmd := exec.Command(analyzer(t), "verify", "--man=no", file)
	if said, err := cmd.CombinedOutput(); err != nil || len(said) > 0 {
		t.Errorf("%v %s", err, said)
	}
}

func TestTheServicesSettingsAreKaes(t *testing.T) {
	page, err := os.ReadFile("../docs/configuration.md")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, file := range []string{"kae.service", "kae.env"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(?m)^#?(?:Environment=)?((?:KAE|AWS)_[A-Z0-9_]+)=`).FindAllStringSubmatch(string(text), -1) {
			n++
			if !strings.Contains(string(page), "`"+m[1]+"`") {
				t.Errorf("%s sets %s, which kae does not have", file, m[1])
			}
		}
	}
	if n < 10 {
		t.Errorf("only %d settings found", n)
	}
}
