package main

import (
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"kae"
	"kae/internal/sqlstore"
)

// scene writes a database with tokens in every state and a history behind
// them, as of now. Nothing moves in it for an hour.
func scene(t testing.TB, dir string) {
	t.Helper()
	store, err := sqlstore.Open(t.Context(), sqlstore.Config{DB: filepath.Join(dir, "kae.sqlite"), Log: slog.New(slog.DiscardHandler), Keep: 1000})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	s := &stage{now: time.UnixMicro(time.Now().UnixMicro()).UTC()}
	const hour, day = time.Hour, 24 * time.Hour

	s.token("Certificate renewal, mail.example.com", "tls mail", "1d", "1h").runs(5, 1*day+6*hour).expires()
	s.token("Sensor gateway, greenhouse 2", "iot", "5m", "5m").runs(60, 91*time.Minute).expires()
	s.token("Nightly database backup", "db prod", "1d", "2h").says("pg_dump of orders, billing and crm to vault-1. Run book: wiki.example.com/backup").
		runs(30, 31*hour).beat(kae.Failure, 7*hour+48*time.Minute, "exit status 1")
	s.token("Newsletter queue drain", "mail", "1h", "2h").runs(24, 63*time.Minute)
	s.token("Tape library inventory", "backup", "1w", "2h").runs(4, 9*day).excused(5*hour, 4*hour)
	s.token("Rebuild search index", "search", "12h", "1h").runs(10, 9*hour).beat(kae.Start, 20*time.Minute, "")
	s.token("Status page probe", "web prod", "2h", "5m").runs(80, 6*time.Minute)
	s.token("Postgres WAL archive", "db prod", "3h", "15m").runs(50, 40*time.Minute)
	s.token("GitLab mirror pull", "git", "6h", "30m").runs(20, 90*time.Minute)
	s.token("Offsite restic prune", "backup", "1d", "1h").runs(14, 5*hour)
	s.token("Exchange rates import", "finance", "1d", "").runs(9, 11*hour)
	s.token("Payroll file to the bank", "finance prod", "1w", "6h").runs(6, 4*day)
	s.token("Toner report, 3rd floor", "office", "1w", "")
	s.token("Legacy FTP pickup", "etl", "30m", "").runs(20, 17*hour).disabled(16 * hour)

	backup := s.token("Nightly dump of the warehouse", "db prod", "0 3 * * *", "").in("Europe/Madrid").with(func(t *kae.Token) {
		t.MaxRun, t.FireAfter, t.BodyHas, t.BodyLacks, t.PostOnly = 30*time.Minute, 1, "DONE", "WARN", true
	}).says("Ten times the size of a year ago. Run book: wiki.example.com/warehouse")
	for n := 2; n > 0; n-- {
		backup.run(time.Duration(n)*day+5*hour, 7*time.Minute+time.Duration(n*11)*time.Second, kae.Success, 0, "41.2 GB, 214 tables\nDONE\n")
	}
	backup.run(5*hour, 4*time.Minute+5*time.Second, kae.Failure, 1, strings.Repeat("pg_dump: dumping contents of table \"public.order_lines\"\n", 80)+
		"pg_dump: error: Dumping the contents of table \"order_lines\" failed:\n         PQgetCopyData() failed.\n"+
		"backup.sh: dump of <b>orders</b> incomplete, 18.7 of about 41 GB; keeping the old one\n")
	s.token("Invoices to the archive", "finance", "Mon..Fri 06:00", "").in("Europe/Madrid").with(func(t *kae.Token) { t.MaxRun = 30 * time.Minute }).
		run(2*day, 3*time.Minute, kae.Success, 0, "").beat(kae.Start, 90*time.Minute, "").expires()
	s.token("Catalogue crawl", "search", "1d", "2h").with(func(t *kae.Token) { t.MaxRun = 3 * time.Hour }).
		runs(3, 22*hour).beat(kae.Start, 70*time.Minute, "")
	s.token("Weather feed", "iot", "1h", "").with(func(t *kae.Token) { t.FireAfter = 3 }).runs(12, 100*time.Minute).expires()
	s.token("Camera upload, gate 4", "iot", "6h", "10m").runs(8, 11*hour).expiresAt(4*hour).late(5*hour, 40*time.Minute)

	err = store.Write(t.Context(), func(tx kae.Tx) error {
		// A little ahead, so that no gap lies before the start.
		clock := kae.Clock{AliveAt: s.now.Add(time.Minute), Pos: s.pos, Safe: s.pos, LastID: int64(len(s.actors))}
		var tokens []kae.Token
		for _, a := range s.actors {
			tokens = append(tokens, a.Token)
		}
		for _, err := range []error{tx.Append(s.beats), tx.PutTokens(tokens, s.pos), tx.AddFlips(s.flips, 1000), tx.AddGap(s.gap), tx.SetClock(clock)} {
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

type stage struct {
	now    time.Time
	pos    int64
	actors []*actor
	beats  []kae.Heartbeat
	flips  []kae.Flip
	gap    kae.Gap
}

// actor is a token that is being given a past.
type actor struct {
	kae.Token
	*stage
}

func (s *stage) token(name, tags, every, grace string) *actor {
	schedule, err := kae.ParseSchedule(every, nil)
	if err != nil {
		panic(err)
	}
	allowed, err := kae.ParseGrace(grace)
	if err != nil {
		panic(err)
	}
	a := &actor{stage: s, Token: kae.Token{
		ID: int64(len(s.actors) + 1), Value: kae.NewValue(), UUID: kae.NewUUID(), Name: name, Tags: kae.ParseTags(tags),
		Schedule: schedule, Grace: allowed, Status: kae.New, CreatedAt: s.now.Add(-60 * 24 * time.Hour),
	}}
	s.actors = append(s.actors, a)
	return a
}

func (a *actor) apply(c kae.Change) *actor {
	a.Token = c.Token
	if c.Beat != nil {
		a.stage.beats = append(a.stage.beats, *c.Beat)
	}
	if c.Flip != nil {
		a.stage.flips = append(a.stage.flips, *c.Flip)
	}
	return a
}

func (a *actor) says(description string) *actor { a.Description = description; return a }

func (a *actor) beat(kind kae.Kind, ago time.Duration, message string) *actor {
	a.pos++
	return a.apply(a.Beat(kae.Heartbeat{
		Pos: a.pos, At: a.now.Add(-ago), Kind: kind, Message: message, Remote: fmt.Sprintf("10.0.4.%d", a.ID+10), Agent: "curl/8.14.1",
	}))
}

// runs are n successes, the newest a while ago.
func (a *actor) runs(n int, ago time.Duration) *actor {
	for i := range n {
		a.beat(kae.Success, ago+time.Duration(n-1-i)*a.Schedule.Interval(), "")
	}
	return a
}

// run is a start, and an end some time after it.
func (a *actor) run(ago, took time.Duration, kind kae.Kind, exit int, body string) *actor {
	id := kae.NewUUID()
	for _, h := range []kae.Heartbeat{
		{At: a.now.Add(-ago), Kind: kae.Start},
		{At: a.now.Add(took - ago), Kind: kind, Exited: true, Exit: exit, Body: []byte(body), BodySize: len(body)},
	} {
		a.pos++
		h.Pos, h.RunID, h.Remote, h.Agent = a.pos, id, fmt.Sprintf("10.0.4.%d", a.ID+10), "kae exec"
		a.apply(a.Beat(h))
	}
	return a
}

// late is a success that is told long after it happened.
func (a *actor) late(ago, told time.Duration) *actor {
	a.pos++
	return a.apply(a.Beat(kae.Heartbeat{Pos: a.pos, At: a.now.Add(-ago), Received: a.now.Add(-told), Kind: kae.Success, Remote: "10.0.4.9", Agent: "kae exec"}))
}

func (a *actor) in(zone string) *actor {
	at, err := kae.LoadZone(zone)
	if err == nil {
		a.Schedule, err = kae.ParseSchedule(a.Schedule.String(), at)
	}
	if err != nil {
		panic(err)
	}
	a.Grace = a.Schedule.DefaultGrace()
	return a
}

func (a *actor) with(change func(*kae.Token)) *actor { change(&a.Token); return a }

func (a *actor) expiresAt(ago time.Duration) *actor { return a.apply(a.Expire(a.now.Add(-ago))) }

func (a *actor) expires() *actor { return a.apply(a.Expire(a.now)) }

func (a *actor) excused(from, to time.Duration) *actor {
	a.gap = kae.Gap{From: a.now.Add(-from), To: a.now.Add(-to)}
	a.Since = a.gap.From.Add(time.Minute - a.Schedule.Interval())
	a.Token = a.Settle()
	return a.apply(a.Excuse(a.gap))
}

func (a *actor) disabled(ago time.Duration) *actor { return a.apply(a.Disable(a.now.Add(-ago))) }
