package web

import (
	"net/http"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"kae"
)

// preview is what a schedule means, for those who are writing one.
type preview struct {
	Words string  `json:"words"` // "" where the schedule can't be read
	Zone  string  `json:"zone"`
	Grace int64   `json:"grace"` // seconds
	Next  []stamp `json:"next"`  // the next expected times
	Fires stamp   `json:"fires"` // when it would fire if nothing came at all

	Clock  bool     `json:"-"`
	Says   []says   `json:"-"` // what stands under each field
	Times  []moment `json:"-"`
	Rel    []moment `json:"-"`
	Firing []part   `json:"-"` // when it would fire, in words
}

const previewed = 5 // expected times

// liveFields are judged while they are typed.
var liveFields = []string{"interval", "grace", "zone", "fire_after"}

// preview answers what the fields of a form mean; it changes nothing.
func (s *Server) preview(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	f, settings, _ := s.read(q, kae.Settings{}, s.stamp())
	p := previewOf(f, settings, s.clock())
	if wantsJSON(r) {
		for _, name := range liveFields {
			if message := f.Errors[name]; message != "" {
				return &kae.Error{Code: kae.Invalid, Field: name, Message: message}
			}
		}
		return s.json(w, r, http.StatusOK, p)
	}
	f.Words = p.Words
	fields := f.Fields()
	for _, name := range liveFields {
		p.Says = append(p.Says, fields[name].Says)
	}
	return s.html(w, r, http.StatusOK, "previews", p)
}

// previewOf looks ahead from now on. Nothing is said of a schedule whose zone
// is wrong, nor when a token fires whose grace is.
func previewOf(f form, set kae.Settings, c clock) preview {
	sch := set.Schedule
	p := preview{Zone: sch.Zone().String(), Grace: int64(set.Grace / time.Second), Clock: sch.Clock(), Next: []stamp{}}
	if sch.IsZero() || f.Errors["zone"] != "" {
		return p
	}
	p.Words = capital(often(sch))
	if zone := zoneOf(sch); zone != "" {
		p.Words += ", " + zone
	}
	at := c.now
	for range previewed {
		if at = sch.Next(at); at.IsZero() {
			break
		}
		p.Next, p.Rel = append(p.Next, stamp(at)), append(p.Rel, c.rel(at))
		if sch.Clock() {
			p.Times = append(p.Times, c.in(sch.Zone()).slot(at))
		} else {
			p.Times = append(p.Times, c.at(at))
		}
	}
	if len(p.Next) == 0 || f.Errors["grace"] != "" || f.Errors["fire_after"] != "" {
		return p
	}
	t := kae.Token{Status: kae.Up}.With(set)
	t.Since = c.now
	fires := t.Settle().FiresAt()
	p.Fires, p.Firing = stamp(fires), wouldFire(set, fires, strings.TrimSpace(f.Grace) == "", c)
	return p
}

// wouldFire tells when a token would fire, and why not sooner.
func wouldFire(set kae.Settings, at time.Time, omitted bool, c clock) []part {
	if at.IsZero() {
		return []part{text("Its schedule ends before it could fire.")}
	}
	parts := []part{text("If nothing came, it would fire ")}
	if set.FireAfter > 1 {
		parts = []part{text("If nothing came, it would fire at the "), bold(ordinal(set.FireAfter) + " miss in a row"), text(", ")}
	}
	switch {
	case !set.Schedule.Clock() && set.Grace == 0:
		return append(parts, stress(c.rel(at)), text(": as soon as the time has passed. Counted from a heartbeat now."))
	case !set.Schedule.Clock():
		return append(parts, stress(c.rel(at)), text(", with "+length(set.Grace)+" of grace. Counted from a heartbeat now."))
	}
	slot := at.Add(-set.Grace).In(set.Schedule.Zone())
	when := c.in(set.Schedule.Zone()).slotHour(at)
	if set.FireAfter > 1 {
		when = c.in(set.Schedule.Zone()).slot(at)
	}
	parts = append(parts, text("at "), stress(when))
	switch {
	case omitted:
		return append(parts, text(": a clock time without a grace of its own gets ten minutes, because a job that starts at "+
			clockTime(slot)+" reports after it."))
	case set.Grace == 0:
		return append(parts, text(" sharp: without any grace a job that starts then has no time to report."))
	}
	return append(parts, text(", "+length(set.Grace)+" after its time."))
}

// capital begins a sentence.
func capital(s string) string {
	r, n := utf8.DecodeRuneInString(s)
	if n == 0 {
		return ""
	}
	return string(unicode.ToUpper(r)) + s[n:]
}
