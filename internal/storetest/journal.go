package storetest

import (
	"time"

	"kae"
)

var journalCases = []testCase{
	{"a heartbeat comes back as it was written", func(db *database) {
		rich := kae.Heartbeat{
			TokenID: 3, Number: 1, Pos: 1, At: start.Add(time.Microsecond), Kind: kae.Failure,
			Message: "it's \"bad\" – ☕ 日本 $1 ? \\ %00\n", BodySize: 10_000,
			Received: at(9), Exited: true, Exit: 255, RunID: kae.NewUUID(), Took: 90*time.Minute + time.Microsecond,
			Remote: "2001:db8::1%eth0", Agent: "curl/8 (‘agent’)",
		}
		poor := kae.Heartbeat{TokenID: 4, Number: 1, Pos: 2, Kind: kae.Success, Exited: true}
		started := kae.Heartbeat{TokenID: 3, Number: 2, Pos: 1 << 60, Prev: 1, At: at(3), Kind: kae.Start}
		want := []kae.Heartbeat{rich, poor, started}
		db.write(func(tx kae.Tx) error { return tx.Append(want) })
		db.equal("journal", db.read(-1).Beats, want)
		db.reopen()
		db.equal("journal after a restart", db.read(-1).Beats, want)
	}},
	{"the journal is read in order after a position", func(db *database) {
		a, b := token(1), token(2)
		first := db.beats(3, &a, &b)
		db.pos += 10 // positions need not follow one another
		second := db.beats(2, &b, &a)
		all := append(first, second...)
		db.equal("all", db.read(0).Beats, all)
		db.equal("after the fourth", db.read(4).Beats, all[4:])
		db.equal("after one in between", db.read(9).Beats, second)
		db.equal("after the last", db.read(db.pos).Beats, []kae.Heartbeat(nil))
	}},
	{"a start reads the journal from the safe position on", func(db *database) {
		a := token(1)
		db.add(a)
		all := db.beats(6, &a)
		db.write(func(tx kae.Tx) error { return tx.SetClock(kae.Clock{Pos: db.pos, Safe: all[3].Pos}) })
		c := db.read(-1)
		db.equal("journal", c.Beats, all[4:])
		if len(c.Tokens) != 1 {
			db.Errorf("%d tokens; all have to be read", len(c.Tokens))
		}
		db.equal("journal after position 1", db.read(1).Beats, all)
	}},
	{"the head is one before the oldest journal row", func(db *database) {
		a := token(1)
		db.pos = 41
		db.beats(5, &a)
		if got := db.read(-1).Clock.Head; got != 41 {
			db.Errorf("head %d, want 41", got)
		}
		db.cut(43, 100, &a)
		if got := db.read(-1).Clock.Head; got != 43 {
			db.Errorf("head after a cut %d, want 43", got)
		}
		db.write(func(tx kae.Tx) error { return tx.SetClock(kae.Clock{Pos: 46, Safe: 46}) })
		db.cut(46, 100, &a)
		if got := db.read(-1).Clock.Head; got != 46 {
			db.Errorf("head of an empty journal %d, want the clock's position 46", got)
		}
	}},
	{"thousands of heartbeats are written at once", func(db *database) {
		a, b := token(1), token(2)
		all := db.beats(2500, &a, &b)
		db.equal("journal", db.read(0).Beats, all)
		h := db.history(b, kae.HistoryQuery{Limit: 2000})
		db.equal("history", h.Beats, of(b, all)[:2000])
	}},
	{"a cut moves what is kept and drops the rest", func(db *database) {
		chatty, slow, gone := token(1), token(2), token(3)
		all := db.beats(1, &slow, &gone)
		all = append(all, db.beats(200, &chatty)...)
		all = append(all, db.beats(1, &slow, &chatty)...)
		to := all[150].Pos
		db.cut(to, 10, &chatty, &slow)
		db.equal("journal", db.read(0).Beats, all[151:])
		q := kae.HistoryQuery{Limit: 1000}
		db.equal("slow", db.history(slow, q).Beats, of(slow, all))
		db.equal("gone", db.history(gone, q).Beats, []kae.Heartbeat(nil))
		db.equal("chatty", db.history(chatty, q).Beats, of(chatty, all[151:]))
		db.cut(db.pos, 10, &chatty, &slow)
		db.equal("journal", db.read(0).Beats, []kae.Heartbeat(nil))
		db.equal("slow, all moved", db.history(slow, q).Beats, of(slow, all))
		db.equal("chatty, the newest moved", db.history(chatty, q).Beats, of(chatty, all)[:10])
		db.reopen()
		db.equal("after a restart", db.history(chatty, q).Beats, of(chatty, all)[:10])
	}},
	{"a cut drops moved heartbeats that are no longer among the newest", func(db *database) {
		a, b := token(1), token(2)
		all := db.beats(20, &a, &b)
		db.cut(db.pos, 20, &a, &b)
		all = append(all, db.beats(15, &a)...)
		db.cut(db.pos, 20, &a, &b)
		q := kae.HistoryQuery{Limit: 1000}
		db.equal("the one that went on", db.history(a, q).Beats, of(a, all)[:20])
		db.equal("the one that did not", db.history(b, q).Beats, of(b, all))
	}},
	{"however many cuts, there is a ceiling", func(db *database) {
		const keep = 5
		tokens := make([]kae.Token, 30)
		all := make([]*kae.Token, len(tokens))
		for i := range tokens {
			tokens[i] = token(int64(i) + 1)
			all[i] = &tokens[i]
		}
		var written []kae.Heartbeat
		for range 40 {
			written = append(written, db.beats(1, all...)...)
			db.cut(db.pos-20, keep, all...)
		}
		if n := len(db.read(0).Beats); n != 20 {
			db.Errorf("%d rows in the journal, want 20", n)
		}
		for _, t := range tokens {
			got := db.history(t, kae.HistoryQuery{Limit: 10_000}).Beats
			if len(got) < keep || len(got) > keep+1 {
				db.Errorf("token %d has %d heartbeats, want %d and at most the one in the journal more", t.ID, len(got), keep)
			}
			db.equal("history", got, of(t, written)[:len(got)])
		}
	}},
	{"a cut of nothing changes nothing", func(db *database) {
		a := token(1)
		all := db.beats(3, &a)
		db.cut(0, 1, &a)
		db.equal("journal", db.read(0).Beats, all)
	}},
}
