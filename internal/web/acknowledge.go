package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kae"
)

// Why a firing is not acknowledged.
var (
	errCalm  = &kae.Error{Code: conflict, Message: "It does not fire now, so there is nothing to acknowledge."}
	errNewer = &kae.Error{Code: conflict, Message: "That firing is over, and another one has begun since. Nothing was changed: look at what stands here, and say it again."}
)

// ackPage is where a message's link leads. It only asks: mail scanners follow
// links.
type ackPage struct {
	frame
	Token    tokenView
	Sentence []part
	Problem  string // what is wrong with no field in particular

	Fires  bool
	Since  []part // since when
	Fired  string // when the firing began that is looked at, as the form sends it
	Ack    []part // who looks after it; nil: nobody
	Why    field
	By     field
	Snooze []part // until when it is snoozed; nil: it is not
	Naps   []nap
	Until  field
}

// nap is a snooze at a press.
type nap struct{ Until, Label string }

// asksAck tells whether the form of an acknowledgement is there.
func (p ackPage) asksAck() bool { return p.Fires && p.Ack == nil }

func (s *Server) ackForm(w http.ResponseWriter, r *http.Request) error {
	t, err := s.known(r)
	if err != nil {
		return err
	}
	if wantsJSON(r) {
		return s.json(w, r, http.StatusOK, view(t, s.clock(), s.base(r)))
	}
	return s.html(w, r, http.StatusOK, "acknowledge.html", s.ackPage(r.Context(), t, s.base(r), nil, nil))
}

// ackPage makes the page: with what was typed and what is wrong, if it was
// sent before.
func (s *Server) ackPage(ctx context.Context, t kae.Token, base string, sent url.Values, err error) ackPage {
	c := s.clock()
	zone := t.Schedule.Zone()
	page := ackPage{
		frame: s.frame(c), Token: view(t, c, base), Fires: t.Status == kae.Firing && !t.Removed(), Fired: iso(t.FlippedAt),
		Ack: lookedAfter(t, c), Snooze: snoozed(t, c), Naps: naps(c.now, zone),
		By:  byField(),
		Why: whyField(),
		Until: field{Name: "until", Label: "For how long, or until when", Placeholder: "2h", Code: true, Required: true,
			Hint: fmt.Sprintf("Such as 90m, 3d or 2026-11-28 09:00, by the clock of %s; at most %d days.", zone, maxSnoozeDays)},
	}
	page.Title = "Acknowledge or snooze " + t.Name + ", kae"
	past, readErr := s.pastOf(ctx, t, nil, kae.History{})
	if readErr != nil {
		s.Log.Warn("a history can't be read", "err", readErr)
		page.Sentence = meaning(t, known{}, c)
	} else {
		page.Sentence = meaning(t, knownOf(t, past), c)
	}
	page.Since = []part{text("It fires since "), stress(c.at(t.FlippedAt)), text(", "), when(c.rel(t.FlippedAt)), text(".")}

	fields := map[string]*field{"until": &page.Until}
	if page.asksAck() {
		fields["by"], fields["why"] = &page.By, &page.Why
	}
	for name, f := range fields {
		f.Value = sent.Get(name)
		f.Says.Field = name
	}
	for _, e := range faults(err) {
		if f := fields[e.Field]; f != nil && !t.Removed() {
			f.Says = says{Field: e.Field, Text: e.Message, Bad: true}
		} else {
			page.Problem = e.Message
		}
	}
	for _, name := range []string{"by", "why", "until"} {
		if f := fields[name]; f != nil && f.Says.Bad {
			f.Focus = true
			break
		}
	}
	return page
}

func byField() field {
	return field{Name: "by", Label: "Who looks after it?", Placeholder: "Ana", Auto: "name", Required: true}
}

func whyField() field {
	return field{Name: "why", Label: "What is there to say?", Placeholder: "on it", Optional: true}
}

// naps are the snoozes that people want most: a while, until the morning, or
// long enough for somebody else to be there.
func naps(now time.Time, zone *time.Location) []nap {
	const short = 4 * time.Hour
	local := now.In(zone)
	y, m, d := local.Date()
	morning := time.Date(y, m, d, 9, 0, 0, 0, zone)
	label := "Until 09:00"
	if morning.Sub(now) <= short {
		morning, label = time.Date(y, m, d+1, 9, 0, 0, 0, zone), "Until tomorrow 09:00"
	}
	return []nap{{"1h", "1 hour"}, {"4h", "4 hours"}, {morning.Format(localLayout), label}, {"1d", "1 day"}, {"1w", "1 week"}}
}

// said handles what is said about a token on that page. Who brings alerts to
// channels looks again at what waits.
func (s *Server) said(word func(sent url.Values) rule) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r, "id")
		if err != nil {
			return err
		}
		sent, err := readForm(w, r)
		if err != nil {
			return err
		}
		t, err := s.Keeper.Change(r.Context(), id, word(sent))
		if err != nil {
			return s.ackError(w, r, id, sent, err)
		}
		s.wake()
		return s.changed(w, r, t)
	}
}

// wake has what waits for channels judged anew.
func (s *Server) wake() {
	if s.Alerts != nil {
		s.Alerts.Wake()
	}
}

// ackError shows the page again, with what was typed and what is wrong.
func (s *Server) ackError(w http.ResponseWriter, r *http.Request, id int64, sent url.Values, err error) error {
	code := kae.ErrorCode(err)
	t, ok := s.Roster.Get(id)
	if !ok || wantsJSON(r) || r.Context().Err() != nil || code != kae.Invalid && code != kae.Unavailable && code != conflict {
		return err
	}
	status, _ := reject(w, err)
	return s.html(w, r, status, "acknowledge.html", s.ackPage(r.Context(), t, s.base(r), sent, err))
}

// acknowledge makes the rule by which somebody looks after a firing.
func acknowledge(sent url.Values) rule {
	ack := ackOf(sent)
	return func(t kae.Token, now time.Time) (kae.Change, error) {
		if err := meant(t, sent); err != nil {
			return kae.Change{}, err
		}
		if t.Status != kae.Firing {
			return kae.Change{}, errCalm
		}
		if err := ackFault(ack); err != nil {
			return kae.Change{}, err
		}
		return t.Acknowledge(ack.By, ack.Why, now), nil
	}
}

// takeBack makes the rule by which nobody does any more.
func takeBack(sent url.Values) rule {
	return func(t kae.Token, now time.Time) (kae.Change, error) {
		if err := meant(t, sent); err != nil {
			return kae.Change{}, err
		}
		return t.TakeBack(now), nil
	}
}

// snooze makes the rule by which channels hear nothing of a token for a while.
func snooze(sent url.Values) rule {
	return func(t kae.Token, now time.Time) (kae.Change, error) {
		if t.Removed() {
			return kae.Change{}, errRemoved
		}
		until, err := snoozeEnd(sent.Get("until"), t.Schedule.Zone(), now)
		if err != nil {
			return kae.Change{}, err
		}
		return t.Snooze(until), nil
	}
}

// meant tells whether a form is about the firing that goes on. One that does
// not say which it is about means that.
func meant(t kae.Token, sent url.Values) error {
	if t.Removed() {
		return errRemoved
	}
	typed := sent.Get("fired")
	if typed == "" || t.Status != kae.Firing {
		return nil
	}
	fired, err := time.Parse(time.RFC3339, typed)
	if err != nil {
		return &kae.Error{Code: kae.Invalid, Field: "fired", Message: "When the firing began (fired) is written as 2026-11-24T03:00:00Z."}
	}
	if !fired.Equal(t.FlippedAt) {
		return errNewer
	}
	return nil
}

// ackOf reads who looks after it, and what there is to say.
func ackOf(sent url.Values) kae.Ack {
	oneLine := func(name string) string { return strings.Join(strings.Fields(sent.Get(name)), " ") }
	return kae.Ack{By: oneLine("by"), Why: oneLine("why")}
}

func ackFault(ack kae.Ack) error {
	var errs []error
	for _, e := range ack.Validate() {
		errs = append(errs, e)
	}
	return errors.Join(errs...)
}

const maxSnoozeDays = int(kae.MaxSnooze / (24 * time.Hour))

// snoozeEnd reads until when a token is snoozed: for a length of time from now
// on, or until a time by the clock of a zone. Nothing and 0 are the zero time:
// it is not.
func snoozeEnd(typed string, zone *time.Location, now time.Time) (until time.Time, err error) {
	typed = strings.TrimSpace(typed)
	if typed == "" {
		return time.Time{}, nil
	}
	if d, err := kae.ParseDuration(typed); err == nil {
		if d == 0 {
			return time.Time{}, nil
		}
		until = now.Add(d)
	}
	if at, ok := localTime(typed, zone); ok {
		until = at
	}
	wrong := func(format string, args ...any) (time.Time, error) {
		return time.Time{}, &kae.Error{Code: kae.Invalid, Field: "until", Message: fmt.Sprintf(format, args...)}
	}
	switch {
	case until.IsZero():
		return wrong("Write a length of time such as 90m, 2h or 3d, or a time such as 2026-11-28 09:00.")
	case !until.After(now):
		return wrong("That time is over: by the clock of %s it is %s.", zone, now.In(zone).Format(localLayout))
	case until.Sub(now) > kae.MaxSnooze:
		return wrong("A token can be snoozed for %d days at most. One that is not needed for longer can be disabled.", maxSnoozeDays)
	}
	return until, nil
}
