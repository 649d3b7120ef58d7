package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"kae/internal/roster"
)

// original is the default database of kae's predecessor of the same name.
const original = "keep-an-eye.sqlite"

// notTheOriginals refuses to start with an empty database beside one of the
// original kae's: whoever moves to this kae would take it for an empty one.
func notTheOriginals(c config) error {
	if c.given["KAE_DB"] || exists(c.db) || !exists(original) {
		return nil
	}
	return errors.New("there is no " + c.db + " here, but the database of an original kae, " + original + ": " +
		"start with “-db " + original + "” to go on with it (it is upgraded in place, after a copy is put aside), " +
		"or with “-db " + c.db + "” to begin with an empty one")
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// announce says where kae is, where its data is, and what to do next.
func announce(w io.Writer, c config, addr net.Addr, n roster.Counts, copied string) {
	var said strings.Builder // written at once: whoever waits for its first line has all of it
	defer func() { io.WriteString(w, said.String()) }()
	fmt.Fprintln(&said, "kae is at "+clickable(c, addr))
	fmt.Fprintln(&said, "Database: "+shownDB(c.db))
	if copied != "" {
		fmt.Fprintln(&said, "It was upgraded from the original kae's; the copy from before is "+copied)
	}
	all := n.New + n.Up + n.Firing + n.Disabled
	if all == 0 {
		fmt.Fprintln(&said, "Next: open the address and create the first token.")
		return
	}
	watched := fmt.Sprintf("Watching %d tokens", all)
	if all == 1 {
		watched = "Watching 1 token"
	}
	var parts []string
	for _, p := range []struct {
		n    int
		word string
	}{{n.Firing, "firing"}, {n.Up, "up"}, {n.New, "new"}, {n.Disabled, "disabled"}} {
		if p.n > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", p.n, p.word))
		}
	}
	fmt.Fprintf(&said, "%s: %s.\n", watched, strings.Join(parts, ", "))
}

// clickable gives an address that a browser on this machine can open.
func clickable(c config, addr net.Addr) string {
	if c.url != "" {
		return c.url + " (listening on " + addr.String() + ")"
	}
	host, port, _ := net.SplitHostPort(addr.String())
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() {
		return "http://localhost:" + port + " (listening on every address)"
	}
	return "http://" + net.JoinHostPort(host, port)
}

// shownDB hides the password of a database, wherever in its URL it stands.
func shownDB(db string) string {
	if !isPostgres(db) {
		return db
	}
	u, err := url.Parse(db)
	if err != nil {
		return "PostgreSQL"
	}
	shown := url.URL{Scheme: u.Scheme, Host: u.Host, Path: u.Path}
	if name := u.User.Username(); name != "" {
		shown.User = url.User(name)
	}
	return shown.String()
}
