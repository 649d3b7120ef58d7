package demo

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"kae"
)

const (
	reportsKept = 500             // of each token's newest
	textsKept   = kae.BodiesKept  // with what they said
	promptness  = 3 * time.Second // how exactly a timer starts things
)

// actor plays a role: it gives the heartbeats of a process, in the order in
// which they arrive, as far as anybody wants.
type actor struct {
	role
	token kae.Token
	now   time.Time // when the past ends

	remote string // the address of the machine that it runs on
	rng    *rand.Rand

	slots   []time.Time // by the clock: those of the past whose runs have ended
	mute    int         // how many of the newest reports of the past never come
	index   int         // of the report to plan next: 0 is the newest of the past, below it the future lies
	at      time.Time   // when that should come
	waiting []kae.Heartbeat
	indexes []int // of the reports that they belong to
}

func newActor(r role, id int64, now time.Time) *actor {
	a := &actor{role: r, now: now, rng: rand.New(rand.NewPCG(uint64(id), 48))}
	if a.age == 0 {
		a.age = past
	}
	a.token = kae.Token{
		ID: id, Value: a.value(), UUID: a.uuid(), Name: r.name, Description: r.about, Tags: kae.ParseTags(r.tags),
		Status: kae.New, CreatedAt: now.Add(-a.age),
	}
	a.remote = fmt.Sprintf("10.20.%d.%d", id%4, 10+id)
	a.settle()
	a.begin()
	return a
}

// settle reads what the role says as kae reads what people write.
func (a *actor) settle() {
	zone, err := kae.LoadZone(a.zone)
	if a.zone == "" {
		zone, err = time.UTC, nil
	}
	must(err)
	a.token.Schedule, err = kae.ParseSchedule(a.every, zone)
	must(err)
	a.token.Grace = a.token.Schedule.DefaultGrace()
	if a.grace != "" {
		a.token.Grace, err = kae.ParseGrace(a.grace)
		must(err)
	}
	if a.rules != nil {
		a.rules(&a.token)
	}
	for _, err := range a.token.Validate() {
		must(err)
	}
}

// must is for what the tables of this package say.
func must(err error) {
	if err != nil {
		panic(err)
	}
}

// begin finds the first report of the past.
func (a *actor) begin() {
	if a.token.Schedule.Clock() {
		for at := a.token.Schedule.Next(a.token.CreatedAt); !at.After(a.ended()); at = a.token.Schedule.Next(at) {
			a.slots = append(a.slots, at)
		}
		a.index = len(a.slots) - 1
	} else {
		every := a.token.Schedule.Interval()
		if a.pace == 0 {
			a.pace = every - max(every/40, time.Second)
		}
		if a.last == 0 {
			a.last = time.Duration(a.rng.Int64N(int64(a.pace)))
		}
		a.index = int((a.age - a.last) / a.pace)
		if a.last > a.age {
			a.index = -1
		}
	}
	a.at = a.due()
	for _, t := range a.troubles {
		if t.fate == silent && t.to == always {
			a.mute = a.within(t.from)
		}
	}
}

// ended is when a run must have begun to have ended by now.
func (a *actor) ended() time.Time { return a.now.Add(-2 * a.took) }

// within counts the newest reports of the past that are not older.
func (a *actor) within(ago time.Duration) int {
	if !a.token.Schedule.Clock() {
		return max(0, int((ago-a.last)/a.pace)+1)
	}
	from := a.now.Add(-ago)
	at, _ := slices.BinarySearchFunc(a.slots, from, time.Time.Compare)
	return len(a.slots) - at
}

// due is when the report to plan next should come.
func (a *actor) due() time.Time {
	if !a.token.Schedule.Clock() {
		return a.now.Add(-a.last - time.Duration(a.index)*a.pace)
	}
	if a.index >= 0 {
		return a.slots[len(a.slots)-1-a.index]
	}
	return a.token.Schedule.Next(later(a.at, a.ended()))
}

// arrives is when the next heartbeat does.
func (a *actor) arrives() time.Time {
	for len(a.waiting) == 0 || !a.waiting[0].Received.Before(a.at) {
		a.plan()
	}
	return a.waiting[0].Received
}

// take gives the next heartbeat, with Received as the time of arrival, and
// tells whether it is one to keep.
func (a *actor) take() (h kae.Heartbeat, kept bool) {
	a.arrives()
	h, kept = a.waiting[0], a.indexes[0] < a.mute+reportsKept
	a.waiting, a.indexes = slices.Delete(a.waiting, 0, 1), slices.Delete(a.indexes, 0, 1)
	return h, kept
}

// plan adds the heartbeats of one report.
func (a *actor) plan() {
	ago := a.now.Sub(a.at)
	start, took, f := a.at.Add(a.unsteady()), a.length(ago), a.fate(ago)
	switch f.what {
	case comes:
		start = start.Add(f.by)
	case dragging:
		took += f.by
	case failing:
		took = took / 5 * 2 // halfway, or before
	}
	run := ""
	if a.starts {
		run = a.uuid()
	}
	end := start
	if a.starts || a.token.Schedule.Clock() {
		end = start.Add(took)
	}
	switch {
	case f.what == unspoken:
		a.add(kae.Heartbeat{Kind: nothing, At: start, Received: start})
	case a.starts:
		h := kae.Heartbeat{Kind: kae.Start, At: start, Received: start, RunID: run}
		if f.what == spoken {
			h.Received = start.Add(f.by)
		}
		a.add(h)
		fallthrough
	default:
		if f.what != dying {
			a.add(a.ending(f, end, took, run))
		}
	}
	a.index--
	a.at = a.due()
}

// nothing stands where a heartbeat would have come, so that an actor that has
// fallen silent for ever still has a next moment.
const nothing kae.Kind = ""

// ending is how a run ended.
func (a *actor) ending(f fate, at time.Time, took time.Duration, run string) kae.Heartbeat {
	h := kae.Heartbeat{Kind: kae.Success, At: at, Received: at, RunID: run}
	if f.what == spoken {
		h.Received = at.Add(f.by)
	}
	if f.what == failing {
		h.Kind, h.Exited, h.Exit = kae.Failure, true, 1
	}
	if a.starts {
		h.Exited = true
	}
	if a.tells != nil && a.index < a.mute+textsKept {
		a.tells(&told{Heartbeat: &h, rng: a.rng, failed: f.what == failing, took: took, size: a.size(a.now.Sub(at))})
		h.BodySize = len(h.Body)
	}
	return h
}

// add lets a heartbeat wait in the order of arrival.
func (a *actor) add(h kae.Heartbeat) {
	micro := func(t time.Time) time.Time { return time.UnixMicro(t.UnixMicro()).UTC() }
	h.At, h.Received = micro(h.At), micro(h.Received)
	h.Remote, h.Agent, h.Posted = a.remote, "curl/8.14.1", true
	if a.starts {
		h.Agent = "kae exec"
	}
	i := len(a.waiting)
	for i > 0 && a.waiting[i-1].Received.After(h.Received) {
		i--
	}
	a.waiting, a.indexes = slices.Insert(a.waiting, i, h), slices.Insert(a.indexes, i, a.index)
}

// fate tells what becomes of the report.
func (a *actor) fate(ago time.Duration) fate {
	// A run that may be going on is as the newest that has ended.
	if i := max(0, a.index); ago >= 0 && i < len(a.newest) {
		return a.newest[i]
	}
	for _, all := range [][]trouble{a.troubles, incidents[a.site]} {
		for _, t := range all {
			if t.holds(ago) {
				return t.fate
			}
		}
	}
	if a.mood != nil {
		return a.mood(ago, a.rng.Float64())
	}
	return fate{}
}

// unsteady is how much later than it should something starts.
func (a *actor) unsteady() time.Duration {
	most := a.wobble
	if most == 0 {
		most = min(promptness, a.pace/200)
	}
	if a.token.Schedule.Clock() {
		most = promptness
	}
	return time.Duration(a.rng.Int64N(int64(most) + 1))
}

// length is how long a run takes.
func (a *actor) length(ago time.Duration) time.Duration {
	if a.took == 0 {
		return 0
	}
	return time.Duration(float64(a.took) * a.size(ago) * math.Exp(a.rng.NormFloat64()/9))
}

// size is how large the job was, compared with today.
func (a *actor) size(ago time.Duration) float64 {
	if !a.grows {
		return 1
	}
	return max(0.5, 1-ago.Hours()/past.Hours()/2)
}

// value is like [kae.NewValue], but seeded: pictures stay the same.
func (a *actor) value() string {
	const letters = "bcdfghjklmnpqrstvwxyz"
	b := make([]byte, 20)
	for i := range b {
		b[i] = letters[a.rng.IntN(len(letters))]
	}
	return string(b)
}

// uuid is like [kae.NewUUID], but seeded.
func (a *actor) uuid() string {
	hi, lo := a.rng.Uint64(), a.rng.Uint64()
	return fmt.Sprintf("%08x-%04x-4%03x-%04x-%012x", uint32(hi>>32), uint16(hi>>16), hi&0xfff, 0x8000|lo>>48&0x3fff, lo&(1<<48-1))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
