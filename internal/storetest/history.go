package storetest

import (
	"bytes"
	"slices"

	"kae"
)

var historyCases = []testCase{
	{"a history is read newest first and in parts", func(db *database) {
		a, b := token(1), token(2)
		all := db.beats(30, &a, &b)
		want := of(a, all)
		db.equal("the newest", db.history(a, kae.HistoryQuery{Limit: 7}).Beats, want[:7])
		db.equal("going on", db.history(a, kae.HistoryQuery{Limit: 7, BeatsBefore: want[6].Number}).Beats, want[7:14])
		db.equal("the oldest", db.history(a, kae.HistoryQuery{Limit: 7, BeatsBefore: 4}).Beats, want[27:])
		db.equal("before the first", db.history(a, kae.HistoryQuery{Limit: 7, BeatsBefore: 1}).Beats, []kae.Heartbeat(nil))
		db.equal("none asked for", db.history(a, kae.HistoryQuery{}), kae.History{})
	}},
	{"a history goes on where the journal was cut", func(db *database) {
		a, b := token(1), token(2)
		all := db.beats(10, &a, &b)
		db.cut(db.pos, 100, &a, &b)
		all = append(all, db.beats(10, &b, &a)...)
		db.cut(all[24].Pos, 100, &a, &b)
		want := of(a, all)
		db.equal("all", db.history(a, kae.HistoryQuery{Limit: 100}).Beats, want)
		for before := int64(21); before > 1; before -= 3 {
			got := db.history(a, kae.HistoryQuery{Limit: 3, BeatsBefore: before}).Beats
			from := 21 - before
			db.equal("a part", got, want[from:min(from+3, 20)])
		}
	}},
	{"a token that lags behind the database has its history", func(db *database) {
		a := token(1)
		all := db.beats(4, &a)
		old := a
		all = append(all, db.beats(4, &a)...)
		db.equal("from its own newest on", db.history(old, kae.HistoryQuery{Limit: 10}).Beats, of(a, all[:4]))
		db.cut(all[5].Pos, 100, &a)
		got := db.history(old, kae.HistoryQuery{Limit: 10}).Beats
		db.equal("when that one was cut away", got, of(a, all[:4]))
	}},
	{"bodies of the newest heartbeats are kept", func(db *database) {
		a, b := token(1), token(2)
		body := func(h kae.Heartbeat) []byte { return append([]byte{0, 0xff, '\'', byte(h.Number)}, "\xc3\x28"...) }
		var all []kae.Heartbeat
		for range 150 {
			for _, t := range []*kae.Token{&a, &b} {
				h := db.beat(t)
				h.Body = body(h)
				h.BodySize = len(h.Body)
				all = append(all, h)
			}
		}
		db.write(func(tx kae.Tx) error { return tx.Append(all[:230]) }) // slots met twice in one call
		db.write(func(tx kae.Tx) error { return tx.Append(all[230:]) })
		h := db.history(a, kae.HistoryQuery{Limit: 1000, Bodies: true})
		for i, got := range h.Beats {
			want := body(got)
			if i >= kae.BodiesKept {
				want = nil
			}
			if !bytes.Equal(got.Body, want) || got.BodySize != 6 {
				db.Fatalf("heartbeat %d has body %q of size %d, want %q", got.Number, got.Body, got.BodySize, want)
			}
			alone, err := db.store.Body(db.Context(), 1, got.Number)
			if want == nil && kae.ErrorCode(err) != kae.NotFound || want != nil && err != nil || !bytes.Equal(alone, want) {
				db.Fatalf("body %d alone: %q, %v, want %q", got.Number, alone, err, want)
			}
		}
		if len(h.Beats) != 150 {
			db.Errorf("%d heartbeats, want 150", len(h.Beats))
		}
		for _, got := range db.history(a, kae.HistoryQuery{Limit: 10}).Beats {
			if got.Body != nil {
				db.Fatalf("heartbeat %d has a body that was not asked for", got.Number)
			}
		}
		part := db.history(a, kae.HistoryQuery{Limit: 2, BeatsBefore: 120, Bodies: true}).Beats
		if !bytes.Equal(part[0].Body, body(part[0])) || part[0].Number != 119 {
			db.Errorf("heartbeat %d has body %q", part[0].Number, part[0].Body)
		}
	}},
	{"the later of two bodies that meet in one call is kept", func(db *database) {
		a := token(1)
		var all []kae.Heartbeat
		for n := range 1 + kae.BodiesKept {
			if n%kae.BodiesKept == 0 {
				all = append(all, db.beat(&a, byte(n), 7))
			} else {
				all = append(all, db.beat(&a))
			}
		}
		db.write(func(tx kae.Tx) error { return tx.Append(all) })
		if _, err := db.store.Body(db.Context(), 1, 1); kae.ErrorCode(err) != kae.NotFound {
			db.Errorf("the earlier one: %v", err)
		}
		got, err := db.store.Body(db.Context(), 1, 1+kae.BodiesKept)
		if err != nil || !bytes.Equal(got, []byte{kae.BodiesKept, 7}) {
			db.Errorf("the later one: %q, %v", got, err)
		}
	}},
	{"a heartbeat without a body has none", func(db *database) {
		a := token(1)
		h := db.beats(1, &a)[0]
		for _, id := range []int64{1, 2} {
			if _, err := db.store.Body(db.Context(), id, h.Number); kae.ErrorCode(err) != kae.NotFound {
				db.Errorf("token %d: %v", id, err)
			}
		}
		large := db.beat(&a, bytes.Repeat([]byte{0}, kae.MaxBody)...)
		db.write(func(tx kae.Tx) error { return tx.Append([]kae.Heartbeat{large}) })
		got, err := db.store.Body(db.Context(), 1, large.Number)
		if err != nil || !bytes.Equal(got, large.Body) {
			db.Errorf("%d bytes, %v", len(got), err)
		}
	}},
	{"the newest flips are kept", func(db *database) {
		a, b := token(1), token(2)
		a.Flips, b.Flips = 15, 12
		var mine []kae.Flip
		for n := int64(1); n <= 12; n++ {
			f := kae.Flip{TokenID: 1, Number: n, At: at(n), From: kae.Up, To: kae.Firing, Reason: kae.Missed}
			mine = append([]kae.Flip{f}, mine...)
			others := kae.Flip{TokenID: 2, Number: n, From: kae.Up, To: kae.Up, Reason: kae.Excused}
			db.write(func(tx kae.Tx) error { return tx.AddFlips([]kae.Flip{f, others}, 10) })
		}
		db.equal("all", db.history(a, kae.HistoryQuery{Limit: 100}).Flips, mine[:10])
		db.equal("the newest", db.history(a, kae.HistoryQuery{Limit: 4}).Flips, mine[:4])
		db.equal("going on", db.history(a, kae.HistoryQuery{Limit: 4, FlipsBefore: mine[3].Number}).Flips, mine[4:8])
		several := []kae.Flip{{TokenID: 1, Number: 13}, {TokenID: 1, Number: 14}, {TokenID: 1, Number: 15}}
		db.write(func(tx kae.Tx) error { return tx.AddFlips(several, 2) })
		if got := db.history(a, kae.HistoryQuery{Limit: 100}).Flips; len(got) != 2 || got[1].Number != 14 {
			db.Errorf("of three more in one call with two kept: %v", got)
		}
		if got := db.history(b, kae.HistoryQuery{Limit: 100}).Flips; len(got) != 10 || got[9].Number != 3 || !got[0].At.IsZero() {
			db.Errorf("the other token's: %v", got)
		}
	}},
	{"the newest gaps are kept", func(db *database) {
		gap := func(n int64) kae.Gap { return kae.Gap{From: at(10 * n), To: at(10*n + 5)} }
		db.write(func(tx kae.Tx) error {
			for n := int64(1); n <= 1005; n++ {
				if err := tx.AddGap(gap(n)); err != nil {
					return err
				}
			}
			return nil
		})
		db.write(func(tx kae.Tx) error { return tx.AddGap(gap(1)) }) // the clock was set back
		got := db.history(token(1), kae.HistoryQuery{Limit: 5000}).Gaps
		if len(got) != 1000 {
			db.Fatalf("%d gaps, want 1000", len(got))
		}
		db.equal("the newest", got[:3], []kae.Gap{gap(1), gap(1005), gap(1004)})
		db.equal("the oldest", got[999], gap(7))
		oldestFirst := slices.Clone(got)
		slices.Reverse(oldestFirst)
		all, err := db.store.Gaps(db.Context())
		if err != nil {
			db.Fatal(err)
		}
		db.equal("all of them, the oldest first", all, oldestFirst)
		db.equal("a few", db.history(token(1), kae.HistoryQuery{Limit: 2}).Gaps, got[:2])
	}},
}
