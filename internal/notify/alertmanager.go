package notify

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"kae"
)

// Alertmanager's API, to which Prometheus sends, too:
// https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml
var alertmanager = Kind{
	Name: "alertmanager", Label: "Alertmanager",
	About: "An alert of Prometheus's Alertmanager, which routes, groups and silences it.",
	Fields: []Field{
		{Name: "url", Label: "URL", Hint: "http://alertmanager:9093", Required: true, check: isPlainURL},
		{Name: "labels", Label: "Labels", Hint: "severity=critical team=ops", check: isLabels},
		{Name: "user", Label: "User", check: isWord},
		{Name: "password", Label: "Password", Secret: true},
	},
	check: func(s settings) *kae.Error {
		if (s["password"] == "") != (s["user"] == "") {
			return &kae.Error{Code: kae.Invalid, Field: "password", Message: "User and password belong together: give both, or neither."}
		}
		return nil
	},
	send:  sendAlertmanager,
	where: "url",
	renew: time.Minute, // it keeps alerts in memory only, and expects them again and again
}

type prometheusAlert struct {
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	StartsAt    time.Time         `json:"startsAt"`
	EndsAt      time.Time         `json:"endsAt"`
	Generator   string            `json:"generatorURL,omitempty"`
}

// alertmanagerKeeps is for how long Alertmanager takes an alert to fire that is
// not sent again. It is told when the alert ends, and must not believe so when
// kae is off for a while.
const alertmanagerKeeps = 72 * time.Hour

func sendAlertmanager(ctx context.Context, o *outside, s settings, m Message) (string, error) {
	header := http.Header{}
	if s["user"] != "" {
		r := http.Request{Header: header}
		r.SetBasicAuth(s["user"], s["password"])
	}
	got, err := o.postJSON(ctx, strings.TrimRight(s["url"], "/")+"/api/v2/alerts", m.Key, header, prometheusAlerts(o, s, m))
	return got.status, err
}

// prometheusAlerts gives the alerts of a message. Their labels are what
// Alertmanager knows an alert by, so they hold nothing that may change while a
// token fires, such as its name.
func prometheusAlerts(o *outside, s settings, m Message) []prometheusAlert {
	said := m.say()
	if len(said.Tales) == 0 {
		said.Tales = []tale{{Title: said.Title, Facts: []string{testWords}, Event: Event{Alert: kae.Alert{At: m.Sent, To: kae.Firing}}}}
	}
	var alerts []prometheusAlert
	for _, t := range said.Tales {
		a := prometheusAlert{
			Labels:      labelsOf(s["labels"]),
			Annotations: map[string]string{"summary": t.Title},
			StartsAt:    t.since().UTC(), EndsAt: m.Sent.Add(alertmanagerKeeps).UTC(), Generator: t.URL,
		}
		a.Labels["alertname"], a.Labels["token_id"] = "KaeTokenFiring", strconv.FormatInt(t.TokenID, 10)
		if host := hostOf(o.URL); host != "" {
			a.Labels["instance"] = host
		}
		for name, text := range map[string]string{
			"description": strings.Join(t.Facts, "\n"), "output": t.Output, "runbook": t.Token.Description,
			"token": t.Token.Name, "tags": strings.Join(t.Token.Tags, ", "), "reason": string(t.Reason),
		} {
			if text != "" {
				a.Annotations[name] = text
			}
		}
		switch {
		case m.Test:
			a.Labels["alertname"], a.EndsAt = "KaeTest", m.Sent.Add(time.Minute).UTC()
		case t.Recovery():
			a.EndsAt = t.At.UTC()
		}
		alerts = append(alerts, a)
	}
	return alerts
}

func isPlainURL(value string) string {
	if message := isURL(value); message != "" {
		return message
	}
	if strings.ContainsAny(value, "@?") {
		return "Write the URL alone, without user, password and query."
	}
	return ""
}

func labelsOf(text string) map[string]string {
	labels := map[string]string{}
	for _, word := range strings.Fields(text) {
		if name, value, ok := strings.Cut(word, "="); ok {
			labels[name] = value
		}
	}
	return labels
}

func isLabels(value string) string {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_0123456789"
	for _, word := range strings.Fields(value) {
		name, v, ok := strings.Cut(word, "=")
		if !ok || v == "" || name == "" || strings.Trim(name, letters) != "" || name[0] <= '9' {
			return "Write labels as name=value, with spaces between them."
		}
	}
	return ""
}
