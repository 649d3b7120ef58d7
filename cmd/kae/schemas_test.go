package main

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae/internal/storetest"
)

// schemas holds a small database of every version of the schema, made by a kae
// that knew no newer one: NNNN.sqlite, NNNN.sql (of PostgreSQL), and in
// NNNN.json, NNNN-postgres.json what that kae said of its tokens. Files of
// versions that were released are never made anew.
const schemas = "../../testdata/schemas"

// told is what a kae says of its tokens, the page of each.
type told []page

func tell(p *program) told {
	p.Helper()
	var all told
	for id := range int64(4) {
		all = append(all, p.page(id+1))
	}
	return all
}

// versionsOf gives the versions of the schema, such as 0001, by its migrations.
func versionsOf(t *testing.T) []string {
	t.Helper()
	files, err := filepath.Glob("../../internal/sqlstore/migrations/*.sql")
	if err != nil || len(files) == 0 {
		t.Fatalf("no migrations: %v", err)
	}
	var all []string
	for _, file := range files {
		number, _, _ := strings.Cut(filepath.Base(file), "_")
		all = append(all, number)
	}
	return all
}

func TestEverySchemaIsUpgraded(t *testing.T) {
	all := versionsOf(t)
	newest := all[len(all)-1]
	if _, err := os.Stat(filepath.Join(schemas, newest+".sqlite")); os.IsNotExist(err) && *update {
		makeSchema(t, newest)
	}
	for _, version := range all {
		t.Run(version+" in SQLite", func(t *testing.T) {
			t.Parallel()
			content, err := os.ReadFile(filepath.Join(schemas, version+".sqlite"))
			if err != nil {
				t.Fatalf("there is no database of this version; for the newest: go test ./cmd/kae -run EverySchema -update\n%v", err)
			}
			db := filepath.Join(t.TempDir(), "kae.sqlite")
			if err := os.WriteFile(db, content, 0o600); err != nil {
				t.Fatal(err)
			}
			upgraded(t, db, version+".json")
		})
		t.Run(version+" in PostgreSQL", func(t *testing.T) {
			t.Parallel()
			dsn := storetest.Postgres(t)
			text, err := os.ReadFile(filepath.Join(schemas, version+".sql"))
			if err != nil {
				t.Fatal(err)
			}
			storetest.PostgresExec(t, dsn, string(text))
			upgraded(t, dsn, version+"-postgres.json")
		})
	}
}

// upgraded opens an old database: what its kae said of it still holds, and it
// is watched from then on.
func upgraded(t *testing.T, db, said string) {
	text, err := os.ReadFile(filepath.Join(schemas, said))
	if err != nil {
		t.Fatal(err)
	}
	var want told
	if err := json.Unmarshal(text, &want); err != nil {
		t.Fatal(err)
	}
	p := launch(t, t.TempDir(), "-db", db)
	got := tell(p)
	for i, old := range want {
		now := got[i]
		// What happened since is new; what was there is the end of it.
		added := len(now.Flips) - len(old.Flips)
		if added < 0 || added > 2 {
			t.Fatalf("token %d has %d flips, and had %d", i+1, len(now.Flips), len(old.Flips))
		}
		now.Flips = now.Flips[added:]
		// Status and expectation follow from the time that has passed.
		for _, token := range []*token{&now.Token, &old.Token} {
			token.Status, token.Unknown, token.DueAt, token.Deadline = "", false, nil, nil
		}
		if diff := cmp.Diff(old, now); diff != "" {
			t.Errorf("token %d is not what it was:\n%s", i+1, diff)
		}
	}
	if status := want[3].Token.Status; status != "disabled" || p.page(4).Token.Status != status {
		t.Errorf("the disabled token was %s and is %s", status, p.page(4).Token.Status)
	}
	nightly := want[0].Token
	p.beat(nightly.Value)
	after := p.expect(nightly.ID, "up", 5*time.Second)
	if after.Token.Beats != nightly.Beats+1 || len(after.Heartbeats) != len(want[0].Heartbeats)+1 {
		t.Errorf("%d heartbeats and %d shown after one more than %d", after.Token.Beats, len(after.Heartbeats), nightly.Beats)
	}
	p.stop()
}

// makeSchema makes the files of the version that the kae in the PATH has.
func makeSchema(t *testing.T, version string) {
	db := filepath.Join(t.TempDir(), "kae.sqlite")
	said := live(t, db, version)
	content, err := os.ReadFile(db)
	if err != nil {
		t.Fatal(err)
	}
	keep(t, version+".sqlite", content)
	keep(t, version+".json", said)

	dsn := storetest.Postgres(t)
	said = live(t, dsn, version)
	u, err := url.Parse(dsn)
	if err != nil {
		t.Fatal(err)
	}
	schema := u.Query().Get("search_path")
	programs, err := filepath.Glob("/usr/lib/postgresql/*/bin/pg_dump")
	if err != nil || len(programs) == 0 {
		t.Fatalf("no pg_dump: %v", err)
	}
	dump, err := exec.Command(programs[len(programs)-1], "-h", u.Query().Get("host"), "-U", "postgres",
		"-n", schema, "--inserts", "-O", "-x", "postgres").Output()
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(string(dump), schema+".", "")) {
		// The schema is there, and the search path names it.
		if !strings.HasPrefix(line, `\`) && !strings.HasPrefix(line, "--") && !strings.HasPrefix(line, "SET ") &&
			!strings.HasPrefix(line, "SELECT pg_catalog.set_config") && !strings.HasPrefix(line, "CREATE SCHEMA") && line != "\n" {
			text.WriteString(line)
		}
	}
	keep(t, version+".sql", []byte(text.String()))
	keep(t, version+"-postgres.json", said)
}

// live is the life of the tokens of one of the databases. It ends in good
// order, so that the file is all there is.
func live(t *testing.T, db, version string) []byte {
	p := launch(t, t.TempDir(), "-db", db)
	nightly, hasty, slow, off := p.create("Nightly", 86400), p.create("Hasty", 1), p.create("Läuft <später> 'noch'", 3600), p.create("Off", 60)
	for n := range 3 {
		p.beat(nightly.Value + fmt.Sprintf("?m=run+%d", n))
	}
	p.beat(hasty.Value)
	p.expect(hasty.ID, "firing", 10*time.Second)
	p.beat(hasty.Value + "?m=late")
	p.expect(hasty.ID, "firing", 10*time.Second)
	p.beat(slow.Value)
	if version > "0001" { // which had no failures
		p.beat(slow.Value + "/fail?m=no+disk")
		p.expect(slow.ID, "firing", time.Second)
	}
	p.beat(off.Value)
	if status := p.fetch(fmt.Sprintf("/tokens/%d/disable", off.ID), url.Values{}, nil); status >= 400 {
		t.Fatalf("status %d instead of a disabled token", status)
	}
	said, err := json.MarshalIndent(tell(p), "", "\t")
	if err != nil {
		t.Fatal(err)
	}
	p.stop()
	return append(said, '\n')
}

func keep(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(schemas, name), content, 0o644); err != nil {
		t.Fatal(err)
	}
}
