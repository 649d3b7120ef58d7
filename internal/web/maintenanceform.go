package web

import (
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"kae"
)

// windowForm is what was typed about maintenance, and what is wrong with it.
type windowForm struct {
	Name                           string
	Pick                           pickForm
	From, To, Starts, Length, Zone string

	Errors map[string]string // by field
}

// windowFields is the order of the form.
var windowFields = []string{"name", "which", "tags", "tokens", "from", "to", "starts", "length", "zone"}

// Fields gives the form's fields by their names.
func (f windowForm) Fields() map[string]field {
	fields := map[string]field{}
	for _, v := range []field{
		{Name: "name", Label: "What is done?", Value: f.Name, Placeholder: "Database upgrade", Required: true},
		{Name: "which"},
		{Name: "tags", Label: "Tags", Value: f.Pick.Tags, Placeholder: "db prod", Code: true, Hint: "Tokens with any of them. Words with spaces or commas between them."},
		{Name: "tokens", Label: "Tokens", Value: f.Pick.Tokens, Placeholder: "Nightly backup", Long: true, Hint: "One a line: a name as the list has it, or a number such as #12."},
		{Name: "from", Label: "From", Value: f.From, Placeholder: "now", Code: true, Hint: "Now if it is empty; else such as 2026-11-28 22:00."},
		{Name: "to", Label: "Until", Value: f.To, Placeholder: "2h", Code: true, Hint: "For how long, such as 2h, or a time such as 2026-11-28 23:30."},
		{Name: "starts", Label: "It starts", Value: f.Starts, Placeholder: "Sun 02:00", Code: true, Hint: "By the clock, as “How often?” of a token: Sun 02:00, or 0 2 * * Sun."},
		{Name: "length", Label: "And lasts", Value: f.Length, Placeholder: "2h", Code: true, Hint: "Such as 90m or 2h."},
		{Name: "zone", Label: "Time zone", Value: f.Zone, Code: true, Hint: "By whose clock these times are: Europe/Madrid, UTC."},
	} {
		v.Says = says{Field: v.Name, Text: f.Errors[v.Name], Bad: f.Errors[v.Name] != ""}
		fields[v.Name] = v
	}
	for _, name := range windowFields {
		if v := fields[name]; v.Says.Bad {
			v.Focus = true
			fields[name] = v
			break
		}
	}
	return fields
}

// Again tells whether the fields of what comes again are to be seen at once.
func (f windowForm) Again() bool {
	return f.Starts+f.Length+f.Errors["starts"]+f.Errors["length"] != ""
}

// windowFormOf gives maintenance as it would be typed.
func (s *Server) windowFormOf(w kae.Window) windowForm {
	f := windowForm{Name: w.Name, Pick: s.pickFormOf(w.Pick), Zone: s.zoneOfNew().String()}
	if !w.Starts.IsZero() {
		f.Starts, f.Length, f.Zone = strings.ReplaceAll(w.Starts.String(), "\n", "; "), kae.FormatDuration(w.Length), w.Starts.Zone().String()
	} else if !w.From.IsZero() {
		typed := func(t time.Time) string {
			t = t.In(s.zoneOfNew())
			return t.Format(time.DateOnly) + " " + clockTime(t)
		}
		f.From, f.To = typed(w.From), typed(w.To)
	}
	return f
}

// readWindow takes what a form says over what holds already: absent fields
// keep their value. Its error is the first of those in the form.
func (s *Server) readWindow(sent url.Values, old kae.Window, now time.Time) (windowForm, kae.Window, error) {
	was := s.windowFormOf(old)
	r := windowReading{form: was, old: old, was: was, now: now, window: kae.Window{ID: old.ID, Pick: old.Pick}}
	r.form.Errors = map[string]string{}
	filled := func(fields ...string) bool {
		return slices.ContainsFunc(fields, func(field string) bool { return strings.TrimSpace(sent.Get(field)) != "" })
	}
	// Who says when it happens need not say that it is no more what it was.
	if filled("starts") && !sent.Has("from") && !sent.Has("to") {
		r.form.From, r.form.To = "", ""
	}
	if filled("from", "to") && !sent.Has("starts") && !sent.Has("length") {
		r.form.Starts, r.form.Length = "", ""
	}
	for field, typed := range map[string]*string{"name": &r.form.Name, "from": &r.form.From, "to": &r.form.To, "starts": &r.form.Starts, "length": &r.form.Length, "zone": &r.form.Zone} {
		if sent.Has(field) {
			*typed = strings.TrimSpace(sent.Get(field))
		}
	}
	r.window.Name = strings.Join(strings.Fields(r.form.Name), " ")
	if sent.Has("which") || sent.Has("tags") || sent.Has("tokens") {
		var err error
		r.window.Pick, r.form.Pick, err = s.pickOf(sent, "", old.Pick.Tokens)
		r.wrong("", err)
	}
	zone := s.zoneOfNew()
	if r.form.Zone != "" {
		named, err := kae.LoadZone(r.form.Zone)
		if r.wrong("", err); err == nil {
			zone = named
		}
	}
	again := r.form.Starts+r.form.Length != ""
	if again {
		r.again(zone)
	} else {
		r.once(zone)
	}
	for _, e := range r.window.Validate(now) {
		// What can't be read is none of both; and a choice of tokens is judged by pickOf.
		if e.Field != "pick" && !(again && (e.Field == "from" || e.Field == "to")) {
			r.wrong("", e)
		}
	}
	for _, field := range windowFields {
		if message := r.form.Errors[field]; message != "" {
			return r.form, r.window, &kae.Error{Code: kae.Invalid, Field: field, Message: message}
		}
	}
	return r.form, r.window, nil
}

// windowReading is a form of maintenance that is being read.
type windowReading struct {
	form   windowForm
	window kae.Window
	old    kae.Window
	was    windowForm // of that
	now    time.Time
}

// wrong writes down what is wrong with a field, by default that of the error;
// the first says most.
func (r *windowReading) wrong(field string, err error) {
	if e, ok := errors.AsType[*kae.Error](err); ok {
		if field == "" {
			field = e.Field
		}
		if r.form.Errors[field] == "" {
			r.form.Errors[field] = e.Message
		}
	}
}

func (r *windowReading) invalid(field, message string) {
	r.wrong(field, &kae.Error{Code: kae.Invalid, Message: message})
}

// once reads from when to when it happens. A time that was left as it was stays
// to the microsecond, and the hour of the two that a clock shows twice.
func (r *windowReading) once(zone *time.Location) {
	w, f := &r.window, r.form
	same := f.Zone == r.was.Zone
	switch at, ok := localTime(f.From, zone); {
	case f.From == "":
		w.From = r.now.Truncate(time.Second)
	case same && f.From == r.was.From:
		w.From = r.old.From
	case ok:
		w.From = at
	default:
		r.invalid("from", "Write when it begins, such as 2026-11-28 22:00, or nothing for now.")
	}
	long, err := kae.ParseDuration(f.To)
	switch at, ok := localTime(f.To, zone); {
	case same && f.To == r.was.To && f.To != "":
		w.To = r.old.To
	case ok:
		w.To = at
	case err == nil && strings.ContainsAny(f.To, "wdhms"): // a bare number is rather an hour
		w.To = w.From.Add(long)
	default:
		r.invalid("to", "Write when it ends, such as 2026-11-28 23:30, or for how long, such as 2h.")
	}
}

// again reads when it happens again and again.
func (r *windowReading) again(zone *time.Location) {
	w, f := &r.window, r.form
	const how = "Write when it begins by the clock, such as Sun 02:00 or 0 2 * * Sun."
	if f.From+f.To != "" {
		r.invalid("starts", "It happens once or again and again: leave “From” and “Until” empty, or these two.")
	}
	starts, err := kae.ParseSchedule(lines(f.Starts), zone)
	_, asLength := kae.ParseSchedule("every:"+f.Starts, zone)
	switch {
	case f.Starts == "":
		r.invalid("starts", how)
	case err != nil && asLength != nil && err.Error() == asLength.Error(): // it was taken for a length of time, which it can't be here
		r.invalid("starts", how)
	case err != nil:
		r.wrong("starts", err)
	case starts.Clock() && starts.Next(r.now).IsZero() && !starts.Equal(r.old.Starts):
		r.invalid("starts", fmt.Sprintf("This matches no time in the next %d years: it would never begin.", kae.Horizon))
	default:
		w.Starts = starts
	}
	if w.Length, err = kae.ParseDuration(f.Length); err != nil {
		r.invalid("length", "Write how long it lasts, such as 90m or 2h.")
	}
}

func (s *Server) editWindow(w http.ResponseWriter, r *http.Request) error {
	all := s.Alerts.Policy().Windows
	i, err := windowAt(r, all)
	if err != nil {
		return err
	}
	return s.html(w, r, http.StatusOK, "maintenance.html", s.windowPage(all[i], s.windowFormOf(all[i])))
}

// windowPage makes the page of an edit.
func (s *Server) windowPage(old kae.Window, f windowForm) maintenancePage {
	page := s.maintenancePage(f)
	page.ID, page.Edited, page.Heading = old.ID, s.windowView(old, s.clock()), "Edit "+old.Name
	page.Title = page.Heading + ", kae"
	return page
}

func (s *Server) createWindow(w http.ResponseWriter, r *http.Request) error {
	sent, err := readForm(w, r)
	if err != nil {
		return err
	}
	f, made, err := s.readWindow(sent, kae.Window{}, s.stamp())
	if err == nil {
		err = s.changeWindows(r.Context(), func(all []kae.Window, _ time.Time) ([]kae.Window, error) {
			made.ID = 1
			for _, other := range all {
				made.ID = max(made.ID, other.ID+1)
			}
			return append(all, made), nil
		})
	}
	if err != nil {
		return s.windowError(w, r, kae.Window{}, f, err)
	}
	return s.savedWindow(w, r, http.StatusCreated, made)
}

func (s *Server) changeWindow(w http.ResponseWriter, r *http.Request) error {
	sent, err := readForm(w, r)
	if err != nil {
		return err
	}
	var f windowForm
	var old, now kae.Window
	err = s.changeWindows(r.Context(), func(all []kae.Window, at time.Time) ([]kae.Window, error) {
		i, err := windowAt(r, all)
		if err != nil {
			return nil, err
		}
		old = all[i]
		if f, now, err = s.readWindow(sent, old, at); err != nil {
			return nil, err
		}
		all[i] = now
		return all, nil
	})
	if err != nil {
		return s.windowError(w, r, old, f, err)
	}
	return s.savedWindow(w, r, http.StatusOK, now)
}

// savedWindow answers with maintenance as it is now, or leads to the list.
func (s *Server) savedWindow(w http.ResponseWriter, r *http.Request, status int, saved kae.Window) error {
	v := s.windowView(saved, s.clock())
	if wantsJSON(r) {
		return s.json(w, r, status, v)
	}
	told := saved.Name + " is on. Channels hear nothing of " + s.pickWords(saved.Pick) + "."
	if v.State != "on" {
		told = "Saved " + saved.Name + ": it " + plain(v.Told) + "."
	}
	seeOther(w, "/maintenance?done="+s.notes.put(note{Text: told}, s.stamp()), told+"\n")
	return nil
}

// windowError shows the form again, with what was typed and what is wrong.
func (s *Server) windowError(w http.ResponseWriter, r *http.Request, old kae.Window, f windowForm, err error) error {
	code := kae.ErrorCode(err)
	if wantsJSON(r) || code != kae.Invalid && code != kae.Unavailable {
		return err
	}
	if f.Errors == nil { // the form was not even read
		return err
	}
	page := s.maintenancePage(f)
	if old.ID != 0 {
		page = s.windowPage(old, f)
	}
	status, message := reject(w, err)
	if e, ok := errors.AsType[*kae.Error](err); ok && f.Errors[e.Field] == "" {
		page.Problem = message
	}
	return s.html(w, r, status, "maintenance.html", page)
}
