package web

import (
	"fmt"
	"net/http"
	"strings"

	"kae"
)

// tested is how a test of a channel went.
type tested struct {
	OK     bool   `json:"ok"`
	Answer string `json:"answer"` // of the other side, or why there is none
}

// testChannel sends a message that nobody has to worry about.
func (s *Server) testChannel(w http.ResponseWriter, r *http.Request) error {
	ch, err := s.channelOf(r)
	if err != nil {
		return err
	}
	answer, err := s.Alerts.Test(r.Context(), ch.ID)
	if code := kae.ErrorCode(err); err != nil && (code == kae.NotFound || code == kae.Unavailable || r.Context().Err() != nil) {
		return err
	}
	result := tested{err == nil, answer}
	told := note{Text: "The test was accepted"}
	if err != nil {
		result.Answer = err.Error()
		if wrong := faults(err); len(wrong) > 0 { // its settings: a file that is gone
			result.Answer = wrong[0].Message
		}
		told = note{Text: "The test was not accepted", Bad: true}
	}
	if wantsJSON(r) {
		return s.json(w, r, http.StatusOK, result)
	}
	if result.Answer != "" {
		told.Text += ": " + strings.TrimSuffix(result.Answer, ".")
	}
	told.Text += "."
	seeOther(w, fmt.Sprintf("/channels/%d?done=%s", ch.ID, s.notes.put(told, s.stamp())), told.Text+"\n")
	return nil
}

// removeChannel takes a channel away.
func (s *Server) removeChannel(w http.ResponseWriter, r *http.Request) error {
	ch, err := s.channelOf(r)
	if err != nil {
		return err
	}
	v := s.channelView(r.Context(), ch, s.clock())
	if err := s.Alerts.Remove(r.Context(), ch.ID); err != nil {
		return err
	}
	if wantsJSON(r) {
		return s.json(w, r, http.StatusOK, v) // as it was
	}
	told := note{Text: "Removed " + ch.Name + ". No alert goes there any more."}
	seeOther(w, "/channels?done="+s.notes.put(told, s.stamp()), told.Text+"\n")
	return nil
}
