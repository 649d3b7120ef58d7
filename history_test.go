package kae_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

var dawn = time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)

// after is so many hours after dawn.
func after(hours int) time.Time { return dawn.Add(time.Duration(hours) * time.Hour) }

func TestARecordIsExact(t *testing.T) {
	const hour = time.Hour
	flip := func(n int64, hours int, from, to kae.Status, why kae.Reason) kae.Flip {
		return kae.Flip{Number: n, At: after(hours), From: from, To: to, Reason: why}
	}
	first := flip(1, 0, kae.New, kae.Up, kae.First)
	for name, tt := range map[string]struct {
		flips   []kae.Flip // oldest first
		gaps    []kae.Gap
		removed int // hours after dawn
		from    int
		want    kae.Record // of the hours from there to 100
	}{
		"nothing was heard": {want: kae.Record{}},
		"it was up all the time": {
			flips: []kae.Flip{first}, from: 10,
			want: kae.Record{Since: after(10), Up: 90 * hour},
		},
		"before its first heartbeat it was new, which does not count": {
			flips: []kae.Flip{first}, from: -50,
			want: kae.Record{Since: after(0), Up: 100 * hour},
		},
		"it fired, and recovered": {
			flips: []kae.Flip{first, flip(2, 40, kae.Up, kae.Firing, kae.Missed), flip(3, 45, kae.Firing, kae.Up, kae.Recovered)},
			want:  kae.Record{Since: after(0), Up: 95 * hour, Down: 5 * hour, Firings: 1},
		},
		"it has fired since before the window": {
			flips: []kae.Flip{first, flip(2, 40, kae.Up, kae.Firing, kae.Failed)}, from: 60,
			want: kae.Record{Since: after(60), Down: 40 * hour},
		},
		"at both ends of the window": {
			flips: []kae.Flip{first, flip(2, 20, kae.Up, kae.Firing, kae.Missed), flip(3, 30, kae.Firing, kae.Up, kae.Recovered), flip(4, 100, kae.Up, kae.Firing, kae.Missed)},
			from:  20, want: kae.Record{Since: after(20), Up: 70 * hour, Down: 10 * hour, Firings: 2},
		},
		"disabled while it fired": {
			flips: []kae.Flip{first, flip(2, 20, kae.Up, kae.Firing, kae.Missed), flip(3, 30, kae.Firing, kae.Disabled, kae.WasDisabled), flip(4, 90, kae.Disabled, kae.Up, kae.WasEnabled)},
			want:  kae.Record{Since: after(0), Up: 30 * hour, Down: 10 * hour, Firings: 1},
		},
		"disabled before its first heartbeat, and new again": {
			flips: []kae.Flip{flip(1, 0, kae.New, kae.Disabled, kae.WasDisabled), flip(2, 40, kae.Disabled, kae.New, kae.WasEnabled), flip(3, 90, kae.New, kae.Up, kae.First)},
			want:  kae.Record{Since: after(0), Up: 10 * hour},
		},
		"gaps count for neither, whether up or firing, and twice only once": {
			flips: []kae.Flip{first, flip(2, 50, kae.Up, kae.Up, kae.Excused), flip(3, 80, kae.Up, kae.Firing, kae.Missed)},
			gaps:  []kae.Gap{{From: after(85), To: after(90)}, {From: after(45), To: after(50)}, {From: after(40), To: after(48)}, {From: after(99), To: after(120)}, {From: after(-9), To: after(1)}},
			want:  kae.Record{Since: after(0), Up: 69 * hour, Down: 14 * hour, Firings: 1},
		},
		"a gap over the moment of firing is part of both": {
			flips: []kae.Flip{first, flip(2, 50, kae.Up, kae.Firing, kae.Missed)},
			gaps:  []kae.Gap{{From: after(40), To: after(60)}},
			want:  kae.Record{Since: after(0), Up: 40 * hour, Down: 40 * hour, Firings: 1},
		},
		"a firing that was taken back had not been": {
			flips: []kae.Flip{first, flip(2, 50, kae.Up, kae.Firing, kae.Missed), flip(3, 60, kae.Firing, kae.Up, kae.ArrivedLate)},
			want:  kae.Record{Since: after(0), Up: 100 * hour},
		},
		"what somebody says of a firing neither ends it nor begins another one": {
			flips: []kae.Flip{first, flip(2, 40, kae.Up, kae.Firing, kae.Missed), flip(3, 41, kae.Firing, kae.Firing, kae.WasAcked), flip(4, 42, kae.Firing, kae.Firing, kae.WasAcked), flip(5, 45, kae.Firing, kae.Up, kae.Recovered)},
			want:  kae.Record{Since: after(0), Up: 95 * hour, Down: 5 * hour, Firings: 1},
		},
		"a firing that somebody looked after, and that was taken back, had not been": {
			flips: []kae.Flip{first, flip(2, 50, kae.Up, kae.Firing, kae.Missed), flip(3, 55, kae.Firing, kae.Firing, kae.WasAcked), flip(4, 60, kae.Firing, kae.Up, kae.ArrivedLate)},
			want:  kae.Record{Since: after(0), Up: 100 * hour},
		},
		"a report that came late says how it was from its time on": {
			flips: []kae.Flip{first, flip(2, 50, kae.Up, kae.Disabled, kae.WasDisabled), flip(3, 60, kae.Disabled, kae.Up, kae.WasEnabled), flip(4, 55, kae.Up, kae.Firing, kae.Failed)},
			want:  kae.Record{Since: after(0), Up: 50 * hour, Down: 45 * hour, Firings: 1},
		},
		"a clock that was ahead": {
			flips: []kae.Flip{first, flip(2, 5000, kae.Up, kae.Firing, kae.Missed), flip(3, 60, kae.Firing, kae.Up, kae.Recovered)},
			want:  kae.Record{Since: after(0), Up: 100 * hour},
		},
		"what is older than the oldest flip that is kept is not known": {
			flips: []kae.Flip{flip(41, 30, kae.Firing, kae.Up, kae.Recovered)},
			want:  kae.Record{Since: after(30), Up: 70 * hour},
		},
		"removed": {
			flips: []kae.Flip{first, flip(2, 20, kae.Up, kae.Firing, kae.Missed)}, removed: 30,
			want: kae.Record{Since: after(0), Up: 20 * hour, Down: 10 * hour, Firings: 1},
		},
		"removed before the window": {
			flips: []kae.Flip{first}, removed: 30, from: 40,
			want: kae.Record{Since: after(40)},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var token kae.Token
			if tt.removed > 0 {
				token.RemovedAt = after(tt.removed)
			}
			tt.want.From, tt.want.To = after(tt.from), after(100)
			if d := cmp.Diff(tt.want, token.Record(newestFirst(tt.flips), tt.gaps, after(tt.from), after(100))); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
}

func newestFirst(flips []kae.Flip) []kae.Flip {
	var all []kae.Flip
	for i := range flips {
		all = append(all, flips[len(flips)-1-i])
	}
	return all
}

// Of the gaps the newest 1,000 are kept: before them nobody knows.
func TestARecordEndsWhereGapsAreNotKnown(t *testing.T) {
	var gaps []kae.Gap
	for i := range kae.GapsKept {
		at := after(90).Add(time.Duration(i) * time.Second)
		gaps = append(gaps, kae.Gap{From: at, To: at.Add(500 * time.Millisecond)})
	}
	flips := []kae.Flip{{Number: 2, At: after(1), From: kae.Up, To: kae.Firing, Reason: kae.Missed}, {Number: 1, At: after(0), From: kae.New, To: kae.Up}}
	want := kae.Record{From: after(0), To: after(100), Since: after(90), Down: 10*time.Hour - 500*time.Second}
	if d := cmp.Diff(want, kae.Token{}.Record(flips, gaps, after(0), after(100))); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	want = kae.Record{From: after(0), To: after(100), Since: after(0), Up: time.Hour, Down: 99*time.Hour - 499500*time.Millisecond, Firings: 1}
	if d := cmp.Diff(want, kae.Token{}.Record(flips, gaps[1:], after(0), after(100))); d != "" {
		t.Errorf("with one less (-want +got):\n%s", d)
	}
}

func TestShareOfNothing(t *testing.T) {
	if _, ok := (kae.Record{}).Share(); ok {
		t.Error("of no time a share is told")
	}
	if share, ok := (kae.Record{Up: 3 * time.Hour, Down: time.Hour}).Share(); !ok || share != 0.75 {
		t.Errorf("%v, %v", share, ok)
	}
}

// naive counts a record second by second, from the definition alone.
func naive(token kae.Token, flips []kae.Flip, gaps []kae.Gap, from, to time.Time) kae.Record {
	r := kae.Record{From: from, To: to}
	takenBack := func(f kae.Flip) bool {
		next := kae.Flip{Number: 1 << 60}
		for _, g := range flips {
			if g.Number > f.Number && g.Number < next.Number && !g.Remark() {
				next = g
			}
		}
		return next.Reason == kae.ArrivedLate
	}
	for s := from; s.Before(to); s = s.Add(time.Second) {
		var now kae.Flip
		for _, f := range flips {
			if !f.At.After(s) && f.Number > now.Number {
				now = f
			}
		}
		if now.Number == 0 {
			continue
		}
		if r.Since.IsZero() {
			r.Since = s
		}
		off := token.Removed() && !s.Before(token.RemovedAt)
		for _, g := range gaps {
			off = off || !s.Before(g.From) && s.Before(g.To)
		}
		switch {
		case off:
		case now.To == kae.Up || takenBack(now):
			r.Up += time.Second
		case now.To == kae.Firing:
			r.Down += time.Second
		}
	}
	for _, f := range flips {
		if f.To == kae.Firing && f.From != kae.Firing && !takenBack(f) && !r.Since.IsZero() && !f.At.Before(r.Since) && !f.At.After(to) {
			r.Firings++
		}
	}
	return r
}

// A token whose past is made up of all that can happen to one has the record
// that counting gives.
func TestARecordIsWhatCountingGives(t *testing.T) {
	for seed := range uint64(400) {
		random := rand.New(rand.NewPCG(seed, 4))
		token := kae.Token{ID: 1, Status: kae.New, Schedule: kae.Every(90 * time.Second), Grace: 20 * time.Second}
		var flips []kae.Flip
		var gaps []kae.Gap
		note := func(c kae.Change) {
			token = c.Token
			if c.Flip != nil {
				flips = append([]kae.Flip{*c.Flip}, flips...)
			}
		}
		now := dawn
		for range 60 {
			now = now.Add(time.Duration(random.IntN(60)) * time.Second)
			switch n := random.IntN(42); {
			case n < 16:
				note(token.Beat(kae.Heartbeat{At: now, Kind: kae.Success}))
			case n < 20:
				note(token.Beat(kae.Heartbeat{At: now, Kind: kae.Failure}))
			case n < 24:
				ago := time.Duration(random.IntN(200)) * time.Second
				note(token.Beat(kae.Heartbeat{At: now.Add(-ago), Received: now, Kind: []kae.Kind{kae.Success, kae.Failure}[n%2]}))
			case n < 26:
				note(token.Disable(now))
			case n < 28:
				note(token.Enable(now))
			case n == 28:
				note(token.Acknowledge("Ana", "", now))
			case n == 29:
				note(token.TakeBack(now))
			case n < 32:
				gap := kae.Gap{From: now, To: now.Add(time.Duration(random.IntN(100)) * time.Second)}
				now = gap.To
				gaps = append(gaps, gap)
				note(token.Excuse(gap))
			case n == 32:
				now = now.Add(-time.Minute) // the clock is set back
			default:
				note(token.Expire(now))
			}
		}
		if seed%9 == 0 {
			note(token.Remove(now.Add(-time.Duration(random.IntN(300)) * time.Second)))
		}
		if keep := random.IntN(30); keep > 0 && keep < len(flips) {
			flips = flips[:keep]
		}
		from := now.Add(-time.Duration(random.IntN(2400)) * time.Second)
		if d := cmp.Diff(naive(token, flips, gaps, from, now), token.Record(flips, gaps, from, now)); d != "" {
			t.Fatalf("seed %d: (-counted +got):\n%s\nflips %v\ngaps %v", seed, d, flips, gaps)
		}
	}
}

func TestPaceIsTheNearestRank(t *testing.T) {
	seconds := func(n ...int) (all []time.Duration) {
		for _, s := range n {
			all = append(all, time.Duration(s)*time.Second)
		}
		return all
	}
	var hundred []time.Duration
	for i := range 100 {
		hundred = append(hundred, time.Duration((i*37)%100+1)*time.Second)
	}
	for _, tt := range []struct {
		took             []time.Duration
		median, p95, max int
	}{
		{nil, 0, 0, 0},
		{seconds(7), 7, 7, 7},
		{seconds(9, 1), 1, 9, 9},
		{seconds(3, 1, 2), 2, 3, 3},
		{seconds(5, 5, 5, 80), 5, 80, 80},
		{hundred, 50, 95, 100},
	} {
		want := kae.Pace{Runs: len(tt.took), Median: time.Duration(tt.median) * time.Second, P95: time.Duration(tt.p95) * time.Second, Longest: time.Duration(tt.max) * time.Second}
		before := fmt.Sprint(tt.took)
		if got := kae.PaceOf(tt.took); got != want || fmt.Sprint(tt.took) != before {
			t.Errorf("of %v: %+v, want %+v", tt.took, got, want)
		}
	}
}
