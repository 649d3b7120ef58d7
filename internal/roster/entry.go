package roster

import (
	"slices"
	"strings"
	"time"

	"kae"
)

// entry is one token, packed.
type entry struct {
	id     *identity
	status kae.Status
	reason kae.Reason

	beats, flips, lastPos                             int64
	removed, since, last, flipped, started, due, dead int64 // microseconds; 0: none
	runs                                              []kae.Run
	strikes                                           int
	took                                              time.Duration
	track                                             kae.Track
	ack                                               *kae.Ack
	snoozed                                           int64

	wake    int64 // when something happens to it next: due, then the deadline; 0: never
	fires   int64 // if nothing more comes; 0: never
	at      int   // in all
	place   int   // in the agenda; -1: not there
	late    bool
	unknown bool
}

// identity is what of a token changes only when people change it. It is
// replaced, never changed in place, so a token that was handed out keeps its.
type identity struct {
	id          int64
	value, uuid string
	created     int64
	settings    kae.Settings
	name, text  string // what is sorted by and searched in, in lower case
}

func (i *identity) describes(t kae.Token) bool {
	s := &i.settings
	return i.value == t.Value && i.uuid == t.UUID &&
		s.Name == t.Name && s.Description == t.Description && s.Schedule.Equal(t.Schedule) && s.Grace == t.Grace &&
		s.MaxRun == t.MaxRun && s.FireAfter == t.FireAfter && s.BodyHas == t.BodyHas && s.BodyLacks == t.BodyLacks &&
		s.PostOnly == t.PostOnly && slices.Equal(s.Tags, t.Tags)
}

func (e *entry) pack(t kae.Token, now time.Time) {
	if e.id == nil || !e.id.describes(t) {
		e.id = &identity{id: t.ID, value: t.Value, uuid: t.UUID, created: micros(t.CreatedAt), settings: t.Settings()}
		e.id.name = strings.ToLower(t.Name)
		e.id.text = strings.ToLower(t.Name + "\n" + t.Description + "\n" + strings.Join(t.Tags, "\n"))
	}
	e.status, e.reason = t.Status, t.Reason
	e.beats, e.flips, e.lastPos = t.Beats, t.Flips, t.LastPos
	e.removed, e.since, e.last, e.started = micros(t.RemovedAt), micros(t.Since), micros(t.LastAt), micros(t.StartedAt)
	e.runs, e.strikes, e.took, e.track = t.Runs, t.Strikes, t.Took, t.Track
	e.ack, e.snoozed = t.Ack, micros(t.SnoozedUntil)
	e.flipped, e.due, e.dead = micros(t.FlippedAt), micros(t.DueAt), micros(t.Deadline)
	e.late, e.unknown = t.Late(now), t.Unknown
	e.wake = micros(t.Wake(now))
	e.fires = e.dead
	if t.Strikes+1 < t.FireAfter {
		e.fires = micros(t.FiresAt())
	}
}

func (e *entry) token() kae.Token {
	t := kae.Token{
		ID: e.id.id, Value: e.id.value, UUID: e.id.uuid,
		Status: e.status, Reason: e.reason, FlippedAt: moment(e.flipped), Unknown: e.unknown,
		Beats: e.beats, Flips: e.flips, LastPos: e.lastPos,
		CreatedAt: moment(e.id.created), RemovedAt: moment(e.removed),
		Runs: e.runs, Strikes: e.strikes, Took: e.took, Track: e.track,
		Since: moment(e.since), LastAt: moment(e.last), StartedAt: moment(e.started),
		DueAt: moment(e.due), Deadline: moment(e.dead),
		Ack: e.ack, SnoozedUntil: moment(e.snoozed),
	}
	return t.With(e.id.settings)
}

func micros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMicro()
}

func moment(micros int64) time.Time {
	if micros == 0 {
		return time.Time{}
	}
	return time.UnixMicro(micros).UTC()
}
