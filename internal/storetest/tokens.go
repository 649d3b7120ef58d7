package storetest

import (
	"fmt"
	"time"

	"kae"
)

// full makes a token in which no field is empty, and text that is not plain.
func full(id int64) kae.Token {
	t := token(id)
	t.Name = `Sauvegarde 'de "nuit" – 夜の ☕ $1 ? \ %s`
	t.Description = "one\ntwo\t<b>; DROP TABLE tokens; --"
	t.Tags = []string{"größer", "a'b", "?", "日本"}
	t.Schedule = schedule("Mon..Fri 06:00\n*-*-01 04:30", "Europe/Madrid")
	t.Grace = 90 * time.Second
	t.Status, t.Reason, t.FlippedAt = kae.Up, kae.Excused, at(1)
	t.Unknown = true
	t.Beats, t.Flips, t.LastPos = 7, 3, 5
	t.MaxRun, t.FireAfter, t.BodyHas, t.BodyLacks, t.PostOnly = time.Hour, 3, "o'k ?", "FAIL \"$1\"", true
	t.Since, t.LastAt, t.Strikes = at(2), at(3), 2
	t.Runs = []kae.Run{{At: at(4).Add(time.Microsecond)}, {ID: "0b8e1a52-6c1f-4f0e-9f5e-2f7c4a0d9b11", At: at(5)}}
	t.Took = 90*time.Minute + time.Microsecond
	ran := kae.Token{Schedule: t.Schedule, Status: kae.New}.Beat(kae.Heartbeat{At: at(2), Kind: kae.Success}).Token
	t.Track = ran.Beat(kae.Heartbeat{At: at(3), Kind: kae.Failure}).Token.Track
	return t.Settle()
}

func schedule(text, zone string) kae.Schedule {
	at, err := kae.LoadZone(zone)
	if err != nil {
		panic(err)
	}
	s, err := kae.ParseSchedule(text, at)
	if err != nil {
		panic(err)
	}
	return s
}

var tokenCases = []testCase{
	{"a new database is empty", func(db *database) {
		db.equal("content", db.read(-1), content{})
		db.equal("content after position 0", db.read(0), content{})
		h := db.history(token(1), kae.HistoryQuery{Limit: 10, Bodies: true})
		db.equal("history", h, kae.History{})
	}},
	{"a token comes back as it was written", func(db *database) {
		plain, everything, removed := token(1), full(2), full(3)
		removed.RemovedAt = at(9)
		removed = removed.Settle()
		bare := kae.Token{ID: 1 << 60, Value: "v", UUID: "u", Status: kae.New} // every text and time empty
		db.write(func(tx kae.Tx) error {
			return tx.PutTokens([]kae.Token{plain, everything, removed, bare}, 4)
		})
		want := []saved{{plain, 4}, {everything, 4}, {removed, 4}, {bare, 4}}
		db.equal("tokens", db.read(-1).Tokens, want)
		db.reopen()
		db.equal("tokens after a restart", db.read(-1).Tokens, want)
		if everything.Deadline.IsZero() || !removed.Deadline.IsZero() {
			db.Error("the deadlines of this test prove nothing")
		}
	}},
	{"a token written again is replaced whole", func(db *database) {
		db.write(func(tx kae.Tx) error { return tx.PutTokens([]kae.Token{full(1), token(2)}, 3) })
		next := token(1)
		next.Value, next.UUID = "another", "another too"
		db.write(func(tx kae.Tx) error { return tx.PutTokens([]kae.Token{next}, 5) })
		db.equal("tokens", db.read(-1).Tokens, []saved{{next, 5}, {token(2), 3}})
	}},
	{"only tokens written after a position are read", func(db *database) {
		for id := range int64(4) {
			db.add(token(id + 1))
		}
		db.equal("tokens", db.read(2).Tokens, []saved{{token(3), 3}, {token(4), 4}})
		db.equal("tokens after the last", db.read(4).Tokens, []saved(nil))
	}},
	{"saving writes the state and not the settings", func(db *database) {
		db.write(func(tx kae.Tx) error { return tx.PutTokens([]kae.Token{token(1), full(2)}, 1) })
		moved := full(1) // state and settings differ from what is there
		moved.Value, moved.UUID, moved.CreatedAt, moved.RemovedAt = "x", "y", at(50), at(60)
		still := full(2)
		still.Unknown, still.Runs, still.Strikes, still.Reason = false, nil, 0, ""
		db.write(func(tx kae.Tx) error { return tx.SaveTokens([]kae.Token{moved, still, full(99)}, 8) })
		want := full(1).With(token(1).Settings()).Settle()
		db.equal("tokens", db.read(-1).Tokens, []saved{{want, 8}, {still.Settle(), 8}})
	}},
	{"saving never takes a token back", func(db *database) {
		db.write(func(tx kae.Tx) error { return tx.PutTokens([]kae.Token{token(1)}, 5) })
		for _, pos := range []int64{4, 5} {
			db.write(func(tx kae.Tx) error { return tx.SaveTokens([]kae.Token{full(1)}, pos) })
			db.equal("tokens", db.read(-1).Tokens, []saved{{token(1), 5}})
		}
		db.write(func(tx kae.Tx) error { return tx.SaveTokens([]kae.Token{full(1)}, 6) })
		if got := db.read(-1).Tokens[0]; got.Pos != 6 || got.Token.Status != kae.Up {
			db.Errorf("saved up to 6: at %d and %s", got.Pos, got.Token.Status)
		}
	}},
	{"thousands of tokens are written and saved at once", func(db *database) {
		const n = 3001
		tokens := make([]kae.Token, n)
		flips := make([]kae.Flip, n)
		for i := range tokens {
			tokens[i] = token(int64(i) + 1)
			flips[i] = kae.Flip{TokenID: int64(i) + 1, Number: 2, At: at(2), From: kae.New, To: kae.Up, Reason: kae.First}
		}
		db.write(func(tx kae.Tx) error { return tx.PutTokens(tokens, 1) })
		for i := range tokens {
			tokens[i].Beats, tokens[i].Flips = int64(i), 2
		}
		db.write(func(tx kae.Tx) error {
			if err := tx.SaveTokens(tokens, 2); err != nil {
				return err
			}
			return tx.AddFlips(flips, 1)
		})
		got := db.read(-1).Tokens
		if len(got) != n {
			db.Fatalf("%d tokens of %d", len(got), n)
		}
		for i, g := range got {
			if g.Token.Beats != int64(i) || g.Pos != 2 {
				db.Fatalf("token %d has %d beats at %d", g.Token.ID, g.Token.Beats, g.Pos)
			}
		}
		for _, i := range []int{0, 63, 64, n - 1} {
			db.equal("flips", db.history(tokens[i], kae.HistoryQuery{Limit: 5}).Flips, flips[i:i+1])
		}
	}},
	{"the clock is one row", func(db *database) {
		for i := range int64(3) {
			db.write(func(tx kae.Tx) error {
				return tx.SetClock(kae.Clock{AliveAt: at(i), Pos: 10 + i, Safe: 5 + i, LastID: 20 + i, Head: 99})
			})
		}
		want := kae.Clock{AliveAt: at(2), Pos: 12, Safe: 7, LastID: 22, Head: 12}
		db.equal("clock", db.read(-1).Clock, want)
		db.reopen()
		db.equal("clock after a restart", db.read(0).Clock, want)
	}},
	{"a forgotten token is gone with all that is its", func(db *database) {
		gone, stays := token(1), token(2)
		gone.Flips, stays.Flips = 1, 1
		db.add(gone, stays)
		db.beats(10, &gone, &stays)
		db.cut(db.pos-8, 10, &gone, &stays)
		last := []kae.Heartbeat{db.beat(&gone, 1, 2), db.beat(&stays, 3, 4)}
		flips := []kae.Flip{{TokenID: 1, Number: 1, From: kae.New, To: kae.Up}, {TokenID: 2, Number: 1, From: kae.New, To: kae.Up}}
		db.write(func(tx kae.Tx) error {
			if err := tx.Append(last); err != nil {
				return err
			}
			return tx.AddFlips(flips, 10)
		})
		db.write(func(tx kae.Tx) error { return tx.Forget([]int64{1, 77}) })
		if got := db.read(-1).Tokens; len(got) != 1 || got[0].Token.ID != 2 {
			db.Errorf("tokens left: %v", got)
		}
		db.equal("heartbeats, flips and bodies of the one that is gone",
			[]int{len(db.history(gone, kae.HistoryQuery{Limit: 100}).Flips)}, []int{0})
		if _, err := db.store.Body(db.Context(), 1, gone.Beats); kae.ErrorCode(err) != kae.NotFound {
			db.Errorf("its body: %v", err)
		}
		db.cut(db.pos, 100, &stays)
		db.equal("heartbeats of the one that is gone", db.history(gone, kae.HistoryQuery{Limit: 100}), kae.History{})
		h := db.history(stays, kae.HistoryQuery{Limit: 100, Bodies: true})
		if len(h.Beats) != 11 || len(h.Flips) != 1 || string(h.Beats[0].Body) != "\x03\x04" {
			db.Errorf("the other token has %d heartbeats and %d flips", len(h.Beats), len(h.Flips))
		}
	}},
	{"many tokens are forgotten at once", func(db *database) {
		var tokens []kae.Token
		var ids []int64
		for id := int64(1); id <= 200; id++ {
			tokens = append(tokens, token(id))
			if id%2 == 0 {
				ids = append(ids, id)
			}
		}
		db.add(tokens...)
		db.write(func(tx kae.Tx) error { return tx.Forget(ids) })
		got := db.read(-1).Tokens
		if len(got) != 100 || got[99].Token.ID != 199 {
			db.Errorf("%d tokens left: %s", len(got), fmt.Sprint(got))
		}
	}},
}
