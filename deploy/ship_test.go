package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// host is a machine to deploy to. Its ssh and docker are stand-ins that run
// things here (testdata/bin); rsync, the script, the Makefile and kae are real.
type host struct {
	t       *testing.T
	sources string
	dir     string // of all that is the host's
	addr    string // where kae listens
	env     []string
}

func newHost(t *testing.T) *host {
	t.Helper()
	production(t) // so that what is built here is quick
	h := &host{t: t, sources: built.dir, dir: t.TempDir(), addr: freeAddr(t)}
	bin, err := filepath.Abs("testdata/bin")
	if err != nil {
		t.Fatal(err)
	}
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"home", "docker", "data"} {
		if err := os.Mkdir(filepath.Join(h.dir, name), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	path := bin + ":" + os.Getenv("PATH")
	h.env = append(os.Environ(), "PATH="+path, "HOST_PATH="+path, "ENV="+filepath.Join(h.dir, ".env.prod"),
		"HOST_LOG="+filepath.Join(h.dir, "log"), "HOST_HOME="+filepath.Join(h.dir, "home"), "HOST_ADDR="+h.addr,
		"HOST_DOCKER="+filepath.Join(h.dir, "docker"), "HOST_DATA="+filepath.Join(h.dir, "data"),
		"DEPLOY_PATIENCE=2", "DEPLOY_USER="+me.Username, "DEPLOY_DATA="+filepath.Join(h.dir, "data"))
	h.settings("")
	t.Cleanup(func() { h.make("docker/stop") })
	return h
}

// settings writes .env.prod.
func (h *host) settings(more string) {
	h.t.Helper()
	text := "# production\nDEPLOY_HOST=deploy@kae.example.org\nKAE_USER=" + login + "\nKAE_PASS=" + password + "\n" + more
	if err := os.WriteFile(filepath.Join(h.dir, ".env.prod"), []byte(text), 0o600); err != nil {
		h.t.Fatal(err)
	}
}

func (h *host) run(cmd *exec.Cmd) (string, error) {
	cmd.Dir, cmd.Env = h.sources, append(h.env, cmd.Env...)
	b, err := cmd.CombinedOutput()
	return string(b), err
}

func (h *host) make(target string, args ...string) (string, error) {
	return h.run(exec.Command("make", append([]string{target}, args...)...))
}

// deploy deploys a version without the lint and the tests before it.
func (h *host) deploy(version string) (string, error) {
	return h.run(&exec.Cmd{Path: filepath.Join(h.sources, "scripts/deploy.sh"), Args: []string{"deploy.sh", "deploy"}, Env: []string{"VERSION=" + version}})
}

// runs tells which version answers.
func (h *host) runs() string {
	status, body := site{t: h.t, base: "http://" + h.addr}.ask("GET", "/", nil, map[string][]string{"Accept": {"text/html"}})
	if status != 200 {
		return fmt.Sprintf("nothing (%d %s)", status, body)
	}
	return regexp.MustCompile(`v\d\.\d\.\d`).FindString(body)
}

func TestDeploy(t *testing.T) {
	need(t, "quick", "rsync", "make")
	h := newHost(t)

	said, err := h.deploy("v1.0.0")
	if err != nil || h.runs() != "v1.0.0" || !strings.Contains(said, "All is well") {
		t.Fatalf("the first deployment: %v, and %s runs\n%s", err, h.runs(), said)
	}
	h.keepsToItself()

	said, err = h.deploy("v1.1.0")
	if err != nil || h.runs() != "v1.1.0" {
		t.Fatalf("the second one: %v, and %s runs\n%s", err, h.runs(), said)
	}
	if _, err := os.Stat(filepath.Join(h.dir, "data/before-deploy.db.zst")); err != nil {
		t.Errorf("the database was not copied aside: %v\n%s", err, said)
	}

	// The settings are wrong: those from before come back with the image from before.
	h.settings("KAE_TZ=Atlantis/Capital\n")
	said, err = h.deploy("v1.2.0")
	if err == nil || h.runs() != "v1.1.0" {
		t.Errorf("with wrong settings: %v, and %s runs\n%s", err, h.runs(), said)
	}
	for _, want := range []string{"the new kae was not healthy; the one from before runs again", "Atlantis/Capital"} {
		if !strings.Contains(said, want) {
			t.Errorf("nobody says %q:\n%s", want, said)
		}
	}

	// The program is wrong: as if the new one was of another processor.
	h.settings("")
	if err := os.WriteFile(filepath.Join(h.dir, "home/kae-deploy/main-linux-amd64"), []byte("#!/bin/sh\nexit 3\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"docker/build", "docker/image", "docker/prune"} {
		if said, err := h.make(target); err != nil {
			t.Errorf("make %s: %v\n%s", target, err, said)
		}
	}
	if said, err := h.make("restart"); err != nil || !strings.HasPrefix(h.runs(), "nothing") {
		t.Errorf("make restart: %v\n%s", err, said)
	}
	said, err = h.deploy("v1.3.0")
	if err != nil || h.runs() != "v1.3.0" {
		t.Errorf("what is broken is mended by a deployment: %v, and %s runs\n%s", err, h.runs(), said)
	}
	for _, target := range []string{"docker/restart", "docker/stop", "docker/rm", "docker/run"} {
		if said, err := h.make(target); err != nil {
			t.Errorf("make %s: %v\n%s", target, err, said)
		}
	}
	site{t: t, base: "http://" + h.addr}.healthy()
}

// keepsToItself looks at what is on the host: kae's settings, readable for
// whoever deploys alone, and the password in no command line.
func (h *host) keepsToItself() {
	h.t.Helper()
	path := filepath.Join(h.dir, "home/kae-deploy/kae.env")
	b, err := os.ReadFile(path)
	if err != nil || string(b) != "KAE_USER="+login+"\nKAE_PASS="+password+"\n" {
		h.t.Errorf("kae's settings on the host: %v\n%s", err, b)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		h.t.Errorf("%v %v, want mode 600", err, info.Mode())
	}
	log, err := os.ReadFile(filepath.Join(h.dir, "log"))
	if err != nil || strings.Contains(string(log), password) {
		h.t.Errorf("%v; the password is in a command line:\n%s", err, log)
	}
	me := fmt.Sprintf("--user %d:%d ", os.Getuid(), os.Getgid())
	for _, want := range []string{me, "--volume " + h.dir + "/data:/data/kae ", "--publish 127.0.0.1:20999:20999 ", "ssh deploy@kae.example.org "} {
		if !strings.Contains(string(log), want) {
			h.t.Errorf("no command has %q:\n%s", want, log)
		}
	}
}

func TestDeployStopsBeforeItChangesAnything(t *testing.T) {
	need(t, "quick", "rsync", "make")
	for _, test := range []struct {
		name string
		set  func(*host)
		want string
	}{
		{"no settings", func(h *host) { os.Remove(filepath.Join(h.dir, ".env.prod")) }, "copy .env.example"},
		{"no password", func(h *host) { h.settings("KAE_PASS=\n"); h.without("KAE_PASS=" + password + "\n") }, "KAE_PASS is not set"},
		{"no user on the host", func(h *host) { h.env = append(h.env, "DEPLOY_USER=nobody-of-that-name") }, "useradd --system"},
		{"the data is somebody else's", func(h *host) { h.env = append(h.env, "DEPLOY_DATA=/nowhere") }, "install -d"},
	} {
		t.Run(test.name, func(t *testing.T) {
			h := newHost(t)
			test.set(h)
			said, err := h.deploy("v1.0.0")
			log, _ := os.ReadFile(filepath.Join(h.dir, "log"))
			if err == nil || !strings.Contains(said, "deploy: ") || !strings.Contains(said, test.want) || strings.Contains(string(log), "docker run") {
				t.Errorf("%v\n%s\n%s", err, said, log)
			}
		})
	}
}

func (h *host) without(line string) {
	path := filepath.Join(h.dir, ".env.prod")
	b, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, []byte(strings.ReplaceAll(string(b), line, "")), 0o600)
	}
	if err != nil {
		h.t.Fatal(err)
	}
}

func TestMakeDeployTestsBeforeItShips(t *testing.T) {
	need(t, "quick", "make")
	said, err := output(exec.Command("make", "-C", "..", "-n", "deploy"))
	if err != nil {
		t.Fatal(err)
	}
	lint, test, ship := strings.Index(said, "staticcheck"), strings.Index(said, "go test"), strings.Index(said, "scripts/deploy.sh deploy")
	if lint < 0 || test < lint || ship < test {
		t.Errorf("make deploy does, in this order:\n%s", said)
	}
}
