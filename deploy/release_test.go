package deploy_test

import (
	"archive/tar"
	"compress/gzip"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
)

// released gives the folder of a release, made in a copy of the sources
// without git, once.
func released(t *testing.T) string {
	t.Helper()
	dir, err := firstRelease()
	if err != nil {
		t.Fatal(err)
	}
	return dir
}

var firstRelease = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "kae-released-")
	if err != nil {
		return "", err
	}
	releaseDir = dir
	return release(dir)
})

var releaseDir string // removed at the end

// release makes a release in a copy of the sources.
func release(dir string) (string, error) {
	if err := copySources(dir); err != nil {
		return "", err
	}
	cmd := exec.Command("make", "-C", dir, "release", "VERSION=v1.0.0")
	cmd.Env = append(os.Environ(), "SOURCE_DATE_EPOCH=1795000000")
	_, err := output(cmd)
	return filepath.Join(dir, "dist"), err
}

func TestAReleaseIsTheSameBytesTwice(t *testing.T) {
	need(t, "all", "make", "sha256sum")
	first := released(t)
	// Elsewhere, later, and by somebody with other habits.
	old := syscall.Umask(0o077)
	second, err := release(filepath.Join(t.TempDir(), "a longer name"))
	syscall.Umask(old)
	if err != nil {
		t.Fatal(err)
	}
	var sums [2]string
	for i, dir := range []string{first, second} {
		check := exec.Command("sha256sum", "--strict", "-c", "SHA256SUMS")
		check.Dir = dir
		if _, err := output(check); err != nil {
			t.Fatal(err)
		}
		text, err := os.ReadFile(filepath.Join(dir, "SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		sums[i] = string(text)
	}
	if sums[0] != sums[1] {
		t.Errorf("made twice it is\n%sand\n%s", sums[0], sums[1])
	}
	for _, name := range []string{
		"kae_1.0.0_linux_amd64.tar.gz", "kae_1.0.0_linux_arm64.tar.gz", "kae_1.0.0_linux_armv7.tar.gz",
		"kae_1.0.0_darwin_amd64.tar.gz", "kae_1.0.0_darwin_arm64.tar.gz",
		"kae_1.0.0_amd64.deb", "kae_1.0.0_arm64.deb", "kae_1.0.0_armhf.deb",
	} {
		if !strings.Contains(sums[0], "  "+name+"\n") {
			t.Errorf("there is no %s", name)
		}
	}
	if n := strings.Count(sums[0], "\n"); n != 8 {
		t.Errorf("%d files, want 8", n)
	}
}

// What is released is what make main-linux-amd64 makes and the tests run.
func TestAnArchiveHoldsTheBinaryForProduction(t *testing.T) {
	need(t, "all", "make")
	f, err := os.Open(filepath.Join(released(t), "kae_1.0.0_linux_amd64.tar.gz"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	small, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile(production(t))
	if err != nil {
		t.Fatal(err)
	}
	found := map[string]bool{}
	for r := tar.NewReader(small); ; {
		h, err := r.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		name, inside := strings.CutPrefix(h.Name, "kae_1.0.0_linux_amd64/")
		if found[name] = true; !inside || h.Uid != 0 || h.ModTime.Unix() != 1795000000 {
			t.Errorf("%s of user %d, %v", h.Name, h.Uid, h.ModTime)
		}
		if name != "kae" {
			continue
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != string(want) || h.Mode != 0o755 {
			t.Errorf("kae is not the binary for production: %v, %d bytes with mode %o, want %d", err, len(got), h.Mode, len(want))
		}
	}
	for _, name := range []string{"kae", "kae.1", "kae.bash", "kae.fish", "kae.zsh", "kae.service", "kae.env", "backup-kae-db.sh", "README.md", "LICENSE"} {
		if !found[name] {
			t.Errorf("the archive has no %s", name)
		}
	}
}

// No time zones, no certificates, no shell, no /tmp, no file of the repository.
func TestTheBinaryStartsOnAnEmptyMachine(t *testing.T) {
	need(t, "quick", "make")
	root := t.TempDir()
	content, err := os.ReadFile(production(t))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "kae"), content, 0o755); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	cmd := exec.Command("/kae", "-addr", addr, "-db", "/kae.sqlite", "-tz", "Europe/Madrid")
	cmd.Dir, cmd.Env = "/", []string{"KAE_USER=" + login, "KAE_PASS=" + password}
	cmd.SysProcAttr = &syscall.SysProcAttr{Chroot: root}
	cmd.Path, cmd.Err = "/kae", nil
	_, stop := background(t, cmd)
	s := site{t: t, base: "http://" + addr}
	s.healthy()
	token := s.create("nightly")
	if status, body := s.ask("GET", "/hb/"+token.Value, nil, nil); status != 200 {
		t.Errorf("a heartbeat is answered %d %s", status, body)
	}
	status, page := s.ask("GET", fmt.Sprintf("/tokens/%d", token.ID), nil, http.Header{"Accept": {"text/html"}})
	if status != 200 || !strings.Contains(page, "<h1") || !strings.Contains(page, "nightly") {
		t.Errorf("the page of the token is %d %.200s", status, page)
	}
	style := regexp.MustCompile(`"(/static/[^"]+/kae\.css)"`).FindStringSubmatch(page)
	if style == nil {
		t.Fatal("the page has no style sheet")
	}
	if status, _ := s.ask("GET", style[1], nil, nil); status != 200 {
		t.Errorf("the style sheet %s is %d", style[1], status)
	}
	stop()
	files, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if !strings.HasPrefix(f.Name(), "kae") {
			t.Errorf("kae left %s", f.Name())
		}
	}
}
