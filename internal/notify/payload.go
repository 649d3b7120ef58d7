package notify

import (
	"time"

	"kae"
)

// payload is a message for programs: what a webhook sends, what its template
// puts in, and what a command reads. Its fields are described in
// docs/alerts.md. Times are in UTC, durations are seconds.
type payload struct {
	Key    string         `json:"key"`    // the same each time that this message is sent
	Title  string         `json:"title"`  // one line
	Text   string         `json:"text"`   // the rest, several lines
	Firing bool           `json:"firing"` // of any of its alerts
	Test   bool           `json:"test"`
	Sent   time.Time      `json:"sent_at"`
	Alerts []payloadAlert `json:"alerts"`
}

type payloadAlert struct {
	Title  string       `json:"title"`
	Firing bool         `json:"firing"`
	Flip   int64        `json:"flip"` // its number: counts a token's flips from 1
	At     time.Time    `json:"at"`
	From   kae.Status   `json:"from"`
	To     kae.Status   `json:"to"`
	Reason kae.Reason   `json:"reason"`
	Fired  time.Time    `json:"fired_at"` // when the token began to fire
	Due    *time.Time   `json:"due_at"`   // the expected time that was missed
	Told   bool         `json:"told"`     // of a recovery: this channel was told of the firing
	Token  payloadToken `json:"token"`
	Beat   *payloadBeat `json:"heartbeat"` // the newest, or the one that failed
	Round  int          `json:"round"`     // how often this channel was told of the firing before
	URL    string       `json:"url"`       // of the token's page; "" where kae does not know its own
	Answer string       `json:"acknowledge_url"`
}

type payloadToken struct {
	ID          int64      `json:"id"`
	Name        string     `json:"name"`
	Description string     `json:"description"`
	Tags        []string   `json:"tags"`
	Schedule    string     `json:"schedule"`
	Zone        string     `json:"zone"`
	Grace       float64    `json:"grace"`
	MaxRun      float64    `json:"max_run"`
	Status      kae.Status `json:"status"` // when it was sent
	Removed     bool       `json:"removed"`
	Last        *time.Time `json:"last_at"`
}

type payloadBeat struct {
	Number   int64     `json:"number"`
	At       time.Time `json:"at"`
	Kind     kae.Kind  `json:"kind"`
	Exit     *int      `json:"exit"`
	RunID    string    `json:"run_id"`
	Took     *float64  `json:"took"`
	Message  string    `json:"message"`
	Output   *string   `json:"body"` // null: there was none, or it is no longer kept
	BodySize int       `json:"body_size"`
	Remote   string    `json:"remote"`
	Agent    string    `json:"agent"`
}

func payloadOf(m Message) payload {
	said := m.say()
	p := payload{Key: m.Key, Title: said.Title, Text: said.text(), Firing: said.Firing, Test: m.Test, Sent: m.Sent.UTC(), Alerts: []payloadAlert{}}
	for _, t := range said.Tales {
		p.Alerts = append(p.Alerts, payloadAlert{
			Title: t.Title, Firing: !t.Recovery(), Flip: t.Number, At: t.At.UTC(), From: t.From, To: t.To, Reason: t.Reason,
			Fired: t.since().UTC(), Due: known(t.Due), Told: t.Told || !t.Recovery(), Token: payloadTokenOf(t.Event), Beat: payloadBeatOf(t.Beat), Round: t.Round, URL: t.URL, Answer: t.AnswerURL,
		})
	}
	return p
}

func payloadTokenOf(e Event) payloadToken {
	t := e.Token
	return payloadToken{
		ID: e.TokenID, Name: t.Name, Description: t.Description, Tags: append([]string{}, t.Tags...),
		Schedule: t.Schedule.String(), Zone: t.Schedule.Zone().String(), Grace: t.Grace.Seconds(), MaxRun: t.MaxRun.Seconds(),
		Status: t.Status, Removed: t.Removed(), Last: known(t.LastAt),
	}
}

func payloadBeatOf(h *kae.Heartbeat) *payloadBeat {
	if h == nil {
		return nil
	}
	b := &payloadBeat{
		Number: h.Number, At: h.At.UTC(), Kind: h.Kind, RunID: h.RunID, Message: h.Message,
		BodySize: h.BodySize, Remote: h.Remote, Agent: h.Agent,
	}
	if h.Exited {
		b.Exit = &h.Exit
	}
	if h.Took > 0 {
		took := h.Took.Seconds()
		b.Took = &took
	}
	if h.Body != nil {
		body := string(h.Body)
		b.Output = &body
	}
	return b
}

// known gives a time, or nil for none.
func known(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}
