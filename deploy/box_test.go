package deploy_test

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"kae/internal/s3test"
)

// What docs/deploy.md says is played word by word, in a clean Debian: with its
// package, its user and its settings, Caddy and a server for S3. Afterwards
// the machine has no network but loopback.
func TestFromAFreshBoxToAGreenToken(t *testing.T) {
	need(t, "all", "debootstrap", "chroot", "unshare", "make")
	steps := stepsOf(t, "A package on Ubuntu or Debian")
	if len(steps) > 8 {
		t.Errorf("%d steps, want at most 8", len(steps))
	}

	// Step 1 is for the machine at which one sits.
	if !strings.HasPrefix(steps[0], "make release\n") {
		t.Errorf("step 1 does not begin with make release: %s", steps[0])
	}
	b := freshBox(t, "ca-certificates")
	copyFiles(t, filepath.Join(released(t), "kae_*_amd64.deb"), filepath.Join(b.root, "root"))
	equip(t, b.root)

	const site = "kae.localhost" // for which Caddy makes a certificate of its own
	mine := strings.NewReplacer("SITE=kae.example.org", "SITE="+site, "https://s3.example.org", "http://127.0.0.1:7070", "KEY_ID=…", "KEY_ID="+s3test.Key, "ACCESS_KEY=…", "ACCESS_KEY="+s3test.Secret)
	b.run("export DEBIAN_FRONTEND=noninteractive\n" + mine.Replace(steps[1]))

	script := `mkdir -p /srv/s3/my-backups
ROOT_ACCESS_KEY=` + s3test.Key + ` ROOT_SECRET_KEY=` + s3test.Secret + ` s3-server --quiet --port 127.0.0.1:7070 posix /srv/s3 &
export CURL_CA_BUNDLE=/var/lib/caddy/.local/share/caddy/pki/authorities/local/root.crt
SITE=` + site + "\n" + mine.Replace(strings.Join(steps[2:len(steps)-1], "\n")) + `
for i in $(seq 100); do
	answer=$(` + mine.Replace(steps[len(steps)-1]) + `)
	case $answer in *'"status":"up"'*) echo "$answer"; ls -R /srv/s3; exit;; esac
	sleep .2
done
echo "$answer"; cat /var/log/kae.log; exit 1`
	play := exec.Command("unshare", "--net", "--pid", "--fork", "--kill-child", "chroot", b.root, "/usr/local/bin/box", "bash", "-ec", script)
	said, err := output(play)
	if err != nil {
		t.Fatal(err)
	}
	if !regexp.MustCompile(`"firing": ?0`).MatchString(said) || !regexp.MustCompile(`kae-[-0-9]+T\d\d\.db\.zst`).MatchString(said) {
		t.Errorf("at the end:\n%s", said)
	}
}

// stepsOf gives the commands of each step below a heading of docs/deploy.md.
func stepsOf(t *testing.T, heading string) (steps []string) {
	page, err := os.ReadFile("../docs/deploy.md")
	if err != nil {
		t.Fatal(err)
	}
	_, text, ok := strings.Cut(string(page), "\n## "+heading+"\n")
	if !ok {
		t.Fatalf("docs/deploy.md has no %q", heading)
	}
	text, _, _ = strings.Cut(text, "\n## ")
	for _, step := range regexp.MustCompile(`(?m)^\*\*\d+\.\*\*`).Split(text, -1)[1:] {
		var commands string
		for _, block := range regexp.MustCompile("(?s)```sh\n(.*?)```").FindAllStringSubmatch(step, -1) {
			commands += block[1]
		}
		if commands == "" {
			t.Errorf("a step without commands: %s", step)
		}
		steps = append(steps, commands)
	}
	return steps
}

// equip puts into a root what stands in for systemd and for the S3 server.
func equip(t *testing.T, root string) {
	t.Helper()
	bin := filepath.Join(root, "usr/local/bin")
	build := exec.Command("go", "build", "-o", filepath.Join(bin, "box"), "./testdata/box")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if _, err := output(build); err != nil {
		t.Fatal(err)
	}
	// Whoever installs a machine writes this one.
	if err := os.WriteFile(filepath.Join(root, "etc/hosts"), []byte("127.0.0.1 localhost\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("box", filepath.Join(bin, "systemctl")); err != nil {
		t.Fatal(err)
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	server := filepath.Join(cache, "kae", "versitygw-"+s3test.Version)
	if _, err := os.Stat(server); errors.Is(err, fs.ErrNotExist) {
		t.Fatal("there is no versitygw: scripts/install-versitygw.sh builds it")
	}
	copyFiles(t, server, filepath.Join(bin, "s3-server"))
}

func copyFiles(t *testing.T, pattern, to string) {
	t.Helper()
	files, err := filepath.Glob(pattern)
	if err != nil || len(files) == 0 {
		t.Fatalf("there is no %s", pattern)
	}
	if _, err := output(exec.Command("cp", append(files, to)...)); err != nil {
		t.Fatal(err)
	}
}
