package web

import (
	"errors"
	"net/url"
	"strconv"
	"strings"
	"time"

	"kae"
)

// form is what was typed, as it was typed, and what is wrong with it.
type form struct {
	Name, Interval, Zone, Grace, Tags, Description  string
	MaxRun, FireAfter, BodyHas, BodyLacks, PostOnly string

	Errors map[string]string // by field
	Words  string            // what the interval means
}

// formFields is the order of the form.
var formFields = []string{"name", "interval", "grace", "zone", "tags", "description", "max_run", "fire_after", "body_has", "body_lacks", "post_only"}

// field is one field of the form as the page shows it.
type field struct {
	Name, Label, Value, Placeholder, Hint string

	Auto     string   // what browsers may fill in; "": nothing
	Examples []string // to be taken at a press
	Optional bool
	Required bool
	Long     bool     // several lines
	Code     bool     // not prose: no spelling
	Live     bool     // judged while it is typed
	Secret   bool     // not readable over a shoulder
	Kept     bool     // a secret that is set: empty, it stays as it is
	Forget   bool     // and that may be taken away
	Choices  []string // to choose from; nil: it is typed
	Says     says
	Focus    bool // the first that is wrong
}

// says is what stands under a field: what is wrong with it, or what it means.
type says struct {
	Field string
	Text  string
	Bad   bool
}

// Fields gives the form's fields by their names.
func (f form) Fields() map[string]field {
	const length = "Such as 90s, 10m or 1h30m; a bare number is seconds."
	fields := map[string]field{}
	for _, v := range []field{
		{Name: "name", Label: "Name", Value: f.Name, Placeholder: "Nightly backup", Required: true},
		{Name: "interval", Label: "How often?", Value: f.Interval, Code: true, Live: true, Hint: "Daily if it is empty. Write it your way:", Examples: examples},
		{Name: "grace", Label: "Grace", Value: f.Grace, Optional: true, Code: true, Live: true,
			Hint: "How much later is still fine: 90s, 15m. If you leave it out: ten minutes for clock times, none for a length of time."},
		{Name: "zone", Label: "Time zone", Value: f.Zone, Code: true, Live: true, Hint: "For clock times only: Europe/Madrid, UTC."},
		{Name: "tags", Label: "Tags", Value: f.Tags, Placeholder: "db prod", Optional: true, Code: true, Hint: "Words with spaces or commas between them."},
		{Name: "description", Label: "Description", Value: f.Description, Placeholder: "What it does, and what to do when it fires", Optional: true, Long: true},
		{Name: "max_run", Label: "Maximum run time", Value: f.MaxRun, Optional: true, Code: true,
			Hint: "For jobs that tell when they start: one that has not ended by then fires, and one that runs is not missed. " + length},
		{Name: "fire_after", Label: "Misses in a row until it fires", Value: f.FireAfter, Placeholder: "1", Optional: true, Code: true, Live: true,
			Hint: "Misses and failures count together; a success begins anew. Unless you say otherwise the first fires."},
		{Name: "body_has", Label: "The body must contain", Value: f.BodyHas, Optional: true, Code: true,
			Hint: "A success without this text counts as a failure."},
		{Name: "body_lacks", Label: "The body must not contain", Value: f.BodyLacks, Optional: true, Code: true,
			Hint: "A success with this text counts as a failure."},
		{Name: "post_only", Label: "Take POST and PUT only", Value: f.PostOnly,
			Hint: "Link previews and scanners send GET; with this they are refused."},
	} {
		v.Says = says{Field: v.Name, Text: f.Errors[v.Name], Bad: f.Errors[v.Name] != ""}
		if v.Name == "interval" && !v.Says.Bad {
			v.Says.Text = f.Words
		}
		fields[v.Name] = v
	}
	for _, name := range formFields {
		if v := fields[name]; v.Says.Bad {
			v.Focus = true
			fields[name] = v
			break
		}
	}
	return fields
}

// examples are ways to say how often.
var examples = []string{"3600", "30m", "1h30m", "daily", "0 3 * * *", "Mon..Fri 06:00"}

// Rules tells whether the less usual fields are to be seen at once.
func (f form) Rules() bool {
	for _, name := range formFields[6:] {
		if f.Errors[name] != "" {
			return true
		}
	}
	return f.MaxRun+f.FireAfter+f.BodyHas+f.BodyLacks != "" || f.PostOnly == "yes"
}

// read takes what a form says over what holds already: absent fields keep
// their value. Its error is the first of those in the form.
func (s *Server) read(sent url.Values, old kae.Settings, now time.Time) (form, kae.Settings, error) {
	r := reading{sent: sent, form: formOf(old), now: old}
	r.form.Errors = map[string]string{}
	if old.Schedule.IsZero() {
		r.form.Zone = s.zoneOfNew().String()
	}
	if r.take("name", &r.form.Name) {
		r.now.Name = strings.TrimSpace(r.form.Name)
	}
	if r.take("description", &r.form.Description) {
		// Browsers send CRLF.
		r.now.Description = strings.TrimSpace(strings.ReplaceAll(r.form.Description, "\r\n", "\n"))
	}
	if r.take("tags", &r.form.Tags) {
		r.now.Tags = kae.ParseTags(r.form.Tags)
	}
	r.schedule(old, s.zoneOfNew(), now)
	r.rules()
	for _, e := range (kae.Token{}).With(r.now).Validate() {
		r.wrong(e)
	}
	for _, field := range formFields {
		if message := r.form.Errors[field]; message != "" {
			return r.form, r.now, &kae.Error{Code: kae.Invalid, Field: field, Message: message}
		}
	}
	return r.form, r.now, nil
}

// zoneOfNew is the time zone of tokens whose maker names none.
func (s *Server) zoneOfNew() *time.Location {
	if s.Zone == nil {
		return time.UTC
	}
	return s.Zone
}

// reading is a form that is being read.
type reading struct {
	sent url.Values
	form form
	now  kae.Settings
}

// take gives what was typed into a field, if the field was sent. Of several
// the last counts: a checkbox stands behind the hidden field that says no.
func (r *reading) take(field string, typed *string) bool {
	values := r.sent[field]
	if len(values) == 0 {
		return false
	}
	*typed = values[len(values)-1]
	return true
}

// wrong writes down what is wrong with a field; the first says most.
func (r *reading) wrong(err error) {
	if e, ok := errors.AsType[*kae.Error](err); ok && r.form.Errors[e.Field] == "" {
		r.form.Errors[e.Field] = e.Message
	}
}

// usual is how often a heartbeat is expected where nobody says it: most jobs
// run once a day.
const usual = "1d"

// schedule reads how often, in which zone, and with how much grace.
func (r *reading) schedule(old kae.Settings, zone *time.Location, now time.Time) {
	creating := old.Schedule.IsZero()
	if !creating {
		zone = old.Schedule.Zone()
	}
	often, moved := r.take("interval", &r.form.Interval), r.take("zone", &r.form.Zone)
	if name := strings.TrimSpace(r.form.Zone); moved && name != "" && name != zone.String() {
		found, err := kae.LoadZone(name)
		if err == nil {
			zone = found
		}
		r.wrong(err)
	}
	if often || moved || creating {
		r.now.Schedule = kae.Schedule{}
		text := lines(r.form.Interval)
		if text == "" {
			text = usual
		}
		parsed, err := kae.ParseSchedule(text, zone)
		// What has held so far may go on, even if it has ended.
		if err == nil && !parsed.Equal(old.Schedule) {
			err = parsed.Check(now)
		}
		if err == nil {
			r.now.Schedule = parsed
		}
		r.wrong(err)
	}
	sent := r.take("grace", &r.form.Grace)
	switch empty := strings.TrimSpace(r.form.Grace) == ""; {
	case !sent && !creating:
		return
	case empty:
		r.now.Grace = r.now.Schedule.DefaultGrace()
		return
	}
	grace, err := kae.ParseGrace(r.form.Grace)
	r.now.Grace = grace
	r.wrong(err)
}

// lines gives an expression as [kae.ParseSchedule] reads it: where there is
// one line to type, a semicolon stands between several.
func lines(typed string) string {
	parts := strings.Split(typed, ";")
	for i := range parts {
		parts[i] = strings.TrimSpace(parts[i])
	}
	return strings.TrimSpace(strings.Join(parts, "\n"))
}

// localLayout is how people write a time by the clock.
const localLayout = "2006-01-02 15:04"

// localTime reads a time by the clock of a zone, unless it says itself how far
// it is from UTC.
func localTime(typed string, zone *time.Location) (time.Time, bool) {
	typed = strings.Replace(strings.Join(strings.Fields(typed), " "), "T", " ", 1)
	for _, layout := range []string{localLayout, "2006-01-02 15:04:05", "2006-01-02 15:04Z07:00", "2006-01-02 15:04:05Z07:00"} {
		if t, err := time.ParseInLocation(layout, typed, zone); err == nil {
			return t.UTC().Truncate(time.Microsecond), true
		}
	}
	return time.Time{}, false
}

// rules reads the less usual fields.
func (r *reading) rules() {
	invalid := func(field, message string) { r.wrong(&kae.Error{Code: kae.Invalid, Field: field, Message: message}) }
	if r.take("max_run", &r.form.MaxRun) {
		r.now.MaxRun = 0
		if text := strings.TrimSpace(r.form.MaxRun); text != "" {
			most, err := kae.ParseDuration(text)
			if r.now.MaxRun = most; err != nil {
				invalid("max_run", "Write the maximum run time as a length of time such as 90s, 30m, 1h30m or 2d; a bare number is seconds.")
			}
		}
	}
	if r.take("fire_after", &r.form.FireAfter) {
		r.now.FireAfter = 0
		if text := strings.TrimSpace(r.form.FireAfter); text != "" {
			n, err := strconv.ParseUint(text, 10, 31)
			if r.now.FireAfter = int(n); err != nil {
				invalid("fire_after", "Write a number of misses in a row, such as 3.")
			}
		}
	}
	if r.take("body_has", &r.form.BodyHas) {
		r.now.BodyHas = strings.TrimSpace(r.form.BodyHas)
	}
	if r.take("body_lacks", &r.form.BodyLacks) {
		r.now.BodyLacks = strings.TrimSpace(r.form.BodyLacks)
	}
	if r.take("post_only", &r.form.PostOnly) {
		switch strings.ToLower(strings.TrimSpace(r.form.PostOnly)) {
		case "yes", "true", "on", "1":
			r.now.PostOnly, r.form.PostOnly = true, "yes"
		case "no", "false", "off", "0", "":
			r.now.PostOnly, r.form.PostOnly = false, "no"
		default:
			invalid("post_only", "Write yes or no.")
		}
	}
}

// formOf gives settings as they would be typed.
func formOf(s kae.Settings) form {
	f := form{
		Name: s.Name, Interval: strings.ReplaceAll(s.Schedule.String(), "\n", "; "), Zone: s.Schedule.Zone().String(), Grace: kae.FormatDuration(s.Grace),
		Tags: strings.Join(s.Tags, " "), Description: s.Description,
		MaxRun: kae.FormatDuration(s.MaxRun), BodyHas: s.BodyHas, BodyLacks: s.BodyLacks, PostOnly: "no",
	}
	if s.Grace == 0 && s.Schedule.Clock() {
		f.Grace = "0" // nothing would be the ten minutes of clock times
	}
	if s.FireAfter > 1 {
		f.FireAfter = strconv.Itoa(s.FireAfter)
	}
	if s.PostOnly {
		f.PostOnly = "yes"
	}
	return f
}
