package deploy_test

import (
	"bytes"
	"compress/gzip"
	"debug/buildinfo"
	"debug/elf"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// Sizes that the binary, and so the image, keeps below: in bytes, and zipped as
// registries keep and send it.
const (
	mostBytes  = 32_000_000
	mostZipped = 13_000_000
)

func TestTheBinaryIsTheSameBytesWhereverItIsBuilt(t *testing.T) {
	need(t, "quick", "make")
	first, err := os.ReadFile(production(t))
	if err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(t.TempDir(), "a longer name", "elsewhere")
	if err := copySources(other); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("make", "-C", other, "main-linux-amd64", "VERSION=v1.0.0")
	if os.Getenv("KAE_DEPLOY_TESTS") == "all" {
		// From nothing, too: minutes, in which all is compiled again.
		cmd.Env = append(os.Environ(), "GOCACHE="+t.TempDir())
	}
	if _, err := output(cmd); err != nil {
		t.Fatal(err)
	}
	second, err := os.ReadFile(filepath.Join(other, "main-linux-amd64"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(first, second) {
		t.Errorf("two builds differ: %d and %d bytes", len(first), len(second))
	}
	for _, dir := range []string{built.dir, other, os.Getenv("HOME") + "/"} {
		if bytes.Contains(first, []byte(dir)) {
			t.Errorf("the binary holds the name %s", dir)
		}
	}
	var zipped bytes.Buffer
	w, _ := gzip.NewWriterLevel(&zipped, gzip.BestCompression)
	w.Write(first)
	w.Close()
	t.Logf("the binary has %.1f MB, zipped %.1f MB", float64(len(first))/1e6, float64(zipped.Len())/1e6)
	if len(first) > mostBytes || zipped.Len() > mostZipped {
		t.Errorf("the binary has %d bytes, zipped %d; more than %d and %d", len(first), zipped.Len(), mostBytes, mostZipped)
	}
}

func TestTheBinaryNeedsNothing(t *testing.T) {
	need(t, "quick", "make")
	if _, err := output(exec.Command("make", "-C", filepath.Dir(production(t)), "main-linux-arm64", "VERSION=v1.0.0")); err != nil {
		t.Fatal(err)
	}
	for _, machine := range []struct {
		name string
		want elf.Machine
	}{{"amd64", elf.EM_X86_64}, {"arm64", elf.EM_AARCH64}} {
		f, err := elf.Open(filepath.Join(built.dir, "main-linux-"+machine.name))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		libraries, err := f.ImportedLibraries()
		if err != nil || len(libraries) > 0 || f.Section(".interp") != nil || f.Machine != machine.want {
			t.Errorf("%s: %v, %v, libraries %v", machine.name, err, f.Machine, libraries)
		}
	}
	info, err := buildinfo.ReadFile(production(t))
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range info.Settings {
		if s.Key == "CGO_ENABLED" && s.Value != "0" || strings.HasPrefix(s.Key, "vcs") {
			t.Errorf("the binary was built with %s=%s", s.Key, s.Value)
		}
	}
	roots := func(m *debug.Module) bool { return m.Path == "golang.org/x/crypto/x509roots/fallback" }
	if !slices.ContainsFunc(info.Deps, roots) {
		t.Error("the binary brings no certificate authorities")
	}
}

// image builds the image and gives what calls buildah on it.
func image(t *testing.T) (buildah func(args ...string) *exec.Cmd, container string) {
	t.Helper()
	root := t.TempDir()
	buildah = func(args ...string) *exec.Cmd {
		cmd := exec.Command("buildah", append([]string{
			"--storage-driver", "vfs", "--root", filepath.Join(root, "root"), "--runroot", filepath.Join(root, "run"),
		}, args...)...)
		cmd.Env = append(os.Environ(), "TMPDIR="+root, "HOME="+root)
		return cmd
	}
	if _, err := output(buildah("build", "--isolation", "chroot", "--format", "docker", "--build-arg", "TARGETARCH=amd64",
		"-t", "kae", filepath.Dir(production(t)))); err != nil {
		t.Fatal(err)
	}
	container, err := output(buildah("from", "kae"))
	if err != nil {
		t.Fatal(err)
	}
	container = strings.TrimSpace(container)
	t.Cleanup(func() {
		if _, err := output(buildah("rm", container)); err != nil {
			t.Error(err)
		}
	})
	return buildah, container
}

func TestTheImageRunsAsItsUser(t *testing.T) {
	need(t, "quick", "buildah", "make")
	buildah, container := image(t)
	data := t.TempDir()
	const uid = 4711 // the host's kae
	if err := os.Chown(data, uid, uid); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	inside := func(args ...string) *exec.Cmd {
		return buildah(append([]string{"run", "--isolation", "chroot", "--user", fmt.Sprintf("%d:%d", uid, uid), "--volume", data + ":/data/kae",
			"--env", "KAE_ADDR=" + addr, "--env", "KAE_USER=" + login, "--env", "KAE_PASS=" + password, container, "--"}, args...)...)
	}
	s := site{t: t, base: "http://" + addr}

	_, stop := background(t, inside("/kae"))
	s.healthy()
	said, err := output(inside("/kae", "healthcheck"))
	if err != nil || said != "All is well: nothing is overdue.\n" {
		t.Errorf("inside, kae healthcheck says %q, %v", said, err)
	}
	made := s.create("in a container")
	if status, body := s.ask("GET", "/hb/"+made.Value, nil, nil); status != 200 || body != "OK" {
		t.Errorf("a heartbeat is answered %d %s", status, body)
	}
	runsAs(t, uid)
	said, err = output(inside("/kae", "backup", "/data/kae/before-deploy.db.zst"))
	if err != nil {
		t.Errorf("inside, a backup: %q, %v", said, err)
	}
	stop()
	if _, err := output(inside("/kae", "healthcheck")); err == nil || !strings.Contains(err.Error(), "no kae can be reached") {
		t.Errorf("without kae, kae healthcheck says %v", err)
	}

	_, stop = background(t, inside("/kae"))
	s.healthy()
	if got, _ := s.newest(made.ID); got.Value != made.Value || got.Status != "up" {
		t.Errorf("after a restart the token is %+v", got)
	}
	stop()
}

// runsAs looks for the kae that runs in the image, by its command line, and
// at whose it is.
func runsAs(t *testing.T, uid int) {
	t.Helper()
	found := false
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range lines {
		if line, err := os.ReadFile(path); err != nil || string(line) != "/kae\x00" {
			continue
		}
		status, err := os.ReadFile(filepath.Join(filepath.Dir(path), "status"))
		found = found || err == nil && regexp.MustCompile(`(?m)^Uid:\s+`+strconv.Itoa(uid)+`\s`).Match(status)
	}
	if !found {
		t.Errorf("no /kae runs as user %d", uid)
	}
}

func TestTheImageIsKaeAlone(t *testing.T) {
	need(t, "quick", "buildah", "make")
	buildah, container := image(t)
	text, err := output(buildah("inspect", "--type", "image", "kae"))
	if err != nil {
		t.Fatal(err)
	}
	var image struct {
		Docker struct {
			Config struct {
				User, WorkingDir string
				Env, Entrypoint  []string
				Volumes          map[string]any
				Healthcheck      struct{ Test []string }
			} `json:"config"`
		}
	}
	if err := json.Unmarshal([]byte(text), &image); err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	c := image.Docker.Config
	env := strings.Join(c.Env, " ")
	if c.User != "65532:65532" || c.WorkingDir != "/data/kae" || strings.Join(c.Entrypoint, " ") != "/kae" ||
		strings.Join(c.Healthcheck.Test, " ") != "CMD /kae healthcheck" || c.Volumes["/data/kae"] == nil ||
		!strings.Contains(env, "KAE_ADDR=:20999") || !strings.Contains(env, "KAE_DB=/data/kae/kae.sqlite") {
		t.Errorf("the image is %+v", c)
	}
	mounted, err := output(buildah("mount", container))
	if err != nil {
		t.Fatal(err)
	}
	names, size := files(t, strings.TrimSpace(mounted))
	if names != "/kae" {
		t.Errorf("in the image there are %s", names)
	}
	t.Logf("the image has %.1f MB", float64(size)/1e6)
	if size > mostBytes {
		t.Errorf("the image has %d bytes, more than %d", size, mostBytes)
	}
}

// files gives the names of all files below a directory, and their size.
func files(t *testing.T, root string) (names string, size int64) {
	t.Helper()
	var all []string
	err := filepath.Walk(root, func(path string, info os.FileInfo, err error) error {
		if err == nil && !info.IsDir() {
			all = append(all, strings.TrimPrefix(path, root))
			size += info.Size()
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(all, " "), size
}
