package web

import (
	"strings"
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

// signals is a kae whose tokens have all that heartbeats can say behind them.
func signals(t testing.TB) (*world, map[string]kae.Token) {
	w := newWorld()
	tokens := map[string]kae.Token{}
	put := func(name, title, interval string, change func(*kae.Settings)) kae.Token {
		madrid, err := kae.LoadZone("Europe/Madrid")
		if err != nil {
			t.Fatal(err)
		}
		set := kae.Settings{Name: title}
		if set.Schedule, err = kae.ParseSchedule(interval, madrid); err != nil {
			t.Fatal(err)
		}
		set.Grace = set.Schedule.DefaultGrace()
		if change != nil {
			change(&set)
		}
		token, err := w.Create(t.Context(), set)
		if err != nil {
			t.Fatal(err)
		}
		tokens[name] = token
		return token
	}
	expire := func(at time.Duration) func(kae.Token, time.Time) kae.Change {
		return func(token kae.Token, _ time.Time) kae.Change { return token.Expire(noon.Add(-at)) }
	}
	const run = "6971cebf-3a6e-4d51-9d1c-1f0a3a6f2b7e"

	bodies := put("bodies", "Nightly dump of the warehouse", "0 3 * * *", func(set *kae.Settings) {
		set.MaxRun, set.BodyHas, set.BodyLacks, set.PostOnly = 30*time.Minute, "<DONE>", "WARN", true
	})
	w.tell(bodies, kae.Heartbeat{At: noon.Add(-34 * time.Hour), Kind: kae.Success, Body: []byte("41.2 GB\nDONE\n")})
	w.tell(bodies, kae.Heartbeat{At: noon.Add(-33 * time.Hour), Kind: kae.Log, Body: []byte{0, 1, 2, 255}})
	w.tell(bodies, kae.Heartbeat{At: noon.Add(-10 * time.Hour), Kind: kae.Start, RunID: run})
	w.tell(bodies, kae.Heartbeat{At: noon.Add(-10*time.Hour + 245*time.Second), Kind: kae.Failure, RunID: run, Exited: true, Exit: 2, Message: "no space",
		Body: []byte(strings.Repeat("dumping <b>orders</b>\n", 200) + "No space left on device\n")})

	overran := put("overran", "Invoices to the archive", "Mon..Fri 06:00", func(set *kae.Settings) { set.MaxRun = 30 * time.Minute })
	w.tell(overran, kae.Heartbeat{At: noon.Add(-54 * time.Hour), Kind: kae.Success})
	w.tell(overran, kae.Heartbeat{At: noon.Add(-time.Hour), Kind: kae.Start})
	w.do(overran, 0, expire(0))

	bounded := put("bounded", "Catalogue crawl", "1d", func(set *kae.Settings) { set.MaxRun = 3 * time.Hour })
	w.tell(bounded, kae.Heartbeat{At: noon.Add(-22 * time.Hour), Kind: kae.Success})
	w.tell(bounded, kae.Heartbeat{At: noon.Add(-70 * time.Minute), Kind: kae.Start})

	misses := put("misses", "Weather feed", "1h", func(set *kae.Settings) { set.FireAfter = 3 })
	w.tell(misses, kae.Heartbeat{At: noon.Add(-100 * time.Minute), Kind: kae.Success})
	w.do(misses, 0, expire(0))

	late := put("arrived-late", "Camera upload, gate 4", "6h", nil)
	w.tell(late, kae.Heartbeat{At: noon.Add(-11 * time.Hour), Kind: kae.Success})
	w.do(late, 0, expire(5*time.Hour))
	w.tell(late, kae.Heartbeat{At: noon.Add(-5*time.Hour - time.Minute), Received: noon.Add(-time.Hour), Kind: kae.Success, Message: "from the spool"})

	ended := put("ended", "Summer party", "2026-11-20 18:00", nil)
	w.tell(ended, kae.Heartbeat{At: noon.Add(-40 * time.Hour), Kind: kae.Success})
	return w, tokens
}
