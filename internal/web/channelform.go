package web

import (
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"kae"
	"kae/internal/notify"
)

// channelForm is the page of a new channel or of an edit.
type channelForm struct {
	frame
	ID      int64         // 0: a new one
	Heading string        // what is made or edited
	Kinds   []notify.Kind // to choose from, while none is chosen
	Kind    notify.Kind
	Fields  []field
	Problem string // what is wrong with no field in particular
}

// kindsPage tells programs what can be made.
type kindsPage struct {
	Kinds []kindView `json:"kinds"`
}

type kindView struct {
	Name   string        `json:"name"`
	Label  string        `json:"label"`
	About  string        `json:"about"`
	Fields []settingView `json:"fields"`
}

type settingView struct {
	Name     string `json:"name"`
	Label    string `json:"label"`
	Hint     string `json:"hint"`
	Secret   bool   `json:"secret"`
	Required bool   `json:"required"`
	Long     bool   `json:"long"`

	Choices []string `json:"choices"` // the usual first; null: anything
}

func (s *Server) newChannel(w http.ResponseWriter, r *http.Request) error {
	if wantsJSON(r) {
		page := kindsPage{Kinds: []kindView{}}
		for _, k := range s.Alerts.Kinds() {
			v := kindView{Name: k.Name, Label: k.Label, About: k.About, Fields: []settingView{}}
			for _, f := range k.Fields {
				v.Fields = append(v.Fields, settingView{f.Name, f.Label, f.Hint, f.Secret, f.Required, f.Long, f.Choices})
			}
			page.Kinds = append(page.Kinds, v)
		}
		return s.json(w, r, http.StatusOK, page)
	}
	q := r.URL.Query()
	if q.Get("kind") == "" {
		return s.html(w, r, http.StatusOK, "channelform.html", s.choice(nil))
	}
	k, err := s.kindNamed(q.Get("kind"))
	if err != nil {
		return s.channelError(w, r, kae.Channel{}, k, nil, err)
	}
	return s.html(w, r, http.StatusOK, "channelform.html", s.channelForm(kae.Channel{}, k, nil, nil))
}

func (s *Server) editChannel(w http.ResponseWriter, r *http.Request) error {
	ch, err := s.channelOf(r)
	if err != nil {
		return err
	}
	return s.html(w, r, http.StatusOK, "channelform.html", s.channelForm(ch, s.kind(ch.Kind), nil, nil))
}

func (s *Server) createChannel(w http.ResponseWriter, r *http.Request) error {
	sent, err := readForm(w, r)
	if err != nil {
		return err
	}
	k, err := s.kindNamed(sent.Get("kind"))
	if err != nil {
		return s.channelError(w, r, kae.Channel{}, k, sent, err)
	}
	return s.putChannel(w, r, kae.Channel{Kind: k.Name}, k, sent)
}

func (s *Server) changeChannel(w http.ResponseWriter, r *http.Request) error {
	ch, err := s.channelOf(r)
	if err != nil {
		return err
	}
	sent, err := readForm(w, r)
	if err != nil {
		return err
	}
	return s.putChannel(w, r, ch, s.kind(ch.Kind), sent)
}

// putChannel writes a channel as a form says it.
func (s *Server) putChannel(w http.ResponseWriter, r *http.Request, old kae.Channel, k notify.Kind, sent url.Values) error {
	saved, err := s.Alerts.Put(r.Context(), drafted(sent, old, k))
	if err != nil {
		return s.channelError(w, r, old, k, sent, err)
	}
	status, told := http.StatusOK, "Done.\n"
	if old.ID == 0 {
		status, told = http.StatusCreated, "Created.\n"
	}
	if wantsJSON(r) {
		return s.json(w, r, status, s.channelView(r.Context(), saved, s.clock()))
	}
	seeOther(w, fmt.Sprintf("/channels/%d", saved.ID), told)
	return nil
}

// kindNamed finds the kind that a form asks for.
func (s *Server) kindNamed(name string) (notify.Kind, error) {
	kinds := s.Alerts.Kinds()
	names := make([]string, len(kinds))
	for i, k := range kinds {
		if names[i] = k.Name; k.Name == name {
			return k, nil
		}
	}
	return notify.Kind{}, &kae.Error{Code: kae.Invalid, Field: "kind", Message: "The kind of a channel is " + oneOf(names) + "."}
}

// drafted takes what a form says over what holds already: fields that were not
// sent keep their value, and so do secrets that were sent empty, unless they
// are to be forgotten.
func drafted(sent url.Values, old kae.Channel, k notify.Kind) kae.Channel {
	now := old
	now.Settings = map[string]string{}
	maps.Copy(now.Settings, old.Settings)
	if sent.Has("name") {
		now.Name = strings.TrimSpace(sent.Get("name"))
	}
	for _, f := range k.Fields {
		// Browsers send CRLF.
		value := strings.TrimSpace(strings.ReplaceAll(sent.Get(f.Name), "\r\n", "\n"))
		forget := f.Secret && slices.Contains(sent["forget"], f.Name)
		kept := !sent.Has(f.Name) || f.Secret && value == ""
		switch {
		case value != "":
			now.Settings[f.Name] = value
		case forget || !kept:
			delete(now.Settings, f.Name)
		}
	}
	return now
}

// channelForm makes the form of a channel: with what was typed, if it was sent
// before. A secret that is saved is never in it.
func (s *Server) channelForm(ch kae.Channel, k notify.Kind, sent url.Values, wrong map[string]string) channelForm {
	page := channelForm{frame: s.frame(s.clock()), ID: ch.ID, Kind: k, Heading: "New channel: " + k.Label}
	if ch.ID != 0 {
		page.Heading = "Edit " + ch.Name
	}
	page.Title, page.Where = page.Heading+", kae", "form"
	page.Fields = []field{{Name: "name", Label: "Name", Value: ch.Name, Placeholder: "on call", Required: true}}
	for _, f := range k.Fields {
		v := field{Name: f.Name, Label: f.Label, Hint: f.Hint, Value: ch.Settings[f.Name], Optional: !f.Required, Required: f.Required, Long: f.Long, Code: true, Secret: f.Secret, Choices: f.Choices}
		if f.Choices != nil { // a menu has something chosen, always
			v.Hint, v.Optional = "", false
		}
		if f.Secret {
			v.Hint = strings.TrimPrefix(v.Hint+"; or file:/path, or env:NAME", "; ")
		}
		if f.Secret && v.Value != "" {
			v.Value, v.Required, v.Optional, v.Kept, v.Forget = "", false, false, true, !f.Required
			v.Placeholder = "••••••••"
		}
		page.Fields = append(page.Fields, v)
	}
	focus := true
	for i := range page.Fields {
		v := &page.Fields[i]
		if sent.Has(v.Name) {
			v.Value = sent.Get(v.Name)
		}
		v.Says = says{Field: v.Name, Text: wrong[v.Name], Bad: wrong[v.Name] != ""}
		if v.Says.Bad && focus {
			v.Focus, focus = true, false
		}
	}
	return page
}

// choice makes the page that asks for a kind.
func (s *Server) choice(err error) channelForm {
	page := channelForm{frame: s.frame(s.clock()), Kinds: s.Alerts.Kinds(), Heading: "New channel"}
	page.Title, page.Where = "New channel, kae", "form"
	if e, ok := errors.AsType[*kae.Error](err); ok {
		page.Problem = e.Message
	}
	return page
}

// channelError shows the form again, with what was typed and what is wrong.
func (s *Server) channelError(w http.ResponseWriter, r *http.Request, ch kae.Channel, k notify.Kind, sent url.Values, err error) error {
	code := kae.ErrorCode(err)
	if wantsJSON(r) || code != kae.Invalid && code != kae.Unavailable {
		return err
	}
	status, _ := reject(w, err)
	if k.Name == "" {
		return s.html(w, r, status, "channelform.html", s.choice(err))
	}
	wrong, problem := map[string]string{}, ""
	for _, e := range faults(err) {
		known := e.Field == "name" || slices.ContainsFunc(k.Fields, func(f notify.Field) bool { return f.Name == e.Field })
		if known {
			wrong[e.Field] = e.Message
		} else {
			problem = e.Message
		}
	}
	page := s.channelForm(ch, k, sent, wrong)
	page.Problem = problem
	return s.html(w, r, status, "channelform.html", page)
}

// faults gives the errors that are joined in one.
func faults(err error) (all []*kae.Error) {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		for _, one := range joined.Unwrap() {
			all = append(all, faults(one)...)
		}
		return all
	}
	if e, ok := errors.AsType[*kae.Error](err); ok {
		all = append(all, e)
	}
	return all
}
