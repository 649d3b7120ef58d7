package main

import (
	"database/sql"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"testing"
	"time"
)

// What the original kae makes, with tokens in all its states. A token's times
// are relative to now: its heartbeats are what it follows from.
const originalSchema = `
CREATE TABLE tokens(id INTEGER NOT NULL PRIMARY KEY, name VARCHAR(255) NOT NULL, token VARCHAR(20) NOT NULL, interval INTEGER,
	description VARCHAR(1000) NOT NULL, disabled BOOLEAN NOT NULL DEFAULT TRUE, fired BOOLEAN NOT NULL DEFAULT TRUE,
	time_created TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP, time_deleted TIMESTAMP);
CREATE TABLE pings(id INTEGER NOT NULL PRIMARY KEY, token_id INTEGER NOT NULL REFERENCES tokens(id),
	last_heartbeat TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP);
CREATE INDEX tokens_list_id ON pings(token_id);
INSERT INTO tokens(id, name, token, interval, description, disabled, fired, time_deleted) VALUES
	(1, 'Backup', 'bbbbbbbbbbbbbbbbbbbb', 86400, 'every night', FALSE, FALSE, NULL),
	(2, 'Report', 'cccccccccccccccccccc', 3600, 'off for now', TRUE, TRUE, NULL),
	(3, 'Old job', 'dddddddddddddddddddd', 60, 'gone', FALSE, FALSE, datetime('now', '-1 day')),
	(4, 'Not yet', 'ffffffffffffffffffff', 60, 'never ran', FALSE, TRUE, NULL);
INSERT INTO pings(token_id, last_heartbeat) VALUES
	(1, datetime('now', '-25 hours')), (1, datetime('now', '-1 hour')), (2, datetime('now', '-9 days')), (3, datetime('now', '-2 days'));
`

func TestAnOriginalDatabaseIsUpgradedInPlace(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	file := filepath.Join(dir, "keep-an-eye.sqlite")
	db, err := sql.Open("sqlite", file)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec(originalSchema); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}

	// Started in the same directory, kae does not begin anew beside it.
	status, said := fail(t, dir, "-addr", "127.0.0.1:0")
	oneSentence(t, status, said, "-db keep-an-eye.sqlite")
	if _, err := os.Stat(filepath.Join(dir, "kae.sqlite")); !os.IsNotExist(err) {
		t.Errorf("an empty database was made (%v)", err)
	}

	p := launch(t, dir, "-db", "keep-an-eye.sqlite")
	var m []string
	eventually(t, 10*time.Second, func() error { // it says where it is first
		if m = regexp.MustCompile(`the copy from before is (\S+)\n`).FindStringSubmatch(p.stdout.String()); m == nil {
			return fmt.Errorf("where the copy is it does not say: %s", p.stdout.String())
		}
		return nil
	})
	aside, err := sql.Open("sqlite", m[1])
	if err != nil {
		t.Fatal(err)
	}
	defer aside.Close()
	var pings int
	if err := aside.QueryRow("SELECT COUNT(*) FROM pings").Scan(&pings); err != nil || pings != 4 {
		t.Errorf("the copy has %d pings (%v), want 4", pings, err)
	}

	var list struct {
		Counts map[string]int
		Tokens []token
	}
	p.fetch("/", nil, &list)
	if len(list.Tokens) != 3 || list.Counts["up"] != 1 || list.Counts["disabled"] != 1 || list.Counts["new"] != 1 {
		t.Errorf("%d tokens: %v, want one up, one disabled and one new", len(list.Tokens), list.Counts)
	}
	backup := p.page(1)
	if got := backup.Token; got.Name != "Backup" || got.Description != "every night" || got.Value != "bbbbbbbbbbbbbbbbbbbb" ||
		got.DueAt.Sub(*got.LastAt) != 24*time.Hour || len(backup.Heartbeats) != 2 {
		t.Errorf("%+v with %d heartbeats", got, len(backup.Heartbeats))
	}
	p.beat("bbbbbbbbbbbbbbbbbbbb")
	p.beat("ffffffffffffffffffff")
	p.expect(4, "up", time.Second)
	if status := p.send("dddddddddddddddddddd"); status != http.StatusNotFound {
		t.Errorf("a removed token is answered %d", status)
	}
	if status := p.fetch("/tokens/3/undo", url.Values{}, nil); status >= 400 {
		t.Errorf("a removed token can't be brought back: %d", status)
	}

	// What was upgraded once is an ordinary database from then on.
	p.kill()
	p = launch(t, dir, "-db", "keep-an-eye.sqlite")
	if got := p.page(1); got.Token.Beats != 3 {
		t.Errorf("%d heartbeats after a restart, want 3", got.Token.Beats)
	}
	p.stop()
	if copies, err := filepath.Glob(file + ".original-*"); err != nil || len(copies) != 1 {
		t.Errorf("copies %v, %v; want one", copies, err)
	}
}
