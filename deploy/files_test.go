package deploy_test

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

func TestThePageShowsTheFilesThatAreTested(t *testing.T) {
	page := read(t, "../docs/reverse-proxy.md")
	for name, kind := range map[string]string{"Caddyfile": "caddyfile", "nginx.conf": "nginx"} {
		if !strings.Contains(page, "```"+kind+"\n"+read(t, name)+"```\n") {
			t.Errorf("docs/reverse-proxy.md does not show deploy/%s as it is", name)
		}
	}
}

// TestTheExampleNamesSettingsThatThereAre also looks whether the example's
// defaults for deploying are the script's.
func TestTheExampleNamesSettingsThatThereAre(t *testing.T) {
	configuration, script, compose := read(t, "../docs/configuration.md"), read(t, "../scripts/deploy.sh"), read(t, "compose.yaml")
	example := read(t, "../.env.example")
	lines := regexp.MustCompile(`(?m)^(#?)([A-Z0-9_]+)=(.*)$`).FindAllStringSubmatch(example, -1)
	if len(lines) < 10 {
		t.Fatalf("only %d settings in .env.example", len(lines))
	}
	for _, line := range lines {
		commented, name, value := line[1] != "", line[2], line[3]
		switch {
		case slices.Contains([]string{"KAE_HOST", "KAE_UID", "KAE_GID"}, name):
			if !strings.Contains(compose, "${"+name+":?") {
				t.Errorf("compose.yaml does not ask for %s", name)
			}
		case !strings.HasPrefix(name, "DEPLOY_"):
			if !strings.Contains(configuration, "`"+name+"`") {
				t.Errorf("kae has no setting %s", name)
			}
		case commented:
			if !strings.Contains(script, "\nsetting "+name+" "+value+"\n") {
				t.Errorf("%s is not the default of %s in scripts/deploy.sh", value, name)
			}
		case !strings.Contains(script, "\nsetting "+name+" "):
			t.Errorf("scripts/deploy.sh has no setting %s", name)
		}
	}
	for _, setting := range regexp.MustCompile(`(?m)^setting (DEPLOY_\w+)`).FindAllStringSubmatch(script, -1) {
		if !strings.Contains(example, setting[1]+"=") {
			t.Errorf(".env.example does not tell of %s", setting[1])
		}
	}
	for _, variable := range regexp.MustCompile(`(?m)^ +(KAE_\w+): `).FindAllStringSubmatch(compose, -1) {
		if name := variable[1]; !strings.Contains(configuration, "`"+name+"`") && !strings.Contains(read(t, "Caddyfile"), "{$"+name+":") {
			t.Errorf("neither kae nor Caddy has a setting %s, which compose.yaml sets", name)
		}
	}
}
