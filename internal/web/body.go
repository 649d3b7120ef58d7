package web

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"unicode/utf8"

	"kae"
)

// How much of bodies a log shows: of each its end, because the end of a log
// says why a job failed, and of all of them so much that a page stays light.
const (
	inlineBody   = 2_000 // bytes
	inlineLines  = 20
	inlineBudget = 32_000 // bytes
)

// bodyView is a body in a log.
type bodyView struct {
	URL  string // "" if it is no longer kept
	Size string
	Text string // its end, if it is text and there is room
	Left string // what was left out before that
	Open bool
	Odd  bool // not text
}

func bodyOf(t kae.Token, b kae.Heartbeat, room *int) *bodyView {
	if b.BodySize == 0 {
		return nil
	}
	v := &bodyView{Size: size(b.BodySize)}
	if b.Number <= t.Beats-kae.BodiesKept {
		return v
	}
	v.URL = fmt.Sprintf("/tokens/%d/heartbeats/%d/body", t.ID, b.Number)
	if b.Body == nil {
		return v
	}
	whole, ok := textOf(b.Body)
	if !ok {
		v.Odd = true
		return v
	}
	if *room <= 0 {
		return v
	}
	end := tail(whole)
	*room -= len(end)
	switch left := b.BodySize - len(end); {
	case left == 0 && b.BodySize < kae.MaxBody:
	case b.BodySize >= kae.MaxBody:
		v.Left = "… all but the last " + size(len(end)) + " is left out"
	default:
		v.Left = "… the first " + size(left) + " are left out"
	}
	v.Text = string(end)
	v.Open = t.Status == kae.Firing && t.Reason == kae.Failed && b.Kind == kae.Failure && b.At.Equal(t.LastAt)
	return v
}

// textOf gives a body as text, if it is some. One that was cut at its head may
// begin inside of a character.
func textOf(body []byte) ([]byte, bool) {
	if len(body) >= kae.MaxBody {
		for i := 0; i < utf8.UTFMax-1 && len(body) > 0 && !utf8.RuneStart(body[0]); i++ {
			body = body[1:]
		}
	}
	return body, utf8.Valid(body) && bytes.IndexByte(body, 0) < 0
}

// tail gives the end of a text: whole lines if there is more than one, and
// whole characters.
func tail(text []byte) []byte {
	from := max(0, len(text)-inlineBody)
	for from < len(text) && !utf8.RuneStart(text[from]) {
		from++
	}
	if i := bytes.IndexByte(text[from:], '\n'); from > 0 && i >= 0 && i < inlineBody/2 {
		from += i + 1
	}
	text = text[from:]
	end := len(bytes.TrimRight(text, "\n"))
	for range inlineLines {
		if end = bytes.LastIndexByte(text[:end], '\n'); end < 0 {
			return text
		}
	}
	return text[end+1:]
}

// body gives the body of one heartbeat, which may be anything: it is never
// interpreted. What is no text, or is asked for as a file, is one.
func (s *Server) body(w http.ResponseWriter, r *http.Request) error {
	t, err := s.known(r)
	if err != nil {
		return err
	}
	number, err := pathID(r, "number")
	if err != nil {
		return err
	}
	body, err := s.History.Body(r.Context(), t.ID, number)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	_, isText := textOf(body)
	h.Set("Content-Type", "application/octet-stream")
	ending := "bin"
	if isText {
		h["Content-Type"], ending = plainText, "txt"
	}
	if !isText || r.URL.Query().Has("download") {
		h.Set("Content-Disposition", fmt.Sprintf(`attachment; filename="heartbeat-%d-%d.%s"`, t.ID, number, ending))
	}
	h.Set("Content-Length", strconv.Itoa(len(body)))
	w.Write(body)
	return nil
}
