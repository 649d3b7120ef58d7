package kae

import (
	"crypto/rand"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Status is what a token is doing. *late*, *running* and *unknown* are not
// statuses: they are shown beside one.
type Status string

// The four statuses.
const (
	New      Status = "new"      // no success or failure yet: it cannot be missed
	Up       Status = "up"       // the newest expected heartbeat came
	Firing   Status = "firing"   // none came by the deadline, or a failure did
	Disabled Status = "disabled" // heartbeats are recorded, nothing is expected
)

// Reason says why a token's status changed.
type Reason string

// The reasons of flips.
const (
	First       Reason = "first"     // the first success came
	Missed      Reason = "missed"    // the deadline passed without a heartbeat
	Failed      Reason = "failed"    // a failure was reported
	Recovered   Reason = "recovered" // a success came while firing
	WasDisabled Reason = "disabled"
	WasRemoved  Reason = "removed"      // of an alert; a removal is no flip
	WasEnabled  Reason = "enabled"      // enabled, or brought back after a removal
	Edited      Reason = "edited"       // a change of settings took the firing back
	Excused     Reason = "unknown"      // kae took no heartbeats when one was expected
	Overran     Reason = "overran"      // a run did not end within its maximum time
	ArrivedLate Reason = "arrived late" // the heartbeat that was missed had been on time
	WasAcked    Reason = "acknowledged" // somebody looks after a token that fires; it goes on firing
	TakenBack   Reason = "taken back"   // they do not after all
)

// Token is one thing that is watched: a process that should report again and
// again. It is a plain value; [Token.Beat], [Token.Expire] and the other rules
// take one and give the next. Times are whole microseconds in UTC, and zero
// where there is none. Tags is never changed in place.
type Token struct {
	ID          int64
	Value       string // 20 letters: the secret in the heartbeat URL
	UUID        string // a second value (version 4), as secret as the first
	Name        string
	Description string
	Tags        []string
	Schedule    Schedule
	Grace       time.Duration // how much later than expected is still fine
	MaxRun      time.Duration // how long a run may take; 0: as long as it likes
	FireAfter   int           // fire at this many misses or failures in a row; 0 and 1: at the first
	BodyHas     string        // a success whose body does not contain it is a failure; "": any will do
	BodyLacks   string        // a success whose body contains it is a failure; "": none does
	PostOnly    bool          // heartbeats by GET and HEAD are refused: link previews and scanners send those

	Status    Status
	Reason    Reason    // of the newest flip, or of a failure while firing
	FlippedAt time.Time // when the status last changed
	Unknown   bool      // excused, and no success or failure since
	Beats     int64     // heartbeats received; the number of the newest
	Flips     int64     // flips so far; the number of the newest
	LastPos   int64     // journal position of the newest heartbeat, 0 if none
	CreatedAt time.Time
	RemovedAt time.Time     // removed tokens can be brought back for [KeepRemoved]
	Since     time.Time     // what DueAt follows from: the newest success or failure or, when later, its enabling or excuse
	LastAt    time.Time     // newest success or failure
	Strikes   int           // misses and failures in a row that did not fire
	Runs      []Run         // runs that have begun and not ended, the oldest first; never changed in place
	Took      time.Duration // how long the newest run took; 0: not known
	Track     Track         // what became of its slots

	Ack          *Ack      // who looks after the firing; nil: nobody. It is never changed in place
	SnoozedUntil time.Time // until then channels hear nothing of it; zero, or over: they do

	StartedAt time.Time // start of the oldest of them
	DueAt     time.Time // when the next heartbeat is expected
	Deadline  time.Time // when it fires unless a heartbeat comes; zero: nothing to wait for
}

// Ack is somebody's word that they look after a token that fires.
type Ack struct {
	At  time.Time
	By  string
	Why string // may be empty
}

// Run is a run of a process that has begun and not ended.
type Run struct {
	ID string // as the process named it; "" if it did not
	At time.Time
}

// MaxRuns is how many open runs of a token are remembered: the newest.
const MaxRuns = 8

// Limits of what people write, in characters.
const (
	MaxName        = 255
	MaxDescription = 1000
	MaxTag         = 50
	MaxTags        = 20
	MaxFireAfter   = 100
	MaxBodyText    = 200 // of BodyHas and BodyLacks
	MaxAckBy       = 100
	MaxAckWhy      = 300
)

// MaxGrace is the longest grace: ten years, like the longest interval.
const MaxGrace = MaxInterval

// MaxSnooze is for how long a token can be snoozed.
const MaxSnooze = 31 * 24 * time.Hour

// KeepRemoved is how long a removed token can be brought back.
const KeepRemoved = 7 * 24 * time.Hour

const (
	valueLength  = 20
	valueLetters = "bcdfghjklmnpqrstvwxyz" // no vowels: a value never spells a word
)

// NewValue makes a token's value: 20 letters from crypto/rand, 87 bits.
func NewValue() string {
	value := make([]byte, 0, valueLength)
	var random [64]byte
	for {
		rand.Read(random[:]) // never fails: it ends the program instead
		for _, b := range random {
			// 252 is the largest multiple of 21 in a byte: letters stay equally likely.
			if b >= 252 {
				continue
			}
			value = append(value, valueLetters[int(b)%len(valueLetters)])
			if len(value) == valueLength {
				return string(value)
			}
		}
	}
}

// NewUUID makes a random UUID of version 4 (RFC 9562, section 5.4).
func NewUUID() string {
	var u [16]byte
	rand.Read(u[:])
	u[6] = u[6]&0x0f | 0x40
	u[8] = u[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", u[:4], u[4:6], u[6:8], u[8:10], u[10:])
}

// Validate checks what people write into a token and gives one [Error] for
// each field that is wrong, in the order of the form.
func (t Token) Validate() []*Error {
	var errs []*Error
	add := func(field, message string) { errs = append(errs, invalid(field, message)) }
	switch n := utf8.RuneCountInString(t.Name); {
	case !isText(t.Name) || strings.ContainsFunc(t.Name, unicode.IsControl):
		add("name", "The name is one line of text: it has characters that are none.")
	case strings.TrimSpace(t.Name) == "":
		add("name", "Give it a name: what should happen, such as “Nightly backup”.")
	case n > MaxName:
		add("name", fmt.Sprintf("The name has %d characters; at most %d are possible.", n, MaxName))
	}
	if t.Schedule.IsZero() {
		add("interval", "Say how often a heartbeat is expected: "+howToWriteDurations)
	}
	if t.Grace < 0 || t.Grace > MaxGrace {
		add("grace", "Grace is from 0 to 10 years.")
	}
	if t.MaxRun < 0 || t.MaxRun > MaxGrace {
		add("max_run", "The maximum run time is from 1 second to 10 years; empty for none.")
	}
	if t.FireAfter < 0 || t.FireAfter > MaxFireAfter {
		add("fire_after", fmt.Sprintf("It can fire at the first to the %dth miss in a row.", MaxFireAfter))
	}
	for field, text := range map[string]string{"body_has": t.BodyHas, "body_lacks": t.BodyLacks} {
		if !isText(text) || utf8.RuneCountInString(text) > MaxBodyText {
			add(field, fmt.Sprintf("The text to look for has at most %d characters.", MaxBodyText))
		}
	}
	switch n := utf8.RuneCountInString(t.Description); {
	case !isText(t.Description):
		add("description", "The description has characters that are not text.")
	case n > MaxDescription:
		add("description", fmt.Sprintf("The description has %d characters; at most %d are possible.", n, MaxDescription))
	}
	if len(t.Tags) > MaxTags {
		add("tags", fmt.Sprintf("There are %d tags; at most %d are possible.", len(t.Tags), MaxTags))
	}
	for _, tag := range t.Tags {
		if n := utf8.RuneCountInString(tag); n > MaxTag || !isText(tag) {
			add("tags", fmt.Sprintf("A tag is a word of at most %d characters.", MaxTag))
			break
		}
	}
	return errs
}

// Validate checks what people write into an acknowledgement, as
// [Token.Validate] does. Both are one line.
func (a Ack) Validate() []*Error {
	var errs []*Error
	if a.By == "" {
		errs = append(errs, invalid("by", "Say who looks after it: a name will do."))
	}
	for _, v := range []struct {
		field, word, text string
		most              int
	}{{"by", "name", a.By, MaxAckBy}, {"why", "reason", a.Why, MaxAckWhy}} {
		switch n := utf8.RuneCountInString(v.text); {
		case !isText(v.text) || strings.ContainsFunc(v.text, unicode.IsControl):
			errs = append(errs, invalid(v.field, "The "+v.word+" is one line of text: it has characters that are none."))
		case n > v.most:
			errs = append(errs, invalid(v.field, fmt.Sprintf("The %s has %d characters; at most %d are possible.", v.word, n, v.most)))
		}
	}
	return errs
}

// ParseTags splits tags at white space and commas and drops repetitions.
func ParseTags(s string) []string {
	var tags []string
	seen := map[string]bool{}
	for _, tag := range strings.FieldsFunc(s, func(r rune) bool { return r == ',' || unicode.IsSpace(r) }) {
		if !seen[tag] {
			seen[tag] = true
			tags = append(tags, tag)
		}
	}
	return tags
}

// Removed tells whether the token has been taken away.
func (t Token) Removed() bool { return !t.RemovedAt.IsZero() }

// Late tells whether the token is past due and inside its grace.
func (t Token) Late(now time.Time) bool {
	return !t.Deadline.IsZero() && !t.bounded() && !now.Before(t.DueAt)
}

// Wake tells when something happens to the token next, as of now: it becomes
// late, or fires. Zero: nothing is waited for.
func (t Token) Wake(now time.Time) time.Time {
	if !t.bounded() && now.Before(t.DueAt) && t.DueAt.Before(t.Deadline) {
		return t.DueAt
	}
	return t.Deadline
}

// Snoozed tells whether channels hear nothing of the token for now.
func (t Token) Snoozed(now time.Time) bool { return now.Before(t.SnoozedUntil) }

// Running tells whether a run has begun and not ended.
func (t Token) Running() bool { return !t.StartedAt.IsZero() }

// isText tells whether every engine can store s as text: UTF-8 without NUL.
func isText(s string) bool { return utf8.ValidString(s) && strings.IndexByte(s, 0) < 0 }
