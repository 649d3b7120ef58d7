package deploy_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"testing"
)

// The alert rules and the scrape configuration of docs/watching.md are what
// Prometheus takes, and each rule fires when it should and only then.
func TestPrometheusTakesTheRules(t *testing.T) {
	need(t, "quick", "promtool")
	page, err := os.ReadFile("../docs/watching.md")
	if err != nil {
		t.Fatal(err)
	}
	block := regexp.MustCompile("(?ms)^```yaml\n(# prometheus.yml\n.*?)^```$").FindSubmatch(page)
	if block == nil {
		t.Fatal("docs/watching.md has no prometheus.yml")
	}
	config := filepath.Join(t.TempDir(), "prometheus.yml")
	if err := os.WriteFile(config, block[1], 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{
		{"check", "rules", "kae.rules.yml"},
		{"test", "rules", "testdata/rules.test.yml"},
		{"check", "config", "--syntax-only", config},
	} {
		if said, err := exec.Command("promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, said)
		}
	}
}
