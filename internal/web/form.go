package web

import (
	"errors"
	"fmt"
	"mime"
	"net/http"
	"net/url"
	"time"

	"kae"
)

const maxForm = 64 << 10 // bytes

// formPage is the page of a new token or of an edit.
type formPage struct {
	frame
	Token   *tokenView // nil for a new one
	Form    form
	Preview preview
	Problem string // what is wrong with no field in particular
}

func (s *Server) newForm(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query() // the short form hands over what was typed into it
	f, settings, _ := s.read(q, kae.Settings{}, s.stamp())
	page := s.formPage(nil, f, settings)
	page.Form.Errors = nil
	return s.html(w, r, http.StatusOK, "form.html", page)
}

func (s *Server) editForm(w http.ResponseWriter, r *http.Request) error {
	t, err := s.known(r)
	if err != nil {
		return err
	}
	v := view(t, s.clock(), s.base(r))
	return s.html(w, r, http.StatusOK, "form.html", s.formPage(&v, formOf(t.Settings()), t.Settings()))
}

func (s *Server) formPage(t *tokenView, f form, settings kae.Settings) formPage {
	c := s.clock()
	page := formPage{frame: s.frame(c), Token: t, Form: f, Preview: previewOf(f, settings, c)}
	page.Form.Words = page.Preview.Words
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
	f, settings, err := s.read(sent, kae.Settings{}, s.stamp())
	var t kae.Token
	if err == nil {
		t, err = s.Keeper.Create(r.Context(), settings)
	}
	if err != nil {
		return s.formError(w, r, nil, f, settings, err)
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
	var settings kae.Settings
	t, err := s.Keeper.Change(r.Context(), id, func(t kae.Token, now time.Time) (kae.Change, error) {
		if t.Removed() {
			return kae.Change{}, errRemoved
		}
		var err error
		if f, settings, err = s.read(sent, t.Settings(), now); err != nil {
			return kae.Change{}, err
		}
		return t.Edit(settings, now), nil
	})
	if err != nil && r.Context().Err() != nil {
		return err // the rule may be running still
	}
	if err != nil {
		return s.formError(w, r, &id, f, settings, err)
	}
	s.wake() // its tags may be others
	return s.changed(w, r, t)
}

// formError shows the form again, with what was typed and what is wrong.
func (s *Server) formError(w http.ResponseWriter, r *http.Request, id *int64, f form, settings kae.Settings, err error) error {
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
	page := s.formPage(v, f, settings)
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
	return readFormOf(w, r, maxForm)
}

// readFormOf reads one that may have so many bytes.
func readFormOf(w http.ResponseWriter, r *http.Request, limit int64) (url.Values, error) {
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type"))
	var err error
	switch {
	case kind == "application/x-www-form-urlencoded", kind == "" && r.ContentLength == 0:
		err = r.ParseForm()
	case kind == "multipart/form-data":
		err = r.ParseMultipartForm(limit)
	default:
		return nil, &kae.Error{Code: badMedia, Message: "Send a form: application/x-www-form-urlencoded or multipart/form-data."}
	}
	if _, ok := errors.AsType[*http.MaxBytesError](err); ok {
		return nil, &kae.Error{Code: tooLarge, Message: fmt.Sprintf("The form is too large: %d kB is the most.", limit>>10)}
	}
	if err != nil {
		return nil, &kae.Error{Code: badRequest, Message: "The form can’t be read: it is cut off or not encoded as one."}
	}
	return r.PostForm, nil
}
