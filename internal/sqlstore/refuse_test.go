package sqlstore

import (
	"bytes"
	"database/sql"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"kae"
	"kae/internal/storetest"
)

// refused opens a database that has to be refused with a sentence.
func refused(t *testing.T, db, sentence string) {
	t.Helper()
	s, err := Open(t.Context(), Config{DB: db})
	if err == nil {
		s.Close()
		t.Fatal("it was opened")
	}
	var e *kae.Error
	if !errors.As(err, &e) || e.Code != kae.Invalid && e.Code != kae.Unavailable {
		t.Fatalf("it is no kae.Error of a fitting code: %#v", err)
	}
	if e.Message != sentence {
		t.Errorf("refused with\n%s\nwant\n%s", e.Message, sentence)
	}
	if text := err.Error(); strings.Contains(text, "s3cret") || strings.Contains(text, "\n") {
		t.Errorf("the error shows the password or is no line: %q", text)
	}
}

func TestADatabaseThatCantBeOpenedIsRefusedWithASentence(t *testing.T) {
	dir := t.TempDir()
	in := func(name, content string) string {
		path := filepath.Join(dir, name)
		if content != "" {
			if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		return path
	}
	text, page := in("text", "hello"), in("page", strings.Repeat("no database\n", 1000))
	missing, under := in("missing/kae.sqlite", ""), in("text/kae.sqlite", "")
	t.Run("nothing", func(t *testing.T) { refused(t, "", "Name a database: a file, or a postgres:// URL.") })
	t.Run("another kind of URL", func(t *testing.T) {
		refused(t, "mysql://kae:s3cret@db/kae", "The database is neither a file nor a postgres:// URL.")
	})
	t.Run("a directory", func(t *testing.T) { refused(t, dir, "The database "+dir+" is not a file.") })
	t.Run("a text", func(t *testing.T) { refused(t, text, "The file "+text+" is not a database.") })
	t.Run("a long text", func(t *testing.T) { refused(t, page, "The file "+page+" is not a database.") })
	t.Run("and nothing is written beside it", func(t *testing.T) {
		for _, name := range []string{text, page} {
			if _, err := os.Stat(name + ".lock"); !os.IsNotExist(err) {
				t.Errorf("%s.lock: %v", name, err)
			}
		}
	})
	t.Run("no directory", func(t *testing.T) { refused(t, missing, "The directory of the database "+missing+" does not exist.") })
	t.Run("a file as directory", func(t *testing.T) { refused(t, under, "The directory of the database "+under+" does not exist.") })
	t.Run("a link that leads nowhere", func(t *testing.T) {
		link := filepath.Join(dir, "link")
		if err := os.Symlink("missing/kae.sqlite", link); err != nil {
			t.Fatal(err)
		}
		refused(t, link, "The directory of the database "+link+" does not exist.")
	})
	t.Run("links in a circle", func(t *testing.T) {
		link := filepath.Join(dir, "circle")
		if err := os.Symlink("circle", link); err != nil {
			t.Fatal(err)
		}
		refused(t, link, "The database "+link+" can't be written: too many levels of symbolic links.")
	})
	got, err := os.ReadFile(text)
	if err != nil || string(got) != "hello" {
		t.Errorf("the text is now %q, %v", got, err)
	}
}

func TestAFileThatMayNotBeWrittenIsRefused(t *testing.T) {
	// Here not even root may. What it is told is the kernel's choice.
	const db = "/sys/kae.sqlite"
	_, err := Open(t.Context(), Config{DB: db})
	if err == nil || kae.ErrorCode(err) != kae.Invalid || !strings.HasPrefix(err.Error(), "The database "+db+" can't be written: ") {
		t.Errorf("it was refused with %v", err)
	}
}

func TestADatabaseOfAnotherProgramIsRefusedAndStaysAsItIs(t *testing.T) {
	path := filepath.Join(t.TempDir(), "other.sqlite")
	run(t, path, "CREATE TABLE tokens (id INTEGER PRIMARY KEY, name TEXT)", "CREATE TABLE pings (a)", "INSERT INTO pings VALUES (1)")
	before := content(t, path)
	refused(t, path, "The database "+path+" belongs to another program.")
	if !bytes.Equal(before, content(t, path)) {
		t.Error("the file was changed")
	}
	dsn := storetest.Postgres(t)
	storetest.PostgresExec(t, dsn, "CREATE TABLE clock (a BIGINT)")
	u, _ := url.Parse(dsn)
	refused(t, dsn, `The database "postgres" on `+u.Query().Get("host")+` belongs to another program.`)
}

func TestANewerDatabaseIsRefusedAndStaysAsItIs(t *testing.T) {
	const newer = "INSERT INTO kae_schema (version_id, is_applied) VALUES (7, '1')"
	const sentence = " has schema version 7 and this kae knows only 5: start a newer kae, or restore a backup from before its upgrade."
	path := filepath.Join(t.TempDir(), "kae.sqlite")
	create(t, path)
	run(t, path, newer)
	before := content(t, path)
	refused(t, path, "The database "+path+sentence)
	if !bytes.Equal(before, content(t, path)) {
		t.Error("the file was changed")
	}
	dsn := storetest.Postgres(t)
	create(t, dsn)
	storetest.PostgresExec(t, dsn, strings.Replace(newer, "'1'", "true", 1))
	u, _ := url.Parse(dsn)
	refused(t, dsn, `The database "postgres" on `+u.Query().Get("host")+sentence)
}

func TestAPostgreSQLThatCantBeUsedIsRefusedWithASentence(t *testing.T) {
	dsn := storetest.Postgres(t)
	host := mustURL(t, dsn).Query().Get("host")
	with := func(user, database string, set ...string) string {
		u := mustURL(t, dsn)
		u.User, u.Path = url.UserPassword(user, "s3cret"), "/"+database
		q := u.Query()
		for i := 0; i < len(set); i += 2 {
			q.Set(set[i], set[i+1])
		}
		u.RawQuery = q.Encode()
		return u.String()
	}
	t.Run("a URL that can't be read", func(t *testing.T) {
		refused(t, "postgres://kae:s3cret@db:port/kae", "The database's URL can't be read: write postgres://user:password@host:5432/name.")
		refused(t, "postgres://kae:s3cret%@db/kae", "The database's URL can't be read: write postgres://user:password@host:5432/name.")
	})
	t.Run("nobody there", func(t *testing.T) {
		refused(t, with("kae", "kae", "host", "127.0.0.1", "port", "1"), "No PostgreSQL answers on 127.0.0.1 port 1.")
	})
	t.Run("a wrong password", func(t *testing.T) {
		refused(t, with("locked", "postgres"), "PostgreSQL on "+host+` does not let the user "locked" in.`)
	})
	t.Run("no such database", func(t *testing.T) {
		refused(t, with("postgres", "nowhere"), "PostgreSQL on "+host+` has no database "nowhere".`)
	})
	t.Run("no such schema", func(t *testing.T) {
		refused(t, with("postgres", "postgres", "search_path", "nowhere"), `The schema of search_path does not exist in database "postgres" on `+host+".")
	})
	t.Run("no rights", func(t *testing.T) {
		schema := mustURL(t, dsn).Query().Get("search_path")
		storetest.PostgresExec(t, dsn, "CREATE ROLE guest LOGIN; GRANT USAGE ON SCHEMA "+schema+" TO guest")
		refused(t, with("guest", "postgres"), `The user "guest" may not do what kae needs in the database "postgres".`)
	})
	t.Run("another encoding", func(t *testing.T) {
		db, err := sql.Open("pgx", dsn)
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		if _, err := db.Exec("CREATE DATABASE latin TEMPLATE template0 ENCODING LATIN1 LC_COLLATE 'C' LC_CTYPE 'C'"); err != nil {
			t.Fatal(err)
		}
		refused(t, with("postgres", "latin", "search_path", "public"), `The database "latin" on `+host+" has encoding LATIN1; kae needs one of encoding UTF8.")
	})
}

func mustURL(t *testing.T, s string) *url.URL {
	t.Helper()
	u, err := url.Parse(s)
	if err != nil {
		t.Fatal(err)
	}
	return u
}

// create makes a database of this kae.
func create(t *testing.T, db string) {
	t.Helper()
	s, err := Open(t.Context(), Config{DB: db})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// run executes statements on an SQLite file, made where there is none.
func run(t *testing.T, path string, texts ...string) {
	t.Helper()
	db, err := sql.Open("sqlite", "file:"+escapePath(path))
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	for _, text := range texts {
		if _, err := db.Exec(text); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
	}
}

func content(t *testing.T, path string) []byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return data
}
