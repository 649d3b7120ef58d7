package web

import (
	"bytes"
	"compress/gzip"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"kae"
)

//go:embed templates
var templateTree embed.FS

var templates = template.Must(template.New("").ParseFS(templateTree, "templates/*.html"))

// frame is what the layout of every page needs.
type frame struct {
	Title    string
	Static   string
	Firing   int
	Now      string // the server's clock, for the countdowns
	LastBeat moment
	Trouble  moment // since when the database fails
	Listing  bool   // the list has a form of its own
	Version  string
	Script   string // of this page alone
	Where    string // which of the pages of channels it is; "": another

	Alerts      bool   // there are pages of channels
	Channels    int    // that hear of anything
	Undelivered string // what has not reached a channel; "": nothing is in the way
	Maintained  []part // the maintenance that what the page shows is in; nil: none
}

func (s *Server) frame(c clock) frame {
	f := frame{
		Static:   staticBase,
		Firing:   s.Roster.Counts().Firing,
		Now:      iso(c.now),
		LastBeat: c.rel(s.Roster.LastBeat()),
		Trouble:  c.at(s.Keeper.Health().FailingSince),
		Version:  s.Version,
	}
	if s.Alerts != nil {
		f.Alerts, f.Channels, f.Undelivered = true, s.hearing(), s.undelivered()
	}
	return f
}

// hearing counts the channels that hear of anything.
func (s *Server) hearing() (n int) {
	policy := s.Alerts.Policy()
	for _, ch := range s.Alerts.Channels() {
		if policy.Names(ch.ID) {
			n++
		}
	}
	return n
}

// undelivered says what has not reached a channel. What is on its way to
// channels that deliver is no news: it will have arrived when one has read of
// it.
func (s *Server) undelivered() string {
	waiting, failing := s.Alerts.Undelivered()
	switch {
	case failing == 0:
		return ""
	case waiting > 0:
		return plural(int64(waiting), "alert") + " not delivered"
	}
	return plural(int64(failing), "channel") + " not getting through"
}

// strip takes away what only those may know who may see the console.
func (f *frame) strip() {
	f.Firing, f.LastBeat, f.Trouble, f.Version, f.Undelivered = 0, moment{}, moment{}, "", ""
}

var buffers = sync.Pool{New: func() any { return new(bytes.Buffer) }}

// show answers with a page, as HTML or as JSON, whichever is preferred.
func (s *Server) show(w http.ResponseWriter, r *http.Request, name string, page any) error {
	if wantsJSON(r) {
		return s.json(w, r, http.StatusOK, page)
	}
	return s.html(w, r, http.StatusOK, name, page)
}

// html renders a page into a buffer first, so that a mistake in it does not
// send half a page.
func (s *Server) html(w http.ResponseWriter, r *http.Request, status int, name string, page any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	if err := templates.ExecuteTemplate(buf, name, page); err != nil {
		return err
	}
	send(w, r, status, "text/html; charset=utf-8", buf.Bytes())
	return nil
}

func (s *Server) json(w http.ResponseWriter, r *http.Request, status int, v any) error {
	buf := buffers.Get().(*bytes.Buffer)
	defer buffers.Put(buf)
	buf.Reset()
	enc := json.NewEncoder(buf)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return err
	}
	send(w, r, status, "application/json", buf.Bytes())
	return nil
}

var zippers = sync.Pool{New: func() any {
	// The third level is nearly as quick as the first, and a list is a tenth
	// smaller by it; from the fourth on it takes twice as long.
	z, err := gzip.NewWriterLevel(nil, 3)
	if err != nil {
		panic(err) // the level is valid
	}
	return z
}}

// send writes an answer, zipped where that saves a packet. Answers to other
// sites are not: their length could tell secrets that stand beside a query.
func send(w http.ResponseWriter, r *http.Request, status int, kind string, body []byte) {
	h := w.Header()
	h.Set("Content-Type", kind)
	h.Add("Vary", "Accept, Accept-Encoding")
	if len(body) < 1400 || !acceptsGzip(r) || r.Header.Get("Sec-Fetch-Site") == "cross-site" {
		h.Set("Content-Length", strconv.Itoa(len(body)))
		w.WriteHeader(status)
		w.Write(body)
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z := zippers.Get().(*gzip.Writer)
	defer zippers.Put(z)
	z.Reset(w)
	z.Write(body)
	z.Close()
}

func acceptsGzip(r *http.Request) bool {
	return strings.Contains(r.Header.Get("Accept-Encoding"), "gzip")
}

// wantsJSON tells whether application/json is preferred to HTML. It has to be
// named: programs that take anything get what people see.
func wantsJSON(r *http.Request) bool {
	asJSON, asHTML := 0.0, 0.0
	for _, accept := range r.Header.Values("Accept") {
		for _, item := range strings.Split(accept, ",") {
			kind, params, _ := strings.Cut(item, ";")
			switch q := quality(params); strings.ToLower(strings.TrimSpace(kind)) {
			case "application/json":
				asJSON = max(asJSON, q)
			case "text/html", "application/xhtml+xml":
				asHTML = max(asHTML, q)
			}
		}
	}
	return asJSON > asHTML
}

// quality reads q= of an Accept header's item.
func quality(params string) float64 {
	for _, p := range strings.Split(params, ";") {
		text, ok := strings.CutPrefix(strings.TrimSpace(p), "q=")
		if !ok {
			continue
		}
		q, err := strconv.ParseFloat(text, 64)
		if err != nil {
			return 0
		}
		return q
	}
	return 1
}

// pathID reads a positive number of the path.
func pathID(r *http.Request, name string) (int64, error) {
	id, err := strconv.ParseInt(r.PathValue(name), 10, 64)
	if err != nil || id <= 0 {
		return 0, &kae.Error{Code: kae.NotFound, Message: "There is no such token."}
	}
	return id, nil
}
