package web

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"kae"
)

type rule = func(t kae.Token, now time.Time) (kae.Change, error)

var errRemoved = &kae.Error{Code: conflict, Message: "This token was removed. Bring it back first."}

// standing makes a rule that removed tokens are not subject to.
func standing(f func(t kae.Token, now time.Time) kae.Change) rule {
	return func(t kae.Token, now time.Time) (kae.Change, error) {
		if t.Removed() {
			return kae.Change{}, errRemoved
		}
		return f(t, now), nil
	}
}

// What people do to tokens with one button.
var (
	disable = standing(kae.Token.Disable)
	enable  = standing(kae.Token.Enable)
	remove  = func(t kae.Token, now time.Time) (kae.Change, error) { return t.Remove(now), nil }
	undo    = func(t kae.Token, now time.Time) (kae.Change, error) { return t.Undo(now), nil }
)

// renew gives a token a new value; who uses the old one is told whose it was.
func (s *Server) renew(t kae.Token, now time.Time) (kae.Change, error) {
	if t.Removed() {
		return kae.Change{}, errRemoved
	}
	s.strays.renewed(t)
	return t.Renew(kae.NewValue(), kae.NewUUID()), nil
}

// change handles one such button.
func (s *Server) change(apply rule) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		id, err := pathID(r, "id")
		if err != nil {
			return err
		}
		t, err := s.Keeper.Change(r.Context(), id, apply)
		if err != nil {
			return err
		}
		return s.changed(w, r, t)
	}
}

// changed answers with the token as it is now, or leads to a page with it.
func (s *Server) changed(w http.ResponseWriter, r *http.Request, t kae.Token) error {
	if wantsJSON(r) {
		return s.json(w, r, http.StatusOK, view(t, s.clock(), s.base(r)))
	}
	to := fmt.Sprintf("/tokens/%d", t.ID)
	if t.Removed() {
		to = fmt.Sprintf("/?removed=%d", t.ID)
	}
	seeOther(w, to, "Done.\n")
	return nil
}

// seeOther leads a browser on, and tells what happened to who does not follow.
func seeOther(w http.ResponseWriter, to, told string) {
	h := w.Header()
	h["Content-Type"] = plainText
	h.Set("Location", to)
	h.Set("Content-Length", strconv.Itoa(len(told)))
	w.WriteHeader(http.StatusSeeOther)
	io.WriteString(w, told)
}
