// Command release makes what a release consists of in dist: archives,
// Debian packages and their checksums. Made twice of the same commit all of it
// is the same bytes: every time in it is the commit's, and nothing tells where
// or by whom it was built.
//
// VERSION names the release, or else git does, by its tags; SOURCE_DATE_EPOCH
// is its time in seconds since 1970, or else the commit's. It runs in the root
// of the repository and needs nothing but Go (and git, without these two).
package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// target is a machine that is built for.
type target struct{ os, arch, arm string }

var targets = []target{
	{"linux", "amd64", ""},
	{"linux", "arm64", ""},
	{"linux", "arm", "7"},
	{"darwin", "amd64", ""},
	{"darwin", "arm64", ""},
}

const dist = "dist"

// release is what all of its files have in common.
type release struct {
	version string // as kae names itself
	number  string // as packages are numbered
	made    time.Time
	stage   string // a directory for what goes into several of them
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "release: "+err.Error())
		os.Exit(1)
	}
}

func run() error {
	r, err := describe()
	if err != nil {
		return err
	}
	if err := os.RemoveAll(dist); err != nil {
		return err
	}
	if err := os.Mkdir(dist, 0o755); err != nil {
		return err
	}
	if r.stage, err = os.MkdirTemp("", "kae-release-"); err != nil {
		return err
	}
	defer os.RemoveAll(r.stage)
	if err := r.papers(); err != nil {
		return err
	}
	for _, t := range targets {
		if err := r.build(t, filepath.Join(r.stage, "kae")); err != nil {
			return err
		}
		if err := r.archive(t); err != nil {
			return err
		}
		if t.os != "linux" {
			continue
		}
		if err := r.debian(t); err != nil {
			return err
		}
	}
	return checksums()
}

// describe finds out what is released.
func describe() (r release, err error) {
	if r.version = os.Getenv("VERSION"); r.version == "" {
		if r.version, err = output("git", "describe", "--tags", "--always", "--dirty"); err != nil {
			return r, err
		}
	}
	// Without a tag it sorts before every release.
	r.number = strings.TrimPrefix(r.version, "v")
	if !regexp.MustCompile(`^[0-9]+\.`).MatchString(r.number) {
		r.number = "0.0~" + r.number
	}
	seconds := os.Getenv("SOURCE_DATE_EPOCH")
	if seconds == "" {
		if seconds, err = output("git", "log", "-1", "--format=%ct"); err != nil {
			return r, err
		}
	}
	n, err := strconv.ParseInt(seconds, 10, 64)
	r.made = time.Unix(n, 0).UTC()
	return r, err
}

// build builds kae. Its version is set here, so that a copy without git is
// built to the same bytes.
func (r release) build(t target, into string) error {
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid= -X main.version="+r.version, "-o", into, "./cmd/kae")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS="+t.os, "GOARCH="+t.arch, "GOARM="+t.arm)
	return loud(cmd)
}

// papers makes the manual page and the completions, which kae itself prints.
func (r release) papers() error {
	kae := filepath.Join(r.stage, "kae")
	if err := r.build(target{}, kae); err != nil {
		return err
	}
	for name, args := range map[string][]string{
		"kae.1": {"man"}, "kae.bash": {"completion", "bash"}, "kae.zsh": {"completion", "zsh"}, "kae.fish": {"completion", "fish"},
	} {
		text, err := exec.Command(kae, args...).Output()
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if err := os.WriteFile(filepath.Join(r.stage, name), text, 0o644); err != nil {
			return err
		}
		if name != "kae.1" {
			continue
		}
		var small bytes.Buffer
		w, err := gzip.NewWriterLevel(&small, gzip.BestCompression)
		if err != nil {
			return err
		}
		w.Write(text) // fails at Close if at all
		if err := w.Close(); err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(r.stage, "kae.1.gz"), small.Bytes(), 0o644); err != nil {
			return err
		}
	}
	return nil
}

// archive packs a directory that is named like the archive.
func (r release) archive(t target) error {
	name := strings.Join([]string{"kae", strings.TrimPrefix(r.version, "v"), t.os, t.arch}, "_")
	if t.arm != "" {
		name += "v" + t.arm
	}
	f, err := os.Create(filepath.Join(dist, name+".tar.gz"))
	if err != nil {
		return err
	}
	defer f.Close()
	small, err := gzip.NewWriterLevel(f, gzip.BestCompression)
	if err != nil {
		return err
	}
	pack := tar.NewWriter(small)
	for _, file := range []struct {
		path string
		mode int64
	}{
		{filepath.Join(r.stage, "kae"), 0o755},
		{filepath.Join(r.stage, "kae.1"), 0o644},
		{filepath.Join(r.stage, "kae.bash"), 0o644},
		{filepath.Join(r.stage, "kae.fish"), 0o644},
		{filepath.Join(r.stage, "kae.zsh"), 0o644},
		{"scripts/backup-kae-db.sh", 0o755},
		{"deploy/kae.service", 0o644},
		{"deploy/kae.env", 0o644},
		{"README.md", 0o644},
		{"LICENSE", 0o644},
	} {
		content, err := os.ReadFile(file.path)
		if err != nil {
			return err
		}
		header := &tar.Header{
			Name: name + "/" + filepath.Base(file.path), Mode: file.mode, Size: int64(len(content)), ModTime: r.made, Format: tar.FormatUSTAR,
		}
		if err := pack.WriteHeader(header); err != nil {
			return err
		}
		if _, err := pack.Write(content); err != nil {
			return err
		}
	}
	if err := pack.Close(); err != nil {
		return err
	}
	if err := small.Close(); err != nil {
		return err
	}
	return f.Close()
}

// debian makes a package as deploy/debian/nfpm.yaml describes it.
func (r release) debian(t target) error {
	cmd := exec.Command("go", "tool", "-modfile=release.mod", "nfpm", "package", "-f", "deploy/debian/nfpm.yaml", "-p", "deb", "-t", dist)
	cmd.Env = append(os.Environ(), "KAE_ARCH="+t.arch+t.arm, "KAE_VERSION="+r.number, "KAE_DIR="+r.stage,
		"SOURCE_DATE_EPOCH="+strconv.FormatInt(r.made.Unix(), 10))
	return loud(cmd)
}

// checksums writes what sha256sum -c reads.
func checksums() error {
	files, err := os.ReadDir(dist) // in order of names
	if err != nil {
		return err
	}
	var b strings.Builder
	for _, f := range files {
		content, err := os.ReadFile(filepath.Join(dist, f.Name()))
		if err != nil {
			return err
		}
		fmt.Fprintf(&b, "%x  %s\n", sha256.Sum256(content), f.Name())
	}
	fmt.Print(b.String())
	return os.WriteFile(filepath.Join(dist, "SHA256SUMS"), []byte(b.String()), 0o644)
}

// loud runs a command whose words are of interest only if it fails.
func loud(cmd *exec.Cmd) error {
	if said, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(cmd.Args, " "), err, said)
	}
	return nil
}

func output(name string, args ...string) (string, error) {
	said, err := exec.Command(name, args...).Output()
	if err != nil {
		return "", fmt.Errorf("%s %s: %w (set VERSION and SOURCE_DATE_EPOCH where there is no git)", name, strings.Join(args, " "), err)
	}
	return strings.TrimSpace(string(said)), nil
}
