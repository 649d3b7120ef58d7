package web

import (
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"kae"
)

// signal reads from a request's URL what a heartbeat says, and whose it is:
//
//	/hb/VALUE                      a success
//	/hb/VALUE/start, /fail, /log   a run began, ended badly; something to note
//	/hb/VALUE/2                    an exit status; 0 is a success
//	/hb/VALUE/TERM                 the signal that killed it, a failure
//
// The value may instead come as a bearer token (RFC 6750), to /hb, /hb/start
// and so on.
func (s *Server) signal(r *http.Request, h *kae.Heartbeat) (value string, err error) {
	value, word := r.PathValue("value"), r.PathValue("signal")
	if bearer, ok := bearerOf(r); ok && word == "" {
		value, word = bearer, value
	}
	if value == "" {
		return "", &kae.Error{Code: kae.NotFound, Message: "Whose heartbeat is this? Its URL ends in /hb/ and the 20 letters of the token, or they come in “Authorization: Bearer”."}
	}
	if err := kindOf(word, h); err != nil {
		return "", err
	}
	if r.URL.RawQuery != "" {
		if err := s.query(r.URL.RawQuery, word, h); err != nil {
			return "", err
		}
	}
	return value, nil
}

// bearerOf finds a value in the Authorization header. Names of schemes are
// taken in any case (RFC 9110, section 11.1).
func bearerOf(r *http.Request) (string, bool) {
	const scheme = "bearer "
	header := r.Header["Authorization"]
	if len(header) == 0 || len(header[0]) <= len(scheme) || !strings.EqualFold(header[0][:len(scheme)], scheme) {
		return "", false
	}
	return strings.TrimSpace(header[0][len(scheme):]), true
}

// kindOf reads the last word of a heartbeat's path.
func kindOf(word string, h *kae.Heartbeat) error {
	switch word {
	case "":
		h.Kind = kae.Success
	case "start":
		h.Kind = kae.Start
	case "fail":
		h.Kind = kae.Failure
	case "log":
		h.Kind = kae.Log
	default:
		if strings.Trim(word, "0123456789-+") == "" {
			return exitOf(word, h)
		}
		if !isSignal(strings.TrimPrefix(word, "SIG")) {
			return &kae.Error{Code: kae.NotFound, Message: "There is nothing at this address. After the token's value comes start, fail, log, an exit status or a signal such as TERM."}
		}
		h.Kind, h.Message = kae.Failure, "killed by SIG"+strings.TrimPrefix(word, "SIG")
	}
	return nil
}

// signalNames are the names that systemd puts into $EXIT_STATUS in place of a
// number when a signal ended the job (systemd.exec(5)), with what shells call
// the same. In capitals, as signals are written.
var signalNames = strings.Fields(`HUP INT QUIT ILL TRAP ABRT IOT BUS FPE KILL USR1 SEGV USR2 PIPE ALRM TERM STKFLT CHLD
	CONT STOP TSTP TTIN TTOU URG XCPU XFSZ VTALRM PROF WINCH IO POLL PWR SYS`)

func isSignal(name string) bool {
	if n, ok := strings.CutPrefix(name, "RTMIN+"); ok {
		_, err := strconv.ParseUint(n, 10, 8)
		return err == nil
	}
	return slices.Contains(signalNames, name)
}

// exitOf reads an exit status.
func exitOf(text string, h *kae.Heartbeat) error {
	n, err := strconv.ParseUint(text, 10, 8)
	if err != nil || text != strconv.FormatUint(n, 10) {
		return &kae.Error{Code: badRequest, Message: "An exit status is a number from 0 to 255. Nothing was recorded."}
	}
	h.Exited, h.Exit = true, int(n)
	h.Kind = kae.Success
	if n != 0 {
		h.Kind = kae.Failure
	}
	return nil
}

// query reads what a heartbeat's URL says behind the question mark. Names that
// kae does not know are for others.
func (s *Server) query(query, word string, h *kae.Heartbeat) error {
	told := false
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, text, _ := strings.Cut(pair, "=")
		// A heartbeat is not refused for a bad escape: then the text is taken
		// as it stands.
		if plain, err := url.QueryUnescape(text); err == nil {
			text = plain
		}
		var err error
		switch name {
		case "m":
			if !told && text != "" {
				if h.Message != "" { // the signal that the path names
					text += "; " + h.Message
				}
				h.Message, told = kae.CleanText(text, kae.MaxMessage), true
			}
		case "s":
			kind := h.Kind
			if err = exitOf(text, h); word != "" {
				h.Kind = kind // the path has said it
			}
		case "rid":
			h.RunID, err = runID(text)
		case "d":
			h.Took, err = tookOf(text)
		case "at":
			err = s.happened(text, h)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// runID checks a UUID of any version (RFC 9562).
func runID(text string) (string, error) {
	ok := len(text) == 36
	for i := 0; ok && i < len(text); i++ {
		c := text[i]
		if i == 8 || i == 13 || i == 18 || i == 23 {
			ok = c == '-'
		} else {
			ok = c >= '0' && c <= '9' || c >= 'a' && c <= 'f' || c >= 'A' && c <= 'F'
		}
	}
	if !ok {
		return "", &kae.Error{Code: badRequest, Message: "The run id (rid) is a UUID, such as the one that uuidgen prints. Nothing was recorded."}
	}
	return strings.ToLower(text), nil
}

// tookOf reads a duration in seconds.
func tookOf(text string) (time.Duration, error) {
	seconds, err := strconv.ParseFloat(text, 64)
	if err != nil || !(seconds >= 0 && seconds <= kae.MaxInterval.Seconds()) {
		return 0, &kae.Error{Code: badRequest, Message: "The duration (d) is a number of seconds, such as 12.5. Nothing was recorded."}
	}
	// Less than what is counted is still known.
	return max(time.Microsecond, time.Duration(seconds*float64(time.Second)).Truncate(time.Microsecond)), nil
}

// ahead is how far a job's clock may be ahead of kae's.
const ahead = time.Minute

// happened reads when a heartbeat happened, where that was before it came.
func (s *Server) happened(text string, h *kae.Heartbeat) error {
	at, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		seconds, numErr := strconv.ParseFloat(text, 64)
		if numErr != nil || !(seconds > 0 && seconds < 1e11) {
			return &kae.Error{Code: badRequest, Message: "The time (at) is written as 2026-11-24T03:00:00Z or in seconds since 1970. Nothing was recorded."}
		}
		at = time.UnixMicro(int64(seconds * 1e6))
	}
	now := h.At
	at = at.UTC().Truncate(time.Microsecond)
	switch {
	case at.After(now.Add(ahead)):
		return &kae.Error{Code: badRequest, Message: "That time (at) is more than a minute in the future: compare the clocks. Nothing was recorded."}
	case at.Before(now.Add(-s.LateLimit)):
		return &kae.Error{Code: badRequest, Message: "That time (at) is longer ago than what is taken (-late-limit). Nothing was recorded."}
	case at.Before(now):
		h.At, h.Received = at, now
	}
	return nil
}
