package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"kae"
	"kae/internal/s3test"
	"kae/internal/sqlstore"
	"kae/internal/storetest"
)

// databaseOf makes a database with a token and a heartbeat in a script:
// database kae.sqlite.
func databaseOf(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: database FILE")
	}
	store, err := sqlstore.Open(context.Background(), sqlstore.Config{DB: ts.MkAbs(args[0])})
	ts.Check(err)
	every, err := kae.ParseSchedule("1h", time.UTC)
	ts.Check(err)
	made := kae.Token{ID: 1, Value: kae.NewValue(), UUID: kae.NewUUID(), Name: "job", Schedule: every, Status: kae.New}
	ts.Check(store.Write(context.Background(), func(tx kae.Tx) error {
		if err := tx.PutTokens([]kae.Token{made}, 0); err != nil {
			return err
		}
		return tx.Append([]kae.Heartbeat{{TokenID: 1, Number: 1, Pos: 1, Kind: kae.Success, At: time.Now()}})
	}))
	ts.Check(store.Close())
}

// does runs kae to its end beside another, and gives what it says.
func does(t testing.TB, dir string, env []string, args ...string) (said string, status int) {
	t.Helper()
	p := prepare(t, dir, args...)
	p.cmd.Env = append(p.cmd.Env, env...)
	p.begin()
	status = p.wait(time.Minute)
	return p.stdout.String() + p.stderr.String(), status
}

func TestABackupOfARunningKaeComesBack(t *testing.T) {
	for name, place := range map[string]func(t *testing.T) (string, []string){
		"a file":      func(t *testing.T) (string, []string) { return filepath.Join(t.TempDir(), "kae.db.zst"), nil },
		"a directory": func(t *testing.T) (string, []string) { return t.TempDir(), nil },
		"S3": func(t *testing.T) (string, []string) {
			s := s3test.Start(t, "backups")
			return "s3://backups/kae", s3env(s)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			to, env := place(t)
			comesBack(t, to, env)
		})
	}
}

func s3env(s *s3test.Server) []string {
	return []string{"AWS_ENDPOINT_URL_S3=" + s.Endpoint, "AWS_ACCESS_KEY_ID=" + s3test.Key, "AWS_SECRET_ACCESS_KEY=" + s3test.Secret}
}

// comesBack backs up while heartbeats come, destroys the database, restores it
// and looks for each heartbeat that was answered before the backup began.
func comesBack(t *testing.T, to string, env []string) {
	dir := t.TempDir()
	p := launch(t, dir, "-keep", "100000")
	var senders []*sender
	for i := range 16 {
		senders = append(senders, &sender{token: p.create(fmt.Sprintf("job %d", i), 3600)})
	}
	fired := p.create("fired", 1)
	p.beat(fired.Value)
	p.expect(fired.ID, "firing", 10*time.Second)
	var taken atomic.Int64
	var wg sync.WaitGroup
	for _, s := range senders {
		wg.Go(func() { s.send(p.url, &taken) })
	}
	some := func(n int64) {
		t.Helper()
		from := taken.Load()
		eventually(t, time.Minute, func() error {
			if got := taken.Load() - from; got < n {
				return fmt.Errorf("only %d heartbeats were answered", got)
			}
			return nil
		})
	}
	some(1000)
	before := make([]int64, len(senders)) // the beats that the backup has to have
	for i, s := range senders {
		before[i] = p.page(s.token.ID).Token.Beats
	}
	during := taken.Load()
	said, status := does(t, dir, env, "backup", to)
	if status != 0 {
		t.Fatalf("exit status %d: %s", status, said)
	}
	if taken.Load() == during {
		t.Error("no heartbeat was taken during the backup")
	}
	if said, status := does(t, dir, env, "restore", to); status != 1 || !strings.Contains(said, "in use by another kae") {
		t.Errorf("restored while kae runs: %d, %s", status, said)
	}
	some(100)
	p.kill()
	wg.Wait()
	for _, s := range senders {
		if s.wrong != "" {
			t.Errorf("a heartbeat was answered %s", s.wrong)
		}
	}

	// What a dying disk leaves: something, under the names of the database.
	for _, end := range []string{"", "-wal"} {
		if err := os.WriteFile(filepath.Join(dir, "kae.sqlite"+end), []byte("rubbish"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if said, status := does(t, dir, env, "check"); status != 1 || strings.Count(said, "\n") != 1 {
		t.Errorf("the check of a destroyed database: %d, %s", status, said)
	}
	if said, status := does(t, dir, env, "restore", to); status != 0 {
		t.Fatalf("exit status %d: %s", status, said)
	}
	if said, status := does(t, dir, env, "check"); status != 0 {
		t.Fatalf("exit status %d: %s", status, said)
	}
	p = launch(t, dir, "-keep", "100000")
	for i, s := range senders {
		got := p.page(s.token.ID).Token
		if got.Value != s.token.Value || got.Beats < before[i] || got.Beats > int64(s.sent) || got.Status != "up" {
			t.Errorf("%+v, want %d to %d heartbeats", got, before[i], s.sent)
		}
		first := p.page(s.token.ID).Heartbeats
		if int64(len(first)) > got.Beats || len(first) == 0 || first[0].Number != got.Beats {
			t.Errorf("token %d: %d heartbeats, the newest is not %d", s.token.ID, len(first), got.Beats)
		}
		p.beat(s.token.Value)
	}
	if got := p.page(fired.ID).Token; got.Status != "firing" {
		t.Errorf("what fired before the backup is %s", got.Status)
	}
	p.stop()
}

func TestABackupThatFindsTheDiskFullLeavesNothing(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("a small disk can be mounted by root only")
	}
	dir := t.TempDir()
	p := launch(t, dir)
	for i := range 200 {
		p.create(fmt.Sprintf("%d %s", i, strings.Repeat("x", 100)), 3600)
	}
	p.stop()
	self, err := exec.LookPath("kae")
	if err != nil {
		t.Fatal(err)
	}
	// Neither the copy fits nor, where it is made elsewhere, what is compressed.
	for _, to := range []string{"full/kae.db", "full"} {
		cmd := exec.Command("unshare", "-m", "sh", "-c", `
			mkdir -p full && mount -t tmpfs -o size=64k tmpfs full || exit 9
			"$0" backup "$1"
			echo "status $?"
			ls -A full`, self, to)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TMPDIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		if lines := strings.Split(strings.TrimSpace(string(out)), "\n"); len(lines) != 2 || lines[1] != "status 1" || !strings.Contains(lines[0], "There is no room left") {
			t.Errorf("to %s: %s", to, out)
		}
	}
}

func TestKeysAndTokensAreNotSaid(t *testing.T) {
	server := s3test.Start(t, "backups")
	dir := t.TempDir()
	p := launch(t, dir)
	made := p.create("backup", 3600)
	env := append(s3env(server), "AWS_SECRET_ACCESS_KEY=open-sesame", "KAE_URL="+p.url, "KAE_BACKUP_HEARTBEAT="+made.Value, "AWS_SESSION_TOKEN=session-sesame")
	for _, to := range []string{"s3://backups", "s3://nowhere", "nowhere/file"} {
		said, status := does(t, dir, env, "backup", to)
		if status != 1 {
			t.Errorf("to %s: exit status %d, %s", to, status, said)
		}
		for _, secret := range []string{"sesame", made.Value} {
			if strings.Contains(said, secret) {
				t.Errorf("to %s: a secret is said: %s", to, said)
			}
		}
	}
	if got := p.page(made.ID); got.Token.Status != "firing" || len(got.Heartbeats) != 6 {
		t.Errorf("the token heard %+v", got)
	}
}

func TestKaeBacksUpByItself(t *testing.T) {
	dir, to := t.TempDir(), t.TempDir()
	p := launch(t, dir)
	made := p.create("backup", 3600)
	p.stop()
	args := []string{"-backup-every", "1h", "-backup-to", to, "-backup-heartbeat", made.Value}
	p = launch(t, dir, args...)
	got := p.expect(made.ID, "up", 20*time.Second)
	if len(got.Heartbeats) != 1 || !strings.HasPrefix(got.Heartbeats[0].Message, to+"/kae-") {
		t.Errorf("%+v", got.Heartbeats)
	}
	if said, status := does(t, dir, nil, "check", to); status != 0 {
		t.Errorf("exit status %d: %s", status, said)
	}
	told := regexp.MustCompile(`(?m)^kae_backup_last_success_timestamp_seconds (\S+)$`)
	last, err := strconv.ParseFloat(told.FindStringSubmatch(p.scrape())[1], 64)
	if age := float64(time.Now().Unix()) - last; err != nil || age < -1 || age > 60 {
		t.Errorf("by the metrics the newest backup is %v seconds old, %v", age, err)
	}
	p.stop()

	// A start does not put off what is due.
	copies, err := filepath.Glob(filepath.Join(to, "*"))
	if err != nil || len(copies) != 1 {
		t.Fatalf("%v, %v", copies, err)
	}
	old := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(copies[0], old, old); err != nil {
		t.Fatal(err)
	}
	p = launch(t, dir, args...)
	eventually(t, 20*time.Second, func() error {
		if n := p.page(made.ID).Token.Beats; n != 2 {
			return fmt.Errorf("%d heartbeats, want one of each backup", n)
		}
		return nil
	})
	p.stop()

	// One that fails is told, and kae goes on.
	args[3] = filepath.Join(dir, "nowhere") + "/"
	p = launch(t, dir, args...)
	got = p.expect(made.ID, "firing", 20*time.Second)
	if !strings.Contains(got.Heartbeats[0].Message, "does not exist") {
		t.Errorf("%+v", got.Heartbeats[0])
	}
	for _, line := range []string{`kae_backups_total{outcome="failure"} 1`, `kae_backups_total{outcome="success"} 0`, "kae_backup_last_success_timestamp_seconds 0"} {
		if !strings.Contains(p.scrape(), "\n"+line+"\n") {
			t.Errorf("the metrics lack %s", line)
		}
	}
	p.stop()
	if said := p.stderr.String(); !strings.Contains(said, "backup failed") || strings.Contains(said, made.Value) {
		t.Errorf("the log: %s", said)
	}
}

func TestAPostgreSQLDatabaseComesBack(t *testing.T) {
	dir := t.TempDir()
	from, to := storetest.Postgres(t), filepath.Join(dir, "kae.dump.zst")
	p := launch(t, dir, "-db", from)
	made := p.create("job", 3600)
	p.beat(made.Value)
	if said, status := does(t, dir, nil, "backup", "-db", from, to); status != 0 {
		t.Fatalf("exit status %d: %s", status, said)
	}
	said, status := does(t, dir, nil, "restore", "-db", from, to)
	if status != 1 || !strings.Contains(said, "already has kae's tables") {
		t.Errorf("restored into a database that is in use: %d, %s", status, said)
	}
	p.beat(made.Value)
	p.kill()
	for db, want := range map[string]string{from: "is sound: 1 token, 2 heartbeats", to: "can be read"} {
		args := []string{"check", "-db", db}
		if db == to {
			args = []string{"check", to}
		}
		if said, status := does(t, dir, nil, args...); status != 0 || !strings.Contains(said, want) {
			t.Errorf("exit status %d: %s", status, said)
		}
	}

	u, err := url.Parse(from)
	if err != nil {
		t.Fatal(err)
	}
	schema := u.Query().Get("search_path")
	if said, status := does(t, dir, nil, "restore", "-db", storetest.Postgres(t), to); status != 1 || !strings.Contains(said, "is of the schema") {
		t.Errorf("restored into another schema: %d, %s", status, said)
	}
	storetest.PostgresExec(t, from, "DROP SCHEMA "+schema+" CASCADE; CREATE SCHEMA "+schema)
	if said, status := does(t, dir, nil, "restore", "-db", from, to); status != 0 || !strings.Contains(said, "1 token, 1 heartbeat") {
		t.Fatalf("exit status %d: %s", status, said)
	}
	p = launch(t, dir, "-db", from)
	p.beat(made.Value)
	if got := p.page(made.ID).Token; got.Beats != 2 {
		t.Errorf("%+v", got)
	}
	p.stop()

	// Without PostgreSQL's programs it is said what to install.
	bin := t.TempDir()
	self, err := exec.LookPath("kae")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, filepath.Join(bin, "kae")); err != nil {
		t.Fatal(err)
	}
	if said, status := does(t, dir, []string{"PATH=" + bin}, "backup", "-db", from, to); status != 1 || !strings.Contains(said, "pg_dump is not here: install") {
		t.Errorf("%d, %s", status, said)
	}
}

func TestTheScriptForCron(t *testing.T) {
	script, err := filepath.Abs("../../scripts/backup-kae-db.sh")
	if err != nil {
		t.Fatal(err)
	}
	dir, to := t.TempDir(), t.TempDir()
	launch(t, dir).stop()
	env := filepath.Join(dir, "backup.env")
	if err := os.WriteFile(env, []byte("KAE_DB="+filepath.Join(dir, "kae.sqlite")+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{script, to}, {script}} {
		cmd := exec.Command("sh", args...)
		cmd.Dir = "/"
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "KAE_ENV=" + env}
		out, err := cmd.CombinedOutput()
		if ok := err == nil && strings.HasPrefix(string(out), "Backed up to "+to); ok != (len(args) == 2) {
			t.Errorf("%v: %v, %s", args, err, out)
		}
	}
}

func TestTheNextBackupFollowsFromTheNewestThereIs(t *testing.T) {
	dir := t.TempDir()
	b := &backups{config: config{every: time.Hour, to: dir, db: filepath.Join(dir, "kae.sqlite")}, metrics: newBackupMetrics(nil, time.Hour)}
	due := func(what string, least, most time.Duration) {
		t.Helper()
		if got := b.due(t.Context()); got < least || got > most {
			t.Errorf("%s: due in %v, want %v to %v", what, got, least, most)
		}
	}
	due("none yet", 0, 0)
	path := filepath.Join(dir, "kae-2026-11-22T10.db.zst")
	for _, c := range []struct {
		what        string
		age         time.Duration
		least, most time.Duration
	}{
		{"one of twenty minutes ago", 20 * time.Minute, 39 * time.Minute, 40 * time.Minute},
		{"one of yesterday", 24 * time.Hour, 0, 0},
		{"one of tomorrow, by a clock that was wrong", -24 * time.Hour, time.Hour, time.Hour},
	} {
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(path, time.Time{}, time.Now().Add(-c.age)); err != nil {
			t.Fatal(err)
		}
		due(c.what, c.least, c.most)
	}
	b.to = filepath.Join(dir, "nowhere") + "/"
	due("a place that is not there", 0, 0)
}
