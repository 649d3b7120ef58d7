package notify

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"kae"
)

// Incidents that open and close by the Events API v2:
// https://developer.pagerduty.com/docs/send-alert-event
var pagerduty = Kind{
	Name: "pagerduty", Label: "PagerDuty", most: 10, // each is a request of its own
	About: "An incident for each token that fires, which is resolved when it recovers.",
	Fields: []Field{
		{Name: "key", Label: "Integration key", Hint: "of an integration of the type Events API v2", Secret: true, Required: true, check: isWord},
		{Name: "server", Label: "Server", Hint: "https://events.pagerduty.com; in the EU https://events.eu.pagerduty.com", check: isPlainURL},
	},
	send:  sendPagerDuty,
	where: "server",
}

type pagerEvent struct {
	Key     string        `json:"routing_key"`
	Action  string        `json:"event_action"`
	Dedup   string        `json:"dedup_key"`
	Payload *pagerPayload `json:"payload,omitempty"`
	Links   []pagerLink   `json:"links,omitempty"`
	Client  string        `json:"client,omitempty"`
	URL     string        `json:"client_url,omitempty"`
}

type pagerPayload struct {
	Summary   string         `json:"summary"` // at most 1,024 characters
	Source    string         `json:"source"`
	Severity  string         `json:"severity"`
	Timestamp time.Time      `json:"timestamp"`
	Class     string         `json:"class,omitempty"`
	Details   map[string]any `json:"custom_details"`
}

type pagerLink struct {
	Href string `json:"href"`
	Text string `json:"text"`
}

// sendPagerDuty sends an event for each token: an incident has one cause. Those
// that were taken before a later one was not are taken again, and by their
// dedup_key become part of the same incident.
func sendPagerDuty(ctx context.Context, o *outside, s settings, m Message) (string, error) {
	server := s["server"]
	if server == "" {
		server = "https://events.pagerduty.com"
	}
	answer := ""
	for i, e := range pagerEvents(o, m) {
		e.Key = s["key"]
		got, err := o.postJSON(ctx, strings.TrimRight(server, "/")+"/v2/enqueue", fmt.Sprintf("%s-%d", m.Key, i+1), nil, e)
		if err != nil {
			return "", err
		}
		var taken struct{ Status string }
		if json.Unmarshal([]byte(got.body), &taken) != nil || taken.Status != "success" {
			return "", otherwise(server, got)
		}
		answer = got.status
	}
	return answer, nil
}

func pagerEvents(o *outside, m Message) []pagerEvent {
	said := m.say()
	if len(said.Tales) == 0 {
		said.Tales = []tale{{Title: said.Title, Event: Event{Alert: kae.Alert{At: m.Sent, To: kae.Firing}}}}
	}
	var events []pagerEvent
	for _, t := range said.Tales {
		key, severity := dedup(m, t.Event), "critical"
		if m.Test || t.Recovery() {
			severity = "info"
		}
		// The end of what it has not heard of is nothing to PagerDuty.
		if !t.Recovery() || !t.Told {
			events = append(events, trigger(o, t, key, severity))
		}
		if t.Recovery() || m.Test {
			events = append(events, pagerEvent{Action: "resolve", Dedup: key})
		}
	}
	return events
}

func trigger(o *outside, t tale, key, severity string) pagerEvent {
	e := pagerEvent{
		Action: "trigger", Dedup: key, Client: "kae", URL: o.URL,
		Payload: &pagerPayload{Summary: clip(t.Title, 1_000), Source: "kae", Severity: severity, Timestamp: t.since().UTC(), Class: string(t.Reason), Details: map[string]any{}},
	}
	if host := hostOf(o.URL); host != "" {
		e.Payload.Source = host
	}
	for name, text := range map[string]string{"what": strings.Join(t.Facts, "\n"), "output": t.Output, "description": t.Token.Description, "tags": strings.Join(t.Token.Tags, ", ")} {
		if text != "" {
			e.Payload.Details[name] = text
		}
	}
	if t.URL != "" {
		e.Links = []pagerLink{{t.URL, "The token in kae"}}
		if t.AnswerURL != "" {
			e.Links = append(e.Links, pagerLink{t.AnswerURL, "Acknowledge or snooze it in kae"})
		}
	}
	return e
}

// dedup names a token among those of all kaes that tell one service. A test
// has a name of its own, so that it closes no incident.
func dedup(m Message, e Event) string {
	key := fmt.Sprintf("kae-%d-%d", e.TokenID, e.Token.CreatedAt.Unix())
	if m.Test {
		return key + "-test-" + m.Key
	}
	return key
}
