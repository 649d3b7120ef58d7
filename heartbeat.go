package kae

import (
	"strings"
	"time"
	"unicode/utf8"
)

// Kind is what a heartbeat reports.
type Kind string

// The kinds of heartbeats.
const (
	Success Kind = "success" // a run ended well
	Failure Kind = "failure" // a run ended badly
	Start   Kind = "start"   // a run began
	Log     Kind = "log"     // something to write down; changes no status
)

// Limits of what is kept of a heartbeat.
const (
	MaxMessage   = 1_000     // characters of its message
	MaxBody      = 10_000    // bytes of its body: the last ones
	MaxBodyRead  = 1_000_000 // bytes of its body that are read
	MaxUserAgent = 200       // characters of the user agent
	BodiesKept   = 100       // bodies are kept for that many of a token's newest heartbeats
)

// Heartbeat is one report of a process.
type Heartbeat struct {
	TokenID  int64
	Number   int64     // counts a token's heartbeats from 1
	Pos      int64     // its position in the journal
	Prev     int64     // journal position of the token's heartbeat before it, 0 if none
	At       time.Time // when it happened
	Received time.Time // when it arrived, where that is not when it happened; else zero
	Kind     Kind
	Exited   bool          // the process told its exit status
	Exit     int           // which is this
	RunID    string        // pairs a start with its end; "" if the process has no such thing
	Took     time.Duration // of a run's end: how long it took; 0: not known
	Message  string
	BodySize int    // bytes of the body that were kept
	Body     []byte // nil where it was not asked for or is no longer kept
	Posted   bool   // sent by a method that link previews and scanners don't use; not stored
	ByHand   bool   // a person says so: it is not judged by its body; not stored
	Remote   string // the address it came from
	Agent    string // its User-Agent
}

// BackDated tells whether the heartbeat happened before it arrived.
func (h Heartbeat) BackDated() bool { return h.At.Before(h.Received) }

// CleanText makes text that came with a heartbeat fit to be stored: at most
// limit characters, with U+FFFD for what is not UTF-8 and for NUL. A heartbeat
// is never refused for its text.
func CleanText(s string, limit int) string {
	if len(s) > limit && utf8.RuneCountInString(s) > limit {
		n := 0
		for i := range s {
			if n == limit {
				s = s[:i]
				break
			}
			n++
		}
	}
	if isText(s) {
		return s
	}
	return strings.ReplaceAll(strings.ToValidUTF8(s, "�"), "\x00", "�")
}
