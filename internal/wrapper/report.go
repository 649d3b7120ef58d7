package wrapper

import (
	"net/url"
	"strconv"
	"time"

	"kae"
)

// report is one heartbeat on its way, as it is sent and as it is kept in the
// spool.
type report struct {
	URL  string    `json:"url"`
	At   time.Time `json:"at"` // when it happened
	Body []byte    `json:"body,omitempty"`
}

// newReport makes the report of a signal: "" (a success), "start", "fail",
// "log" or an exit status. Exit status 0 goes to the token's plain URL, which
// every kae understands. The token's value is hidden in the message; body comes
// from a [tail], where it is already.
func (t *Target) newReport(signal, message string, query url.Values, body []byte) report {
	if query == nil {
		query = url.Values{}
	}
	if signal == "0" {
		signal = ""
		query.Set("s", "0")
	}
	if message != "" {
		query.Set("m", kae.CleanText(t.secret.hideIn(message), kae.MaxMessage))
	}
	return report{t.heartbeat(signal, query), time.Now(), body}
}

// late gives the URL for a report that comes after its time.
func (r report) late() string {
	u, err := url.Parse(r.URL)
	if err != nil {
		return r.URL
	}
	q := "at=" + url.QueryEscape(r.At.UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano))
	if u.RawQuery != "" {
		q = u.RawQuery + "&" + q
	}
	u.RawQuery = q
	return u.String()
}

// seconds writes a duration as heartbeats have it.
func seconds(d time.Duration) string {
	return strconv.FormatFloat(d.Round(time.Millisecond).Seconds(), 'f', -1, 64)
}
