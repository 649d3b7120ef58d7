package demo

import (
	"time"

	"kae"
)

const (
	hour   = time.Hour
	day    = 24 * time.Hour
	week   = 7 * day
	past   = 50 * day         // how long ago most tokens were created
	always = -100 * 365 * day // an end, in time ago, that never comes
)

// role is one token, and how the process behind it behaves. Times are told in
// how long ago they were.
type role struct {
	name, about, tags string

	every string // as [kae.ParseSchedule] reads it
	zone  string // "": UTC
	grace string // "": as for a new token
	rules func(*kae.Token)
	age   time.Duration // 0: past

	// When it reports. By the clock: at the schedule's times.
	pace   time.Duration // with an interval: how often; 0: a little more often than is asked for
	wobble time.Duration // how irregularly; 0: a little
	last   time.Duration // with an interval: when it should have reported last; 0: anywhere

	// What it reports.
	took   time.Duration // how long a run takes, more or less
	grows  bool          // it took half of that seven weeks ago
	starts bool          // it tells when it starts, too
	tells  func(*told)   // writes message, body and exit status

	site     string    // what befalls a site befalls all at it
	troubles []trouble // the first that fits counts
	newest   []fate    // of the newest reports, the newest first
	mood     func(ago time.Duration, chance float64) fate
	acts     []act
}

// span is a time that lies a while ago.
type span struct{ from, to time.Duration }

func (s span) holds(ago time.Duration) bool { return ago <= s.from && ago > s.to }

// trouble is what becomes of the reports of a time.
type trouble struct {
	span
	fate fate
}

// act is what somebody did to the token.
type act struct {
	ago time.Duration
	do  func(kae.Token, time.Time) kae.Change
}

// fate is what becomes of one report.
type fate struct {
	what outcome
	by   time.Duration
}

type outcome int

const (
	fine     outcome = iota
	comes            // late, by some time
	spoken           // in time, but kae hears of it late: the network was down
	unspoken         // never
	failing          // the run fails
	dying            // the run starts and never ends
	dragging         // the run takes some time longer
)

var (
	silent = fate{what: unspoken}
	fails  = fate{what: failing}
	hangs  = fate{what: dying}
)

func late(by time.Duration) fate  { return fate{comes, by} }
func held(by time.Duration) fate  { return fate{spoken, by} }
func drags(by time.Duration) fate { return fate{dragging, by} }

// nowAndThen makes a mood: reports are late with one likelihood in the past,
// and with another while somebody watches.
func nowAndThen(past, live float64, by time.Duration) func(time.Duration, float64) fate {
	return func(ago time.Duration, chance float64) fate {
		likely := past
		if ago < 0 {
			likely = live
		}
		if chance >= likely {
			return fate{}
		}
		return late(by)
	}
}

// flickers makes a mood: silent for a while, every so often, and more often
// while somebody watches.
func flickers(past, live, silence time.Duration) func(time.Duration, float64) fate {
	return func(ago time.Duration, _ float64) fate {
		period := past
		if ago < 0 {
			period = live
		}
		// Half a period from now on either side.
		if phase := ((period/2-ago)%period + period) % period; phase >= period-silence {
			return silent
		}
		return fate{}
	}
}

func disable(t kae.Token, now time.Time) kae.Change { return t.Disable(now) }
func enable(t kae.Token, now time.Time) kae.Change  { return t.Enable(now) }
func remove(t kae.Token, now time.Time) kae.Change  { return t.Remove(now) }

// allow makes an act: somebody gives the token another grace.
func allow(grace time.Duration) func(kae.Token, time.Time) kae.Change {
	return func(t kae.Token, now time.Time) kae.Change {
		s := t.Settings()
		s.Grace = grace
		return t.Edit(s, now)
	}
}
