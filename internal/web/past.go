package web

import (
	"context"
	"fmt"
	"slices"
	"time"

	"kae"
)

// pastSize is how many heartbeats and flips a page reads at most, to tell how
// the token did.
const pastSize = 2_000

// past is what a page has read of a token's history besides its log. A stream
// keeps it, and adds what is new.
type past struct {
	beats int64     // number of the newest heartbeat that was read
	from  time.Time // when the oldest of them came, if there are older ones
	ended []ended   // newest first
	flips []kae.Flip
	gaps  []kae.Gap // kae's own
}

// ended is the end of a run, as charts tell it.
type ended struct {
	number  int64
	at      time.Time
	took    time.Duration // 0: not known
	failed  bool
	exited  bool
	exit    int
	message string // of a failure
}

// pastOf reads what there is of a token's history, or adds what is new in a
// log to what was read before.
func (s *Server) pastOf(ctx context.Context, t kae.Token, before *past, log kae.History) (*past, error) {
	if before != nil && before.goesOn(log) {
		p := *before
		p.add(log)
		return &p, nil
	}
	h, err := s.History.History(ctx, t, kae.HistoryQuery{Limit: pastSize})
	if err != nil {
		return nil, err
	}
	p := &past{}
	p.add(h)
	return p, nil
}

// goesOn tells whether there is no hole between what was read and a log.
func (p *past) goesOn(log kae.History) bool {
	flips := int64(0)
	if len(p.flips) > 0 {
		flips = p.flips[0].Number
	}
	return (len(log.Beats) == 0 || log.Beats[len(log.Beats)-1].Number <= p.beats+1) &&
		(len(log.Flips) == 0 || log.Flips[len(log.Flips)-1].Number <= flips+1)
}

// add puts what is new of a history before what is there.
func (p *past) add(h kae.History) {
	var fresh []ended
	for _, b := range h.Beats {
		if b.Number <= p.beats || b.Kind != kae.Success && b.Kind != kae.Failure {
			continue
		}
		e := ended{number: b.Number, at: b.At, took: b.Took, failed: b.Kind == kae.Failure, exited: b.Exited, exit: b.Exit}
		if e.failed {
			e.message = b.Message
		}
		fresh = append(fresh, e)
	}
	p.ended = append(fresh, p.ended...)
	if n := len(h.Beats); n > 0 {
		if p.beats == 0 && h.Beats[n-1].Number > 1 {
			p.from = arrived(h.Beats[n-1])
		}
		p.beats = max(p.beats, h.Beats[0].Number)
	}
	flips := h.Flips
	if len(p.flips) > 0 {
		flips = newer(flips, func(f kae.Flip) bool { return f.Number > p.flips[0].Number })
	}
	p.flips = slices.Concat(flips, p.flips)
	gaps := h.Gaps
	if len(p.gaps) > 0 {
		gaps = newer(gaps, func(g kae.Gap) bool { return g.From.After(p.gaps[0].From) })
	}
	p.gaps = slices.Concat(gaps, p.gaps)
	// A page that stays open for weeks is no bigger than one that is new.
	if len(p.ended) > pastSize {
		p.ended = p.ended[:pastSize]
		p.from = p.ended[pastSize-1].at
	}
	p.flips = p.flips[:min(len(p.flips), pastSize)]
	p.gaps = p.gaps[:min(len(p.gaps), kae.GapsKept)]
}

// newer gives the beginning of what is sorted newest first.
func newer[T any](all []T, is func(T) bool) []T {
	n := 0
	for n < len(all) && is(all[n]) {
		n++
	}
	return all[:n]
}

// usual is how long a run takes; 0 where too few have told.
func (p *past) usual() time.Duration {
	if p == nil {
		return 0
	}
	if pace := kae.PaceOf(p.took(time.Time{})); pace.Runs >= 3 {
		return pace.Median
	}
	return 0
}

// took gives the known durations of runs that ended since a time.
func (p *past) took(since time.Time) (all []time.Duration) {
	for _, e := range p.ended {
		if e.took > 0 && !e.at.Before(since) {
			all = append(all, e.took)
		}
	}
	return all
}

// windows are the times of which a page tells how the token did.
var windows = []struct {
	name  string
	hours int
}{{"24 hours", 24}, {"7 days", 7 * 24}, {"30 days", 30 * 24}, {"90 days", 90 * 24}}

// recordView is how a token did in a window: seconds in JSON.
type recordView struct {
	Hours     int      `json:"hours"`
	Since     stamp    `json:"since"` // from when on the rest holds
	Up        float64  `json:"up"`
	Down      float64  `json:"down"`
	Share     *float64 `json:"share"` // of time up, 0 to 1; null: no time counts
	Firings   int      `json:"firings"`
	RunsSince stamp    `json:"runs_since"` // from when on what follows holds
	Runs      int      `json:"runs"`
	Median    *float64 `json:"median"`
	P95       *float64 `json:"p95"`
	Longest   *float64 `json:"longest"`

	Name      string `json:"-"`
	Known     bool   `json:"-"`
	From      moment `json:"-"` // if the window is not known from its beginning
	RunsFrom  moment `json:"-"`
	DownWords string `json:"-"`
	UpWords   string `json:"-"`
	Usual     string `json:"-"`
	Most      string `json:"-"`
}

func (p *past) records(t kae.Token, c clock) []recordView {
	var all []recordView
	for _, w := range windows {
		from := c.now.Add(-time.Duration(w.hours) * time.Hour)
		r := t.Record(p.flips, p.gaps, from, c.now)
		pace := kae.PaceOf(p.took(from))
		v := recordView{
			Hours: w.hours, Since: stamp(r.Since), Up: r.Up.Seconds(), Down: r.Down.Seconds(), Firings: r.Firings,
			Runs: pace.Runs, RunsSince: stamp(from),
			Name: w.name, Known: !r.Since.IsZero(), DownWords: "none", UpWords: "–",
		}
		if r.Since.After(from) {
			if v.From = c.day(r.Since); c.now.Sub(r.Since) < 24*time.Hour {
				v.From = c.minute(r.Since)
			}
		}
		if p.from.After(from) {
			v.RunsSince, v.RunsFrom = stamp(p.from), c.at(p.from)
		}
		if r.Down > 0 {
			v.DownWords = span(r.Down)
		}
		if share, ok := r.Share(); ok {
			v.Share, v.UpWords = &share, percent(r.Up, r.Down)
		} else {
			v.DownWords = "–"
		}
		if pace.Runs > 0 {
			v.Median, v.P95, v.Longest = seconds(pace.Median), seconds(pace.P95), seconds(pace.Longest)
			v.Usual, v.Most = took(pace.Median), took(pace.P95)
		}
		all = append(all, v)
	}
	return all
}

func seconds(d time.Duration) *float64 {
	s := d.Seconds()
	return &s
}

// percent tells the share of time up, rounded down: 100 % is all of it.
func percent(up, down time.Duration) string {
	switch n := up.Microseconds() * 10_000 / max(1, (up+down).Microseconds()); {
	case up <= 0:
		return "0 %"
	case down <= 0:
		return "100 %"
	case n == 0:
		return "< 0.01 %"
	default:
		return fmt.Sprintf("%d.%02d %%", n/100, n%100)
	}
}
