package web

import (
	"net/http"
	"strings"

	"kae"
)

// sentByHand is the message of a heartbeat that a person sends.
const sentByHand = "sent by hand from the console"

// byHand takes a success from a person, with the reason for it if there is
// one. It counts whatever the token asks of bodies and methods.
func (s *Server) byHand(w http.ResponseWriter, r *http.Request) error {
	t, err := s.known(r)
	if err != nil {
		return err
	}
	if t.Removed() {
		return errRemoved
	}
	form, err := readForm(w, r)
	if err != nil {
		return err
	}
	message := sentByHand
	if why := strings.Join(strings.Fields(form.Get("m")), " "); why != "" {
		message += ": " + why
	}
	h := kae.Heartbeat{
		At: s.stamp(), Kind: kae.Success, Message: kae.CleanText(message, kae.MaxMessage),
		Posted: true, ByHand: true, Agent: kae.CleanText(r.UserAgent(), kae.MaxUserAgent),
	}
	if from := s.client(r); from.IsValid() {
		h.Remote = from.String()
	}
	if err := s.Keeper.Heartbeat(r.Context(), t.Value, h); err != nil {
		return err
	}
	if now, ok := s.Roster.Get(t.ID); ok {
		t = now
	}
	return s.changed(w, r, t)
}
