package storetest

import (
	"errors"
	"fmt"
	"reflect"
	"time"

	"kae"
)

var errOurs = errors.New("ours")

func (db *database) outbox() kae.Outbox { return db.store.(kae.Outbox) }

func (db *database) channel(c kae.Channel) kae.Channel {
	db.Helper()
	id, err := db.outbox().PutChannel(db.Context(), c, func(id int64) *kae.Policy { return &kae.Policy{Rules: []kae.Rule{{Channels: []int64{id}}}} })
	if err != nil {
		db.Fatalf("PutChannel: %v", err)
	}
	c.ID = id
	return c
}

// alert writes alerts: of a firing for every channel, of an end for whoever was
// told.
func (db *database) alert(now time.Time, alerts ...kae.Alert) {
	db.Helper()
	all, err := db.outbox().Channels(db.Context())
	if err != nil {
		db.Fatalf("Channels: %v", err)
	}
	var told []kae.Delivery
	for _, a := range alerts {
		if a.Recovery() {
			told = append(told, kae.Delivery{Alert: a})
			continue
		}
		for _, c := range all {
			told = append(told, kae.Delivery{ChannelID: c.ID, Alert: a})
		}
	}
	db.write(func(tx kae.Tx) error { return tx.Alert(told, now) })
}

func (db *database) waiting() []kae.Delivery {
	db.Helper()
	all, err := db.outbox().Waiting(db.Context())
	if err != nil {
		db.Fatalf("Waiting: %v", err)
	}
	return all
}

func (db *database) settle(now time.Time, c kae.Channel, all ...kae.Delivery) {
	db.Helper()
	if err := db.outbox().Settle(db.Context(), all, c, now); err != nil {
		db.Fatalf("Settle: %v", err)
	}
}

// shape tells of deliveries what matters for whom they reach.
func shape(all []kae.Delivery) (said []string) {
	for _, d := range all {
		said = append(said, fmt.Sprintf("token %d to channel %d: %s, %s", d.TokenID, d.ChannelID, d.To, d.State))
	}
	return said
}

func fires(id, number, second int64) kae.Alert {
	return kae.Alert{TokenID: id, Number: number, At: at(second), From: kae.Up, To: kae.Firing, Reason: kae.Missed, Fired: at(second), Due: at(second - 1)}
}

func recovers(id, number, fired, second int64) kae.Alert {
	return kae.Alert{TokenID: id, Number: number, At: at(second), From: kae.Firing, To: kae.Up, Reason: kae.Recovered, Fired: at(fired)}
}

var outboxCases = []testCase{
	{"a channel is read as it was written", func(db *database) {
		c := db.channel(kae.Channel{Name: "ops", Kind: "webhook", Settings: map[string]string{"url": "http://127.0.0.1/é", "secret": `"`}, CreatedAt: at(1)})
		d := db.channel(kae.Channel{Name: "pager", Kind: "email", Settings: map[string]string{}, CreatedAt: at(2), LastAt: at(3), FailingSince: at(4), Problem: "refused"})
		if c.ID == d.ID {
			db.Errorf("both have the number %d", c.ID)
		}
		stale := c
		db.settle(at(5), kae.Channel{ID: c.ID, LastAt: at(5), FailingSince: at(6), Problem: "timed out"})
		stale.Name = "operators"
		db.channel(stale) // edited by who has not heard of it
		c.Name, c.LastAt, c.FailingSince, c.Problem = "operators", at(5), at(6), "timed out"
		db.reopen()
		got, err := db.outbox().Channels(db.Context())
		if err != nil {
			db.Fatal(err)
		}
		db.equal("channels", got, []kae.Channel{c, d})
	}},
	{"a firing is for every channel, its end for those that were told", func(db *database) {
		old := db.channel(kae.Channel{Name: "old", CreatedAt: at(1)})
		gone := db.channel(kae.Channel{Name: "gone", CreatedAt: at(1)})
		db.alert(at(10), fires(7, 1, 9), fires(8, 1, 9))
		young := db.channel(kae.Channel{Name: "young", CreatedAt: at(11)})
		underWay := db.waiting()[1]
		gone.RemovedAt = at(12)
		db.channel(gone)
		underWay.State, underWay.SettledAt = kae.Delivered, at(12)
		db.settle(at(12), gone, underWay) // it is known already what became of it
		db.alert(at(13), recovers(7, 2, 9, 12), fires(7, 3, 13))
		want := []kae.Delivery{
			{ID: 1, ChannelID: old.ID, Alert: fires(7, 1, 9), MadeAt: at(10), DueAt: at(10), State: kae.Waiting},
			{ID: 3, ChannelID: old.ID, Alert: fires(8, 1, 9), MadeAt: at(10), DueAt: at(10), State: kae.Waiting},
			{ID: 5, ChannelID: old.ID, Alert: recovers(7, 2, 9, 12), MadeAt: at(13), DueAt: at(13), State: kae.Waiting},
			{ID: 6, ChannelID: old.ID, Alert: fires(7, 3, 13), MadeAt: at(13), DueAt: at(13), State: kae.Waiting},
			{ID: 7, ChannelID: young.ID, Alert: fires(7, 3, 13), MadeAt: at(13), DueAt: at(13), State: kae.Waiting},
		}
		db.reopen()
		db.equal("what waits", db.waiting(), want)
		db.alert(at(14), recovers(7, 4, 13, 14))
		db.alert(at(15), recovers(8, 2, 14, 15)) // of a firing that was told to nobody
		db.equal("after its end", shape(db.waiting()[5:]), []string{"token 7 to channel 1: up, waiting", "token 7 to channel 3: up, waiting"})
		all, err := db.outbox().Deliveries(db.Context(), kae.DeliveryQuery{ChannelID: gone.ID, Limit: 9})
		if err != nil {
			db.Fatal(err)
		}
		db.equal("of the removed one", shape(all), []string{"token 8 to channel 2: firing, given up", "token 7 to channel 2: firing, given up"})
	}},
	{"an alert is written with what it tells, or not at all", func(db *database) {
		db.channel(kae.Channel{Name: "a", CreatedAt: at(1)})
		err := db.store.Write(db.Context(), func(tx kae.Tx) error {
			if err := tx.Alert([]kae.Delivery{{ChannelID: 1, Alert: fires(7, 1, 9)}}, at(10)); err != nil {
				return err
			}
			return errOurs
		})
		if err != errOurs || len(db.waiting()) != 0 {
			db.Errorf("Write gave %v, and there wait %v", err, db.waiting())
		}
	}},
	{"what was settled waits no more", func(db *database) {
		c := db.channel(kae.Channel{Name: "a", Settings: map[string]string{}, CreatedAt: at(1)})
		db.alert(at(10), fires(7, 1, 9), fires(8, 1, 9), fires(9, 1, 9))
		all := db.waiting()
		all[0].State, all[0].Attempts, all[0].Answer, all[0].SettledAt = kae.Delivered, 1, "200 OK", at(11)
		all[1].DueAt, all[1].BegunAt, all[1].Batch, all[1].Attempts, all[1].Answer = at(21), at(11), 1, 1, "timed out"
		c.LastAt, c.FailingSince, c.Problem = at(11), at(11), "timed out"
		db.settle(at(11), c, all[:2]...)
		db.equal("what waits", db.waiting(), all[1:])
		got, _ := db.outbox().Channels(db.Context())
		db.equal("the channel", got, []kae.Channel{c})
		read := func(q kae.DeliveryQuery) []kae.Delivery {
			found, err := db.outbox().Deliveries(db.Context(), q)
			if err != nil {
				db.Fatal(err)
			}
			return found
		}
		db.equal("the newest first", read(kae.DeliveryQuery{Limit: 2}), []kae.Delivery{all[2], all[1]})
		db.equal("before", read(kae.DeliveryQuery{Limit: 2, Before: 2}), all[:1])
		db.equal("of a token", read(kae.DeliveryQuery{TokenID: 8, Limit: 2}), all[1:2])

		late := at(11).Add(kae.DeliveriesKept + time.Second)
		all[2].State, all[2].SettledAt = kae.GivenUp, late
		db.settle(late, c, all[2])
		db.equal("old ones are dropped", read(kae.DeliveryQuery{Limit: 9}), []kae.Delivery{all[2], all[1]})
	}},
	{"a firing and its end in one transaction are told, and many at once", func(db *database) {
		db.channel(kae.Channel{Name: "a", CreatedAt: at(1)})
		alerts := []kae.Alert{fires(7, 1, 9), recovers(7, 2, 9, 10), fires(7, 3, 11)}
		for id := range int64(150) {
			alerts = append(alerts, fires(100+id, 1, 9))
		}
		db.alert(at(12), alerts...)
		waiting := db.waiting()
		db.equal("how many", len(waiting), 153)
		for i, d := range waiting {
			db.equal("in order", d.Alert, alerts[i])
			db.equal("numbered", d.ID, int64(i+1))
		}
	}},
	{"whom a firing was told is known as long as it lasts", func(db *database) {
		c := db.channel(kae.Channel{Name: "a", Settings: map[string]string{}, CreatedAt: at(1)})
		fired := token(7)
		fired.Status, fired.FlippedAt = kae.Firing, at(9)
		db.add(fired, token(8))
		db.alert(at(10), fires(7, 1, 3), recovers(7, 2, 3, 5), fires(7, 3, 9), fires(8, 1, 9))
		all := db.waiting()
		for i := range all {
			all[i].State, all[i].SettledAt = kae.Delivered, at(11)
		}
		db.settle(at(11), c, all...)
		late := at(11).Add(2 * kae.DeliveriesKept)
		db.settle(late, c)
		known, _ := db.outbox().Deliveries(db.Context(), kae.DeliveryQuery{Limit: 9})
		db.equal("what is known still", known, all[2:3])
		db.alert(late, recovers(7, 4, 9, 12), recovers(8, 2, 9, 12))
		db.equal("what waits", shape(db.waiting()), []string{"token 7 to channel 1: up, waiting"})
	}},
	{"a firing is for the channels that it is written for, and its end for those that were not spared", func(db *database) {
		for _, name := range []string{"a", "b", "c"} {
			db.channel(kae.Channel{Name: name, Settings: map[string]string{}, CreatedAt: at(1)})
		}
		db.write(func(tx kae.Tx) error {
			return tx.Alert([]kae.Delivery{{ChannelID: 3, Alert: fires(7, 1, 9)}, {ChannelID: 1, Alert: fires(7, 1, 9)}, {ChannelID: 9, Alert: fires(7, 1, 9)}, {ChannelID: 1, Alert: fires(8, 1, 9)}}, at(10))
		})
		all := db.waiting()
		db.equal("what waits", shape(all), []string{"token 7 to channel 3: firing, waiting", "token 7 to channel 1: firing, waiting", "token 8 to channel 1: firing, waiting"})
		all[1].State, all[1].SettledAt = kae.Spared, at(11)
		db.settle(at(11), kae.Channel{ID: 1}, all[1])
		db.alert(at(12), recovers(7, 2, 9, 12), recovers(8, 2, 9, 12))
		db.equal("its end", shape(db.waiting()[2:]), []string{"token 7 to channel 3: up, waiting", "token 8 to channel 1: up, waiting"})
		all = db.waiting()
		all[1].State, all[1].SettledAt = kae.Spared, at(13) // which was decided before its end was written
		db.settle(at(13), kae.Channel{ID: 1}, all[1])
		db.equal("its end goes with it", shape(db.waiting()), []string{"token 7 to channel 3: firing, waiting", "token 7 to channel 3: up, waiting"})
	}},
	{"a round more is written beside what is settled", func(db *database) {
		c := db.channel(kae.Channel{Name: "a", Settings: map[string]string{}, CreatedAt: at(1)})
		fired := token(7)
		fired.Status, fired.FlippedAt = kae.Firing, at(9)
		db.add(fired, token(8))
		db.alert(at(10), fires(7, 1, 9), fires(8, 1, 8))
		all := db.waiting()
		for i := range all {
			all[i].State, all[i].Attempts, all[i].SettledAt = kae.Delivered, 1, at(11)
		}
		next := kae.Delivery{ChannelID: c.ID, Alert: all[0].Alert, Round: 1, MadeAt: at(11), DueAt: at(99), State: kae.Waiting, Answer: "later"}
		db.settle(at(11), c, all[0], all[1], next, kae.Delivery{ChannelID: 5, Alert: all[0].Alert, Round: 1, State: kae.Waiting})
		db.reopen()
		next.ID = 3
		db.equal("what waits", db.waiting(), []kae.Delivery{next})
		standing := func() []kae.Delivery {
			found, err := db.outbox().Standing(db.Context())
			if err != nil {
				db.Fatal(err)
			}
			return found
		}
		db.equal("what was told and goes on", standing(), all[:1])
		next.State, next.SettledAt = kae.Delivered, at(100)
		db.settle(at(100), c, next)
		db.equal("the newest of it", standing(), []kae.Delivery{next})
		for i, state := range []kae.DeliveryState{kae.GivenUp, kae.Spared} {
			db.settle(at(100), c, kae.Delivery{ChannelID: c.ID, Alert: all[0].Alert, Round: 2 + i, MadeAt: at(100), DueAt: at(100), State: kae.Waiting})
			untold := db.waiting()[0]
			untold.State, untold.SettledAt = state, at(100)
			db.settle(at(100), c, untold)
		}
		db.equal("what did not arrive does not count", standing(), []kae.Delivery{next})
		db.settle(at(100).Add(2*kae.DeliveriesKept), c)
		kept, err := db.outbox().Deliveries(db.Context(), kae.DeliveryQuery{TokenID: 7, Limit: 9})
		if err != nil {
			db.Fatal(err)
		}
		db.equal("after a long time the first of it is still known", kept, all[:1])
		db.alert(at(101), recovers(7, 2, 9, 101))
		db.equal("one end", shape(db.waiting()), []string{"token 7 to channel 1: up, waiting"})
	}},
	{"a policy is read as it was written", func(db *database) {
		read := func() *kae.Policy {
			p, err := db.outbox().Policy(db.Context())
			if err != nil {
				db.Fatal(err)
			}
			return p
		}
		if p := read(); p != nil {
			db.Errorf("before there is one: %+v", p)
		}
		zone, err := kae.LoadZone("Europe/Madrid")
		if err != nil {
			db.Fatal(err)
		}
		starts, err := kae.ParseSchedule("0 2 * * Sun", zone)
		if err != nil {
			db.Fatal(err)
		}
		want := &kae.Policy{
			Zone: zone,
			Rules: []kae.Rule{
				{Pick: kae.Pick{Tags: []string{"db", "é"}}, Reasons: []kae.Reason{kae.Missed}, Channels: []int64{2, 1}, After: time.Minute, Every: time.Hour, Hours: kae.Hours{From: 60, To: 30}, Only: true, Ends: true},
				{Channels: []int64{1}},
			},
			Quiet: kae.Hours{From: 1320, To: 420}, Except: kae.Pick{Tokens: []int64{7}},
			Windows: []kae.Window{
				{ID: 3, Name: "once", From: at(1), To: at(2)},
				{ID: 4, Name: "again", Pick: kae.Pick{Tags: []string{"x"}}, Starts: starts, Length: 2 * time.Hour},
			},
		}
		if err := db.outbox().PutPolicy(db.Context(), want); err != nil {
			db.Fatal(err)
		}
		db.reopen()
		if got := read(); !reflect.DeepEqual(got, want) {
			db.Errorf("read %+v, wrote %+v", got, want)
		}
		db.channel(kae.Channel{Name: "a", CreatedAt: at(1)})
		db.equal("with a channel comes its policy", read().Rules, []kae.Rule{{Channels: []int64{1}}})
	}},
	{"who looks after a token, and until when it is snoozed, is kept", func(db *database) {
		a, b := token(7), token(8)
		a.Ack, a.SnoozedUntil = &kae.Ack{At: at(5), By: "Ana", Why: "on it"}, at(50)
		db.add(a, b)
		db.reopen()
		got := db.read(-1).Tokens
		db.equal("tokens", []kae.Token{got[0].Token, got[1].Token}, []kae.Token{a, b})
		a.Ack, a.SnoozedUntil = nil, time.Time{}
		db.write(func(tx kae.Tx) error { return tx.PutTokens([]kae.Token{a}, 9) })
		db.equal("taken back", db.read(-1).Tokens[0].Token, a)
	}},
	{"a forgotten token takes its deliveries along", func(db *database) {
		db.add(token(7), token(8))
		db.channel(kae.Channel{Name: "a", CreatedAt: at(1)})
		db.alert(at(10), fires(7, 1, 9), fires(8, 1, 9))
		db.write(func(tx kae.Tx) error { return tx.Forget([]int64{7}) })
		db.equal("what waits", shape(db.waiting()), []string{"token 8 to channel 1: firing, waiting"})
	}},
}
