package deploy_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// box is a fresh Debian in which no systemd runs.
type box struct {
	*testing.T
	root string
}

// freshBox makes a box with the least that Debian can be, and some packages.
func freshBox(t *testing.T, packages ...string) box {
	t.Helper()
	root := t.TempDir()
	if _, err := output(exec.Command("debootstrap", "--variant=minbase", "--include="+strings.Join(packages, ","), "stable", root)); err != nil {
		t.Fatal(err)
	}
	return box{t, root}
}

// command is a line of shell in the box.
func (b box) command(line string) *exec.Cmd {
	cmd := exec.Command("chroot", b.root, "/bin/sh", "-ec", line)
	cmd.Env = []string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL=C.UTF-8"}
	return cmd
}

// run runs a line, which has to succeed, and gives what it printed.
func (b box) run(line string) string {
	b.Helper()
	said, err := output(b.command(line))
	if err != nil {
		b.Fatal(err)
	}
	return strings.TrimSpace(said)
}

// is compares what lines print.
func (b box) is(want map[string]string) {
	b.Helper()
	for line, text := range want {
		if got := b.run(line); got != text {
			b.Errorf("%s: %q, want %q", line, got, text)
		}
	}
}

func TestThePackageInAFreshDebian(t *testing.T) {
	need(t, "all", "make", "debootstrap", "dpkg", "chroot")
	deb, err := os.ReadFile(filepath.Join(released(t), "kae_1.0.0_amd64.deb"))
	if err != nil {
		t.Fatal(err)
	}
	b := freshBox(t, "init-system-helpers")
	if err := os.WriteFile(filepath.Join(b.root, "kae.deb"), deb, 0o644); err != nil {
		t.Fatal(err)
	}
	if said := b.run("dpkg -i /kae.deb"); !strings.Contains(said, "/etc/kae/pass") {
		t.Errorf("it does not tell where the password is: %s", said)
	}
	b.is(map[string]string{
		"kae version | cut -d' ' -f2":                                     "v1.0.0",
		"getent passwd kae | cut -d: -f1,6,7":                             "kae:/var/lib/kae:/usr/sbin/nologin",
		"stat -c '%U:%G %a' /var/lib/kae":                                 "kae:kae 750",
		"stat -c '%U:%G %a' /etc/kae/kae.env":                             "root:kae 640",
		"stat -c '%U:%G %a' /etc/kae/pass":                                "root:root 600",
		"tr -d '\\n' </etc/kae/pass | wc -c":                              "20",
		"test -x /usr/share/kae/backup-kae-db.sh":                         "",
		"bash -n /usr/share/bash-completion/completions/kae":              "",
		"zcat /usr/share/man/man1/kae.1.gz | head -n 1 | cut -d' ' -f1,2": ".TH KAE",
		"head -n 1 /usr/share/zsh/vendor-completions/_kae":                "#compdef kae",
		"test -e /usr/share/fish/vendor_completions.d/kae.fish":           "",
		"grep -c reverse_proxy /usr/share/kae/Caddyfile":                  "1",
		"grep -c 'MIT License' /usr/share/doc/kae/copyright":              "1",
		"cd /etc/systemd/system; ls */kae.service":                        "multi-user.target.wants/kae.service",
	})
	pass := b.run("cat /etc/kae/pass")
	served := b.serve(pass)

	// An upgrade keeps what somebody set.
	b.run("echo KAE_KEEP=50 >>/etc/kae/kae.env; dpkg -i /kae.deb")
	kept := map[string]string{
		"cat /etc/kae/pass":          pass,
		"tail -n 1 /etc/kae/kae.env": "KAE_KEEP=50",
		"kae check -db /var/lib/kae/kae.sqlite | grep -o '1 token,'": "1 token,",
		"stat -c '%U:%G %a' /etc/kae/kae.env":                        "root:kae 640",
	}
	b.is(kept)

	// So does a removal, and says so.
	if said := b.run("dpkg -r kae"); !strings.Contains(said, "stay in /var/lib/kae") {
		t.Errorf("it does not tell that data stays: %s", said)
	}
	b.is(map[string]string{
		"ls /usr/bin/kae /usr/lib/systemd/system/kae.service /usr/share/kae 2>/dev/null || true": "",
		"ls /var/lib/kae/kae.sqlite /etc/kae/kae.env /etc/kae/pass | wc -l":                      "3",
	})
	b.run("dpkg -i /kae.deb")
	b.is(kept)
	if again := b.serve(pass); again <= served {
		t.Errorf("%d heartbeats after the package came back, %d before it went", again, served)
	}

	// A purge leaves nothing but the user.
	b.run("dpkg -P kae; rm /kae.deb")
	b.is(map[string]string{
		"find / -xdev -path /proc -prune -o -name '*kae*' -print": "",
		"grep -rl kae /var/lib/dpkg/status || true":               "",
		"getent passwd kae | cut -d: -f1":                         "kae",
	})
}

// serve plays the service as systemd would start it: as its user, with its
// settings, and with the password as a credential. It makes a token, if there
// is none, sends it a heartbeat, and backs up by the script; it gives the
// number of heartbeats of all time.
func (b box) serve(pass string) int64 {
	b.Helper()
	const unit = " /usr/lib/systemd/system/kae.service"
	env, exec := b.run("sed -n 's/^Environment=//p'"+unit), b.run("sed -n 's/^ExecStart=//p'"+unit)
	addr := freeAddr(b.T)
	b.run("install -d -o kae -m 0700 /run/kae; install -o kae -m 0400 /etc/kae/pass /run/kae/pass")
	start := "set -a\n" + strings.ReplaceAll(env, "%d", "/run/kae") + "\n. /etc/kae/kae.env\nKAE_ADDR=" + addr + "\nexec " + exec
	as := "cd /var/lib/kae; exec setpriv --reuid kae --regid kae --init-groups --inh-caps=-all --no-new-privs "
	_, stop := background(b.T, b.command(as+"/bin/sh -ec '"+start+"'"))
	defer stop()
	s := site{t: b.T, base: "http://" + addr}
	s.healthy()
	if status, _ := s.ask("GET", "/", nil, nil); status != 401 {
		b.Errorf("with a wrong password the console answers %d", status)
	}
	s.pass = pass
	made := b.run("ls /root/token 2>/dev/null || true") != ""
	if !made {
		b.run("echo " + s.create("nightly").Value + " >/root/token")
	}
	if status, body := s.ask("GET", "/hb/"+b.run("cat /root/token"), nil, nil); status != 200 {
		b.Fatalf("a heartbeat is answered %d %s", status, body)
	}
	token, _ := s.newest(1)
	b.run("install -d -o kae /backups; cd /; KAE_DB=/var/lib/kae/kae.sqlite setpriv --reuid kae --regid kae --init-groups /usr/share/kae/backup-kae-db.sh /backups/kae.db")
	if said := b.run("kae check /backups/kae.db"); !strings.Contains(said, fmt.Sprintf("1 token, %d heartbeat", token.Beats)) {
		b.Errorf("the backup holds something else than %d heartbeats: %s", token.Beats, said)
	}
	b.run("rm -r /backups /run/kae")
	return token.Beats
}
