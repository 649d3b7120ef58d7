package storetest

import (
	"context"
	"errors"
	"strings"
	"sync"

	"kae"
)

// something writes in every kind of table.
func something(db *database, tx kae.Tx) error {
	t := token(5)
	t.Flips = 1
	h := db.beat(&t, 1, 2, 3)
	return errors.Join(
		tx.Append([]kae.Heartbeat{h}),
		tx.PutTokens([]kae.Token{t}, db.pos),
		tx.AddFlips([]kae.Flip{{TokenID: 5, Number: 1, From: kae.New, To: kae.Up}}, 5),
		tx.AddGap(kae.Gap{From: at(1), To: at(2)}),
		tx.SetClock(kae.Clock{AliveAt: at(1), Pos: db.pos, LastID: 5}),
	)
}

// untouched checks that nothing of something is there, and that the store works.
func (db *database) untouched(want content) {
	db.Helper()
	db.equal("content", db.read(-1), want)
	db.equal("history", db.history(token(5), kae.HistoryQuery{Limit: 5}), kae.History{})
	if _, err := db.store.Body(db.Context(), 5, 1); kae.ErrorCode(err) != kae.NotFound {
		db.Errorf("a body: %v", err)
	}
	db.add(token(900))
	if got := db.read(db.pos - 1).Tokens; len(got) != 1 {
		db.Errorf("a token written afterwards is not there: %v", got)
	}
}

var failureCases = []testCase{
	{"an error of the caller rolls back and is returned", func(db *database) {
		db.add(token(1))
		want := db.read(-1)
		mine := errors.New("mine")
		for _, work := range []func(kae.Tx) error{
			func(tx kae.Tx) error { return something(db, tx) },
			func(tx kae.Tx) error { return tx.PutTokens([]kae.Token{token(5)}, 9) }, // a lone statement
			func(tx kae.Tx) error { return nil },
		} {
			err := db.store.Write(db.Context(), func(tx kae.Tx) error { return errors.Join(work(tx), mine) })
			if !errors.Is(err, mine) {
				db.Errorf("Write gave %v", err)
			}
			db.equal("content", db.read(-1), want)
		}
		db.untouched(want)
	}},
	{"a panic of the caller rolls back", func(db *database) {
		want := db.read(-1)
		func() {
			defer func() {
				if recover() == nil {
					db.Error("the panic was swallowed")
				}
			}()
			db.store.Write(db.Context(), func(tx kae.Tx) error {
				if err := something(db, tx); err != nil {
					db.Error(err)
				}
				panic("mine")
			})
		}()
		db.untouched(want)
	}},
	{"a statement that fails rolls back and shows no value", func(db *database) {
		db.add(token(1))
		want := db.read(-1)
		double := token(2)
		double.Value = token(1).Value
		for _, swallow := range []bool{false, true} {
			err := db.store.Write(db.Context(), func(tx kae.Tx) error {
				if err := something(db, tx); err != nil {
					return err
				}
				err := errors.Join(tx.PutTokens([]kae.Token{double}, 9), tx.SetClock(kae.Clock{Pos: 77}))
				if swallow {
					return nil
				}
				return err
			})
			if kae.ErrorCode(err) != kae.Unavailable {
				db.Errorf("code %s of %v, want %s", kae.ErrorCode(err), err, kae.Unavailable)
			}
			if err != nil && strings.Contains(err.Error(), double.Value) {
				db.Errorf("the error holds a token's value: %v", err)
			}
			db.equal("content", db.read(-1), want)
		}
		err := db.store.Write(db.Context(), func(tx kae.Tx) error { return tx.PutTokens([]kae.Token{double}, 9) })
		if kae.ErrorCode(err) != kae.Unavailable || strings.Contains(err.Error(), double.Value) {
			db.Errorf("a lone statement: %v", err)
		}
		db.untouched(want)
	}},
	{"a transaction is of no use when it is over", func(db *database) {
		var kept kae.Tx
		db.write(func(tx kae.Tx) error { kept = tx; return nil })
		if err := errors.Join(kept.PutTokens([]kae.Token{token(5)}, 9)); err == nil {
			db.Error("it was still taken")
		}
		if err := kept.Cut(5, func(int64) int64 { return -1 }); err == nil {
			db.Error("a cut was still taken")
		}
		db.untouched(content{})
	}},
	{"a context that has ended ends a call", func(db *database) {
		ended, cancel := context.WithCancel(db.Context())
		cancel()
		err := db.store.Write(ended, func(tx kae.Tx) error { return something(db, tx) })
		if !errors.Is(err, context.Canceled) || kae.ErrorCode(err) != kae.Unavailable {
			db.Errorf("Write: %v", err)
		}
		if _, err := db.tryRead(ended, -1); !errors.Is(err, context.Canceled) {
			db.Errorf("Read: %v", err)
		}
		db.untouched(content{})
	}},
	{"all that was written is there after a restart", func(db *database) {
		db.write(func(tx kae.Tx) error { return something(db, tx) })
		want := db.read(-1)
		last := want.Tokens[0].Token
		q := kae.HistoryQuery{Limit: 5, Bodies: true}
		history := db.history(last, q)
		if len(want.Beats) != 1 || len(history.Beats) != 1 || len(history.Flips) != 1 || len(history.Gaps) != 1 || len(history.Beats[0].Body) != 3 {
			db.Fatalf("not everything was written: %+v %+v", want, history)
		}
		db.reopen()
		db.equal("content", db.read(-1), want)
		db.equal("history", db.history(last, q), history)
	}},
	{"a second kae is refused until the first has closed", func(db *database) {
		db.add(token(1))
		second, err := db.open()
		if err == nil {
			second.Close()
			db.Fatal("it was let in")
		}
		if kae.ErrorCode(err) != kae.Unavailable || !strings.HasSuffix(err.Error(), "is in use by another kae.") {
			db.Errorf("it was told %q", err)
		}
		db.add(token(2))
		db.reopen()
		if n := len(db.read(-1).Tokens); n != 2 {
			db.Errorf("%d tokens, want 2", n)
		}
	}},
	{"a closed store can't be used", func(db *database) {
		if err := errors.Join(db.store.Close(), db.store.Close()); err != nil {
			db.Error(err)
		}
		write := db.store.Write(db.Context(), func(kae.Tx) error { return nil })
		_, read := db.tryRead(db.Context(), -1)
		_, history := db.store.History(db.Context(), token(1), kae.HistoryQuery{Limit: 1})
		_, body := db.store.Body(db.Context(), 1, 1)
		for _, err := range []error{write, read, history, body} {
			if kae.ErrorCode(err) != kae.Unavailable {
				db.Errorf("%v", err)
			}
		}
	}},
	{"histories are read while others write", func(db *database) {
		a := token(1)
		db.add(a)
		db.beats(50, &a)
		known := a
		var readers sync.WaitGroup
		for range 8 {
			readers.Go(func() {
				for range 20 {
					h, err := db.store.History(db.Context(), known, kae.HistoryQuery{Limit: 100, Bodies: true})
					if err != nil || len(h.Beats) != 50 {
						db.Errorf("%d heartbeats, %v", len(h.Beats), err)
						return
					}
				}
			})
		}
		for range 20 {
			db.beats(5, &a)
			db.cut(db.pos-10, 1000, &a)
		}
		readers.Wait()
	}},
}
