package backup

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"

	"kae"
)

// Postgres is the source of a database in PostgreSQL, of which pg_dump copies
// the tables given, written schema.table in quotes.
func Postgres(dsn string, tables func(context.Context) ([]string, error)) Source {
	return Source{Kind: "dump", Copy: func(ctx context.Context, into string) error {
		if _, err := tool("pg_dump"); err != nil {
			return err
		}
		names, err := tables(ctx)
		if err != nil {
			return err
		}
		if len(names) == 0 {
			return &kae.Error{Code: kae.NotFound, Message: "There is nothing of kae's in the database: start kae on it first."}
		}
		args := []string{"--format=custom", "--compress=0", "--no-owner", "--no-privileges", "--file=" + into}
		for _, name := range names {
			args = append(args, "--table="+name)
		}
		if _, err := run(ctx, dsn, "pg_dump", args...); err != nil {
			return err
		}
		return CheckDump(ctx, "the copy", into)
	}}
}

// IsDump tells whether a file is what pg_dump writes.
func IsDump(file string) bool {
	f, err := os.Open(file)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 5)
	_, err = f.Read(head)
	return err == nil && string(head) == "PGDMP"
}

// CheckDump reads all of a dump. Sentences call it by the name given.
func CheckDump(ctx context.Context, name, file string) error {
	if !IsDump(file) {
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The file %s is no backup of a PostgreSQL database.", name)}
	}
	if _, err := run(ctx, "", "pg_restore", "--file=/dev/null", file); err != nil {
		return sayOf(err, fmt.Sprintf("The backup %s is damaged.", name))
	}
	return nil
}

// RestoreDump writes a dump into a database that has none of its tables, all
// of it or nothing. schema is the one that the database is used with.
func RestoreDump(ctx context.Context, dsn, schema, name, file string) error {
	if err := CheckDump(ctx, name, file); err != nil {
		return err
	}
	list, err := run(ctx, "", "pg_restore", "--list", file)
	if err != nil {
		return err
	}
	if of := schemaOf(list); of != schema {
		return &kae.Error{Code: kae.Invalid, Message: fmt.Sprintf("The backup %s is of the schema %q and the database is used with %q: give a URL with that schema.", name, of, schema)}
	}
	_, err = run(ctx, dsn, "pg_restore", "--single-transaction", "--exit-on-error", "--no-owner", "--no-privileges", "--dbname="+withoutPassword(dsn), file)
	return err
}

// schemaOf reads the schema of the tokens in a dump's list of contents:
// “215; 1259 16385 TABLE public tokens postgres”.
func schemaOf(list string) string {
	for line := range strings.Lines(list) {
		f := strings.Fields(line)
		if i := slices.Index(f, "TABLE"); i > 0 && len(f) > i+2 && f[i+2] == "tokens" {
			return f[i+1]
		}
	}
	return ""
}

func tool(name string) (string, error) {
	path, err := exec.LookPath(name)
	if err != nil {
		return "", &kae.Error{Code: kae.Unavailable, Message: name + " is not here: install PostgreSQL's client programs (postgresql-client at Debian), or back the server up by its own means."}
	}
	return path, nil
}

// run runs one of PostgreSQL's programs, connected where dsn is given, and
// gives what it prints. The password is in the environment only.
func run(ctx context.Context, dsn, name string, args ...string) (string, error) {
	path, err := tool(name)
	if err != nil {
		return "", err
	}
	if dsn != "" && name == "pg_dump" {
		args = append(args, "--dbname="+withoutPassword(dsn))
	}
	cmd := exec.CommandContext(ctx, path, append([]string{"--no-password"}, args...)...)
	cmd.Env = append(os.Environ(), "LC_ALL=C")
	if password := passwordOf(dsn); password != "" {
		cmd.Env = append(cmd.Env, "PGPASSWORD="+password)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err = cmd.Run()
	switch {
	case err == nil:
		return stdout.String(), nil
	case ctx.Err() != nil:
		return "", &kae.Error{Code: kae.Unavailable, Message: "The backup was broken off.", Err: ctx.Err()}
	}
	said, _, _ := strings.Cut(strings.TrimSpace(stderr.String()), "\n")
	if strings.Contains(stderr.String(), "No space left on device") {
		return "", &kae.Error{Code: kae.Unavailable, Message: "There is no room left for the backup."}
	}
	if said == "" {
		said = err.Error()
	}
	return "", &kae.Error{Code: kae.Unavailable, Message: name + " did not do its work.", Err: errors.New(said)}
}

// sayOf gives an error another sentence, unless a tool is missing.
func sayOf(err error, message string) error {
	var e *kae.Error
	if errors.As(err, &e) && e.Err != nil {
		return &kae.Error{Code: kae.Invalid, Message: message, Err: e.Err}
	}
	return err
}

// known are the parameters of a URL that PostgreSQL's programs take, without
// the password. kae's driver takes others, too.
var known = []string{
	"host", "hostaddr", "port", "dbname", "user", "passfile", "connect_timeout", "options", "application_name",
	"sslmode", "sslcert", "sslkey", "sslrootcert", "sslcrl", "target_session_attrs", "service", "krbsrvname", "gssencmode",
}

func withoutPassword(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return ""
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	q := u.Query()
	for name := range q {
		if !slices.Contains(known, name) {
			q.Del(name)
		}
	}
	u.RawQuery = q.Encode()
	return u.String()
}

func passwordOf(dsn string) string {
	u, err := url.Parse(dsn)
	if err != nil {
		return ""
	}
	if password, ok := u.User.Password(); ok {
		return password
	}
	return u.Query().Get("password")
}
