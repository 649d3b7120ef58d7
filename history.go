package kae

import (
	"cmp"
	"slices"
	"time"
)

// Record is how a token did in a window of time. docs/history.md defines it.
type Record struct {
	From, To time.Time     // the window
	Since    time.Time     // from when on it is known what happened: From, or later; zero: nothing is known
	Up, Down time.Duration // of the time since then; what is left counts for neither
	Firings  int           // how often it began to fire since then
}

// Share tells which part of the time that counts the token was up, from 0 to
// 1; not ok if no time counts.
func (r Record) Share() (share float64, ok bool) {
	if r.Up+r.Down <= 0 {
		return 0, false
	}
	return float64(r.Up) / float64(r.Up+r.Down), true
}

// Record tells how a token did from one time to another. Its flips are given
// newest first and without a hole, however far back they reach; gaps in any
// order.
//
// At any moment the status is what the newest of the flips dated then or
// earlier made of it. So one that is dated back, as reports that come late
// cause, says how things were from its date on, and one by a clock that was
// ahead counts for nothing once there is a newer one.
func (t Token) Record(flips []Flip, gaps []Gap, from, to time.Time) Record {
	r := Record{From: from, To: to}
	if len(flips) == 0 {
		return r
	}
	oldest := slices.MinFunc(flips, func(a, b Flip) int { return a.At.Compare(b.At) }).At
	if len(gaps) >= GapsKept { // there were others before
		oldest = later(oldest, slices.MinFunc(gaps, byStart).From)
	}
	if !oldest.Before(to) {
		return r
	}
	r.Since = later(from, oldest)
	off := union(gaps)
	end := to // of the time that is told already
	if t.Removed() && t.RemovedAt.Before(end) {
		end = t.RemovedAt
	}
	back := false // the firing was taken back: the job had been on time
	for i, f := range flips {
		status := f.To
		if i > 0 && !flips[i-1].Remark() { // which stands inside of a firing
			back = flips[i-1].Reason == ArrivedLate
		}
		if back {
			status = Up
		}
		if status == Firing && f.From != Firing && !f.At.Before(r.Since) && !f.At.After(to) {
			r.Firings++
		}
		if start := later(f.At, r.Since); start.Before(end) {
			counts := end.Sub(start) - within(off, start, end)
			switch status {
			case Up:
				r.Up += counts
			case Firing:
				r.Down += counts
			}
		}
		if f.At.Before(end) {
			end = f.At
		}
	}
	return r
}

func byStart(a, b Gap) int { return a.From.Compare(b.From) }

// union gives gaps in order, those that touch each other as one.
func union(gaps []Gap) []Gap {
	sorted := slices.SortedFunc(slices.Values(gaps), byStart)
	var all []Gap
	for _, g := range sorted {
		if n := len(all); n > 0 && !g.From.After(all[n-1].To) {
			all[n-1].To = later(all[n-1].To, g.To)
			continue
		}
		all = append(all, g)
	}
	return all
}

// within tells how much of the time from start to end lies in gaps, which are
// a union.
func within(gaps []Gap, start, end time.Time) time.Duration {
	i, _ := slices.BinarySearchFunc(gaps, start, func(g Gap, at time.Time) int { return g.To.Compare(at) })
	var sum time.Duration
	for ; i < len(gaps) && gaps[i].From.Before(end); i++ {
		to := gaps[i].To
		if end.Before(to) {
			to = end
		}
		sum += max(0, to.Sub(later(gaps[i].From, start)))
	}
	return sum
}

// Pace is how long runs took.
type Pace struct {
	Runs    int           // of how many it is known
	Median  time.Duration // half of them took no longer
	P95     time.Duration // 95 of 100 took no longer
	Longest time.Duration
}

// PaceOf tells how long runs took. Its median and percentile are durations
// that were measured (nearest rank), not means of two.
func PaceOf(took []time.Duration) Pace {
	if len(took) == 0 {
		return Pace{}
	}
	sorted := slices.SortedFunc(slices.Values(took), cmp.Compare[time.Duration])
	n := len(sorted)
	rank := func(percent int) time.Duration { return sorted[(n*percent+99)/100-1] }
	return Pace{Runs: n, Median: rank(50), P95: rank(95), Longest: sorted[n-1]}
}
