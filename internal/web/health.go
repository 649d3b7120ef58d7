package web

import (
	"fmt"
	"net/http"
	"time"

	"kae"
)

// healthPage tells whether kae does its work.
type healthPage struct {
	OK         bool     `json:"ok"`
	Message    string   `json:"message"`
	LastCommit *float64 `json:"last_commit_seconds"` // null: there was none yet
	Overdue    int      `json:"overdue"`
	Failing    stamp    `json:"failing_since"`

	Undelivered int `json:"undelivered"` // alerts that wait; kae itself may be well
}

// healthz proves that nothing is overdue without firing. It only reads memory.
func (s *Server) healthz(w http.ResponseWriter, r *http.Request) error {
	page := judge(s.Keeper.Health(), s.stamp(), s.Delay)
	if s.Alerts != nil {
		page.Undelivered, _ = s.Alerts.Undelivered()
	}
	status := http.StatusOK
	if !page.OK {
		status = http.StatusServiceUnavailable
	}
	return s.json(w, r, status, page)
}

// Judge tells whether kae does its work, and in a sentence how it is doing, as
// /healthz does. delay is the longest that the keeper sleeps.
func Judge(h kae.Health, now time.Time, delay time.Duration) (ok bool, message string) {
	page := judge(h, now, delay)
	return page.OK, page.Message
}

// judge says in a sentence how kae is doing. The keeper commits a sign of life
// at least every delay; three of them without one are too many.
func judge(h kae.Health, now time.Time, delay time.Duration) healthPage {
	page := healthPage{Overdue: h.Overdue, Failing: stamp(h.FailingSince)}
	age := now.Sub(h.LastCommit)
	if !h.LastCommit.IsZero() {
		seconds := max(0, age.Round(time.Millisecond).Seconds())
		page.LastCommit = &seconds
	}
	switch {
	case !h.FailingSince.IsZero():
		page.Message = fmt.Sprintf("The database fails since %s. Heartbeats are refused with 503 until it works again.",
			h.FailingSince.UTC().Format(time.RFC3339))
	case h.Overdue == 1:
		page.Message = "One token is overdue and does not fire."
	case h.Overdue > 1:
		page.Message = fmt.Sprintf("%d tokens are overdue and do not fire.", h.Overdue)
	case h.LastCommit.IsZero():
		page.Message = "Nothing has been committed yet."
	case age > 3*delay:
		page.Message = fmt.Sprintf("Nothing was committed for %s; %s is the most that is normal.", span(age), span(3*delay))
	default:
		page.OK, page.Message = true, "All is well: nothing is overdue."
	}
	return page
}
