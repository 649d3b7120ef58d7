package kae

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outcomes writes slots or cells as text, a letter each: nothing, disabled, on
// time, unknown, late, failed, run too long, missed.
func outcomes(all ...Outcome) string {
	var b strings.Builder
	for _, o := range all {
		b.WriteByte(".doulfrm"[o])
	}
	return b.String()
}

func slotsOf(t Token, now time.Time) string {
	var all []Outcome
	for _, s := range t.LastSlots(now, MaxSlots) {
		all = append(all, s.Outcome)
	}
	return outcomes(all...)
}

func clockToken(grace time.Duration, change func(*Token)) Token {
	s, err := ParseSchedule("0 * * * *", nil)
	if err != nil {
		panic(err)
	}
	t := Token{ID: 1, Schedule: s, Grace: grace, Status: New, CreatedAt: at(-100)}
	if change != nil {
		change(&t)
	}
	return t.Beat(Heartbeat{At: t0.Add(time.Minute), Kind: Success, Pos: 1}).Token
}

func TestWhatBecameOfSlots(t *testing.T) {
	const h = 3600
	hourly := clockToken(10*time.Minute, nil)
	bounded := clockToken(10*time.Minute, func(t *Token) { t.MaxRun = 20 * time.Minute })
	patient := clockToken(10*time.Minute, func(t *Token) { t.FireAfter = 3 })
	cases := []struct {
		name  string
		token Token
		rules []func(Token) Change
		now   int
		want  string
	}{
		{"a heartbeat in time is on time", watched(), []func(Token) Change{beat(Success, 60)}, 61, "oo"},
		{"one inside the grace is late", watched(), []func(Token) Change{beat(Success, 65)}, 66, "ol"},
		{"one that is waited for is late by now", watched(), nil, 65, "ol"},
		{"what is not due yet is nothing", watched(), nil, 59, "o"},
		{"a failure has failed", watched(), []func(Token) Change{beat(Failure, 30)}, 31, "of"},
		{"whole intervals that passed while it fires are missed", watched(), []func(Token) Change{expire(70)}, 200, "ommm"},
		{"and stay so after it has recovered", watched(), []func(Token) Change{expire(70), beat(Success, 200)}, 201, "ommmo"},
		{"the one inside its grace comes late", watched(), []func(Token) Change{expire(70), beat(Success, 185)}, 186, "omml"},
		{"logs and starts are no slots", watched(), []func(Token) Change{beat(Log, 10), beat(Start, 20)}, 30, "o"},
		{"kae's own gap is unknown", watched(), []func(Token) Change{excuse(50, 150), beat(Success, 170)}, 175, "ouuo"},
		{"disabled times are disabled", watched(), []func(Token) Change{disable(30), enable(160)}, 170, "odd"},
		{"and while it is", watched(), []func(Token) Change{disable(30)}, 100, "od"},
		{"missed before it was disabled", watched(), []func(Token) Change{expire(70), disable(140)}, 210, "ommd"},
		{"a removal is as if disabled", watched(), []func(Token) Change{remove(30), undo(160)}, 170, "odd"},
		{"an edit keeps what was missed", watched(), []func(Token) Change{expire(70), edit(500, 0, 140)}, 150, "omm"},
		{"an edit to a shorter interval", watched(), []func(Token) Change{edit(20, 0, 50)}, 70, "ommm"},
		{"each heartbeat that came early is a slot", watched(), []func(Token) Change{beat(Success, 10), beat(Success, 20)}, 21, "ooo"},

		{"by the clock a job reports after its time", hourly, []func(Token) Change{beat(Success, h+240)}, h + 250, "oo"},
		{"late in the second half of the grace", hourly, []func(Token) Change{beat(Success, h+400)}, h + 500, "ol"},
		{"unless it began in time", hourly, []func(Token) Change{beat(Start, h+10), beat(Success, h+400)}, h + 500, "oo"},
		{"out of turn counts for nothing", hourly, []func(Token) Change{beat(Success, h/2)}, h/2 + 1, "o"},
		{"a failure out of turn does", hourly, []func(Token) Change{beat(Failure, h/2)}, h/2 + 1, "of"},
		{"a little early it is for its slot", hourly, []func(Token) Change{beat(Success, h-20)}, h + 10, "oo"},
		{"missed, by the clock", hourly, []func(Token) Change{expire(h + 600)}, 3*h + 30, "omml"},
		{"run again by hand", hourly, []func(Token) Change{expire(h + 600), beat(Success, h+1800)}, h + 1900, "om"},
		{"well at the slot after a failure", hourly, []func(Token) Change{beat(Failure, h/2), beat(Success, h+60)}, h + 70, "ofo"},
		{"a run that takes too long has overrun", bounded, []func(Token) Change{beat(Start, h+5), expire(h + 1205)}, h + 1300, "or"},
		{"and only that slot", bounded, []func(Token) Change{beat(Start, h+5), expire(h + 1205)}, 2*h + 700, "orm"},
		{"a counted miss is a miss", patient, []func(Token) Change{expire(h + 600)}, h + 700, "om"},
		{"a start alone makes it expected", clockNew(), []func(Token) Change{beat(Start, 10), expire(h + 600)}, h + 700, "m"},
		{"the first run counts, whenever it is", clockNew(), []func(Token) Change{beat(Start, 10), beat(Success, 70)}, 80, "o"},
		{"a new one expects nothing", clockNew(), nil, 10 * h, ""},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			token := c.token
			for _, rule := range c.rules {
				token = rule(token).Token
			}
			if got := slotsOf(token, at(c.now)); got != c.want {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func clockNew() Token {
	s, err := ParseSchedule("0 * * * *", nil)
	if err != nil {
		panic(err)
	}
	return Token{ID: 1, Schedule: s, Grace: 10 * time.Minute, Status: New, CreatedAt: t0}
}

func TestCells(t *testing.T) {
	token := watched()
	token.Schedule, token.Grace = Every(time.Hour), 0
	token = token.Settle()
	for i := 1; i <= 60; i++ {
		kind := Success
		if i == 30 {
			kind = Failure
		}
		token = token.Beat(Heartbeat{At: at(3600 * i), Kind: kind}).Token
	}
	now := at(3600*60 + 1800) // half past three in the afternoon, two days later
	trim := func(cells [AxisCells]Outcome) string { return strings.TrimLeft(outcomes(cells[:]...), ".") }
	for axis, want := range map[Axis]string{
		Day:            strings.Repeat("o.", 23) + "o.",
		EightDays:      "oooooooof" + "ooooooo",
		FortyEightDays: "ofo",
	} {
		if got := trim(token.Cells(axis, now)); got != want {
			t.Errorf("axis %d: %q, want %q", axis, got, want)
		}
	}
	if got := trim(token.Expire(at(3600*61)).Token.Cells(Day, at(3600*62+60))); !strings.HasSuffix(got, "o.o.m.m") {
		t.Errorf("missed since: %q", got)
	}
	for _, axis := range []Axis{Day, EightDays, FortyEightDays} {
		if got := trim(token.Cells(axis, now.Add(50*24*time.Hour))); got != "" && token.Deadline.IsZero() {
			t.Errorf("axis %d, long after: %q", axis, got)
		}
		start := axis.Start(now, time.UTC)
		if end := start.Add(AxisCells * axis.Cell()); !start.Before(now) || !end.After(now) || end.Sub(now) > axis.Cell() {
			t.Errorf("axis %d is from %v to %v", axis, start, end)
		}
	}
	early := clockToken(10*time.Minute, nil).Beat(Heartbeat{At: at(3600 - 20), Kind: Success}).Token
	if got := trim(early.Cells(Day, at(3600-10))); got != "oo" { // for four o'clock, at ten seconds to it
		t.Errorf("a little early: %q", got)
	}
	if got := trim(early.Cells(Day, at(3600+10))); got != "o.o" {
		t.Errorf("and then: %q", got)
	}
	madrid, err := LoadZone("Europe/Madrid")
	if err != nil {
		t.Fatal(err)
	}
	if got := FortyEightDays.Start(time.Date(2026, 11, 24, 23, 30, 0, 0, time.UTC), madrid); got.Hour() != 0 || got.Day() != 9 {
		t.Errorf("the days of Madrid begin at %v", got)
	}
}

// Many slots at once have to be as if they were settled one by one.
func TestManySlotsAreAsEachOne(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	texts := []string{"1m", "7m", "1h", "25h", "9d", "*/5 * * * *", "0 3 * * *", "Mon..Fri 09..17:00/20", "*-*-01 04:30"}
	zones := []string{"UTC", "Europe/Madrid", "Asia/Kathmandu"}
	for range 300 {
		zone, err := LoadZone(zones[random.IntN(len(zones))])
		if err != nil {
			t.Fatal(err)
		}
		s, err := ParseSchedule(texts[random.IntN(len(texts))], zone)
		if err != nil {
			t.Fatal(err)
		}
		from := t0.Add(time.Duration(random.Int64N(int64(300 * 24 * time.Hour))))
		first := s.Next(from)
		to := from.Add(time.Duration(random.Int64N(int64(time.Hour) << random.IntN(11))))
		many, each := Track("").unpack(s), Track("").unpack(s)
		for _, u := range []*track{&many, &each} {
			u.mark(from, SlotOnTime)
		}
		many.markAll(first, to, SlotMissed)
		for at := first; !at.IsZero() && !at.After(to); at = s.Next(at) {
			each.mark(at, SlotMissed)
		}
		if diff := cmp.Diff(each.newest(MaxSlots), many.newest(MaxSlots)); diff != "" {
			t.Fatalf("%s from %v to %v: slots (-each +many)\n%s", s, from, to, diff)
		}
		if diff := cmp.Diff(each.cells, many.cells); diff != "" {
			t.Fatalf("%s from %v to %v: cells (-each +many)\n%s", s, from, to, diff)
		}
		again := many.pack().unpack(s)
		if again.pack() != many.pack() || again.last != many.last {
			t.Fatal("packed and unpacked it is another")
		}
	}
}

// A token that was disabled nobody knows when, as those of the original kae, is
// looked at in no time, whatever its schedule.
func TestSlotsSinceTheBeginningOfTime(t *testing.T) {
	for text, want := range map[string]int{"1s": MaxSlots, "1m": MaxSlots, "7d": MaxSlots, "3650d": MaxSlots, "0 3 * * *": MaxSlots, "0 0 29 2 *": MaxSlots} {
		s, err := ParseSchedule(text, nil)
		if err != nil {
			t.Fatal(err)
		}
		token := Token{Schedule: s, Status: Disabled}
		slots := token.LastSlots(t0, MaxSlots)
		if len(slots) != want || slots[0].At.After(slots[len(slots)-1].At) || t0.Before(slots[len(slots)-1].At) {
			t.Errorf("%s: %d slots: %v", text, len(slots), slots)
		}
		token.Cells(FortyEightDays, t0)
	}
}

func TestAClockSetBackForgetsTheTimeToCome(t *testing.T) {
	token := watched().Beat(Heartbeat{At: at(7200), Kind: Success}).Token
	token = token.Rewind(at(30)).Token
	if got := slotsOf(token, at(31)); got != "o" {
		t.Errorf("%q", got)
	}
	if got := slotsOf(token.Beat(Heartbeat{At: at(50), Kind: Success}).Token, at(51)); got != "oo" {
		t.Errorf("and the next heartbeat: %q", got)
	}
}

func TestATrackThatIsNone(t *testing.T) {
	good := []byte(watched().Beat(Heartbeat{At: at(60), Kind: Success}).Token.Track)
	if ParseTrack(good) != Track(good) || ParseTrack(nil) != "" {
		t.Error("a good one is not taken as it is")
	}
	more, many := slices.Clone(good), slices.Clone(good)
	more[8]++
	many[8] = MaxSlots + 1
	for name, bad := range map[string][]byte{"short": good[:50], "cut": good[:len(good)-1], "open": append(slices.Clone(good), 0x80), "without slots": good[:trackSlots], "fewer than it says": more, "too many": many} {
		if k := ParseTrack(bad); k != "" {
			t.Errorf("%s: taken for a track", name)
		}
	}
}
