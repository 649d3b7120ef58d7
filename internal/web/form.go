package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"

	"kae"
)

const maxForm = 64 << 10 // bytes

// formFields is the order of the form.
var formFields = []string{"name", "interval", "grace", "tags", "description"}

// form is what was typed, as it was typed, and what is wrong with it.
type form struct {
	Name, Interval, Grace, Tags, Description string
	Errors                                   map[string]string // by field
}

// field is one field of the form as the page shows it.
type field struct {
	Name, Label, Value, Placeholder, Hint, Error string

	Optional bool
	Long     bool // several lines
	Code     bool // not prose: no spelling
	Focus    bool // the first that is wrong
}

// Fields gives the form field by field.
func (f form) Fields() []field {
	fields := []field{
		{Name: "name", Label: "Name", Value: f.Name, Placeholder: "Nightly backup"},
		{Name: "interval", Label: "How often?", Value: f.Interval, Placeholder: "1d", Code: true,
			Hint: "A heartbeat comes at least this often: 30m, 1h30m, 1d, 1w. A bare number is seconds."},
		{Name: "grace", Label: "Grace", Value: f.Grace, Placeholder: "0", Optional: true, Code: true,
			Hint: "How much later is still fine: 90s, 10m. Without it the token fires as soon as the time has passed."},
		{Name: "tags", Label: "Tags", Value: f.Tags, Placeholder: "db prod", Optional: true, Code: true,
			Hint: "Words with spaces or commas between them."},
		{Name: "description", Label: "Description", Value: f.Description, Placeholder: "What it does, and what to do when it fires", Optional: true, Long: true},
	}
	focus := true
	for i := range fields {
		if e := f.Errors[fields[i].Name]; e != "" {
			fields[i].Error, fields[i].Focus, focus = e, focus, false
		}
	}
	return fields
}

// formPage is the page of a new token or of an edit.
type formPage struct {
	frame
	Token   *tokenView // nil for a new one
	Form    form
	Problem string // what is wrong with no field in particular
}

func (s *Server) newForm(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query() // the short form hands over what was typed into it
	f, _, _ := readSettings(q, kae.Settings{})
	f.Errors = nil
	return s.html(w, r, http.StatusOK, "form.html", s.formPage(nil, f))
}

func (s *Server) editForm(w http.ResponseWriter, r *http.Request) error {
	t, err := s.known(r)
	if err != nil {
		return err
	}
	v := view(t, s.clock(), s.base(r))
	return s.html(w, r, http.StatusOK, "form.html", s.formPage(&v, formOf(t.Settings())))
}

func (s *Server) formPage(t *tokenView, f form) formPage {
	page := formPage{frame: s.frame(s.clock()), Token: t, Form: f}
	page.Title = "New token, kae"
	if t != nil {
		page.Title = "Edit " + t.Name + ", kae"
	}
	return page
}

func (s *Server) create(w http.ResponseWriter, r *http.Request) error {
	sent, err := readForm(w, r)
	if err != nil {
		return err
	}
	f, settings, err := readSettings(sent, kae.Settings{})
	var t kae.Token
	if err == nil {
		t, err = s.Keeper.Create(r.Context(), settings)
	}
	if err != nil {
		return s.formError(w, r, nil, f, err)
	}
	v := view(t, s.clock(), s.base(r))
	if wantsJSON(r) {
		return s.json(w, r, http.StatusCreated, v)
	}
	seeOther(w, fmt.Sprintf("/tokens/%d", t.ID), fmt.Sprintf("Created. Heartbeats go to %s\n", v.URL))
	return nil
}

func (s *Server) edit(w http.ResponseWriter, r *http.Request) error {
	id, err := pathID(r, "id")
	if err != nil {
		return err
	}
	sent, err := readForm(w, r)
	if err != nil {
		return err
	}
	var f form
	t, err := s.Keeper.Change(r.Context(), id, func(t kae.Token, now time.Time) (kae.Change, error) {
		if t.Removed() {
			return kae.Change{}, errRemoved
		}
		var settings kae.Settings
		var err error
		if f, settings, err = readSettings(sent, t.Settings()); err != nil {
			return kae.Change{}, err
		}
		return t.Edit(settings, now), nil
	})
	if err != nil && r.Context().Err() != nil {
		return err // the rule may be running still
	}
	if err != nil {
		return s.formError(w, r, &id, f, err)
	}
	return s.changed(w, r, t)
}

// formError shows the form again, with what was typed and what is wrong.
func (s *Server) formError(w http.ResponseWriter, r *http.Request, id *int64, f form, err error) error {
	code := kae.ErrorCode(err)
	if wantsJSON(r) || code != kae.Invalid && code != kae.Unavailable {
		return err
	}
	var v *tokenView
	if id != nil {
		t, ok := s.Roster.Get(*id)
		if !ok {
			return err
		}
		if f.Errors == nil && code == kae.Unavailable {
			return err // the form was not even read
		}
		tv := view(t, s.clock(), s.base(r))
		v = &tv
	}
	page := s.formPage(v, f)
	status, message := reject(w, err)
	if code == kae.Unavailable {
		page.Problem = message
	} else if e, ok := errors.AsType[*kae.Error](err); ok && f.Errors[e.Field] == "" {
		page.Problem = message
	}
	return s.html(w, r, status, "form.html", page)
}

// readForm reads the body of a POST.
func readForm(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	switch kind {
	case "application/x-www-form-urlencoded", "":
		err = r.ParseForm()
	case "multipart/form-data":
		err = r.ParseMultipartForm(maxForm)
	default:
		return nil, &kae.Error{Code: badMedia, Message: "Send a form: application/x-www-form-urlencoded or multipart/form-data."}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &kae.Error{Code: tooLarge, Message: "The form is too large: 64 kB is the most."}
	}
	if err != nil {
		return nil, &kae.Error{Code: badRequest, Message: "The form can’t be read: it is cut off or not encoded as one."}
	}
	return r.PostForm, nil
}

// readSettings takes what a form says over what holds already: absent fields
// keep their value. Its error is the first of those in the form.
func readSettings(sent url.Values, old kae.Settings) (form, kae.Settings, error) {
	f, now := formOf(old), old
	f.Errors = map[string]string{}
	take := func(field string, typed *string) bool {
		if !sent.Has(field) {
			return false
		}
		*typed = sent.Get(field)
		return true
	}
	if take("name", &f.Name) {
		now.Name = strings.TrimSpace(f.Name)
	}
	if take("description", &f.Description) {
		// Browsers send CRLF.
		now.Description = strings.TrimSpace(strings.ReplaceAll(f.Description, "\r\n", "\n"))
	}
	if take("tags", &f.Tags) {
		now.Tags = kae.ParseTags(f.Tags)
	}
	parse := func(err error) {
		if e, ok := errors.AsType[*kae.Error](err); ok {
			f.Errors[e.Field] = e.Message
		}
	}
	if take("interval", &f.Interval) {
		var err error
		if now.Schedule, err = kae.ParseSchedule(f.Interval, nil); strings.TrimSpace(f.Interval) != "" {
			parse(err)
		}
	}
	if take("grace", &f.Grace) {
		var err error
		now.Grace, err = kae.ParseGrace(f.Grace)
		parse(err)
	}
	for _, e := range (kae.Token{}).With(now).Validate() {
		if f.Errors[e.Field] == "" { // else what could not be parsed says more
			f.Errors[e.Field] = e.Message
		}
	}
	for _, field := range formFields {
		if message := f.Errors[field]; message != "" {
			return f, now, &kae.Error{Code: kae.Invalid, Field: field, Message: message}
		}
	}
	return f, now, nil
}

// formOf gives settings as they would be typed.
func formOf(s kae.Settings) form {
	return form{
		Name: s.Name, Interval: s.Schedule.String(), Grace: written(s.Grace),
		Tags: strings.Join(s.Tags, " "), Description: s.Description,
	}
}
