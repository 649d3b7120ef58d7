package web

import (
	"testing"
	"time"

	"kae"
)

// scene is a kae with a token in every state.
func scene(t testing.TB) (*world, map[string]kae.Token) {
	w := newWorld()
	tokens := map[string]kae.Token{}
	put := func(state, name, interval, grace string, tags ...string) kae.Token {
		token := w.make(t, name, interval, grace, tags...)
		tokens[state] = token
		return token
	}
	expire := func(token kae.Token, _ time.Time) kae.Change { return token.Expire(w.time()) }

	missed := put("missed", "Certificate renewal, mail.example.com", "1d", "1h", "tls", "mail")
	for day := 3; day >= 1; day-- {
		w.beat(missed, kae.Success, time.Duration(day)*24*time.Hour+2*time.Hour, "renewed", "")
	}
	w.do(missed, 0, expire)

	failed := put("failed", "Nightly database backup", "1d", "10m", "db", "prod")
	w.beat(failed, kae.Success, 33*time.Hour, "41.2 GB, 214 tables", "dump\nof 214 tables\n")
	w.beat(failed, kae.Failure, 8*time.Hour, "exit status 1", "pg_dump: error: EOF detected\n")

	late := put("late", "Newsletter queue drain", "10m", "5m", "mail")
	w.beat(late, kae.Success, 13*time.Minute, "", "")

	unknown := put("unknown", "Tape library inventory", "6h", "10m", "backup")
	w.beat(unknown, kae.Success, 7*time.Hour, "", "")
	w.gaps = []kae.Gap{{From: noon.Add(-65 * time.Minute), To: noon.Add(-40 * time.Minute)}}
	w.do(unknown, 0, func(token kae.Token, _ time.Time) kae.Change { return token.Excuse(w.gaps[0]) })

	running := put("running", "Rebuild search index", "6h", "30m", "search")
	w.beat(running, kae.Success, 5*time.Hour, "", "")
	w.beat(running, kae.Start, 9*time.Minute, "", "")

	up := put("up", "Status page probe", "1h30m", "1m", "web", "prod")
	for i := 60; i >= 1; i-- {
		w.beat(up, kae.Success, time.Duration(i)*time.Hour, "", "")
	}
	w.beat(up, kae.Success, 56*time.Second, "all fine", "")

	heard := put("heard", "Postgres <b>WAL</b> archive & more", "5m", "")
	w.beat(heard, kae.Success, 3*time.Minute, "", "")

	put("new", "Staging smoke test", "15m", "", "staging")

	disabled := put("disabled", "Legacy FTP pickup", "30m", "", "etl")
	w.beat(disabled, kae.Success, 16*time.Hour+40*time.Minute, "", "")
	w.do(disabled, 16*time.Hour, kae.Token.Disable)

	removed := put("removed", "Christmas lights timer", "1d", "")
	w.do(removed, 2*time.Hour, kae.Token.Remove)
	return w, tokens
}
