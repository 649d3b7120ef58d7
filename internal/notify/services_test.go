package notify

import (
	"errors"
	"strings"
	"testing"
	"time"
)

var shown = []string{"missed", "failed", "recovered", "untold", "mixed", "test"}

func TestSlack(t *testing.T) {
	r := receive(t, answering(200, "ok"), "Content-Type")
	golden(t, "slack", sentBy(t, r, open(t, "slack", Options{}, "url", r.URL+"/services/T0/B0/xyz"), shown...))
}

// A job's output calls nobody and ends no block of code.
func TestSlackTextIsOnlyText(t *testing.T) {
	m := scenes(t)["failed"]
	m.Events[0].Beat.Body = []byte("<!channel> @all @here ``` *x*")
	r := receive(t, answering(200, "ok"))
	if _, err := open(t, "slack", Options{}, "url", r.URL).Send(t.Context(), m); err != nil {
		t.Fatal(err)
	}
	if got := r.requests()[0]; strings.Contains(got, "<!") || strings.Contains(got, "@all") || strings.Contains(got, "@here") || strings.Count(got, "```") != 2 {
		t.Errorf("it sends\n%s", got)
	}
}

func TestNtfy(t *testing.T) {
	r := receive(t, answering(200, `{"id":"sPs71M8A2T","time":1643935928,"event":"message","topic":"mytopic","message":"x"}`), "Content-Type", "Authorization")
	golden(t, "ntfy", sentBy(t, r, open(t, "ntfy", Options{}, "url", r.URL+"/below/mytopic/", "token", "tk_abcdef"), shown...))
}

func TestTelegram(t *testing.T) {
	r := receive(t, answering(200, `{"ok":true,"result":{"message_id":3}}`), "Content-Type")
	golden(t, "telegram", sentBy(t, r, open(t, "telegram", Options{}, "token", "123456:ABC-DEF1234ghIkl", "chat", "-1001234567890:7", "server", r.URL), shown...))
}

func TestTelegramSaysForHowLongToWait(t *testing.T) {
	r := receive(t, answering(429, `{"ok":false,"error_code":429,"description":"Too Many Requests: retry after 35","parameters":{"retry_after":35}}`))
	_, err := send(t, open(t, "telegram", Options{}, "token", "123456:ABC-DEF1234ghIkl", "chat", "@ops", "server", r.URL))
	refused, ok := errors.AsType[*Refused](err)
	if !ok || refused.After != 35*time.Second || refused.Permanent || !strings.HasSuffix(refused.Answer, "429 Too Many Requests: Too Many Requests: retry after 35") {
		t.Errorf("got %#v", err)
	}
}

func TestPagerDuty(t *testing.T) {
	r := receive(t, answering(202, `{"status":"success","message":"Event processed","dedup_key":"x"}`), "Content-Type", "Idempotency-Key")
	golden(t, "pagerduty", sentBy(t, r, open(t, "pagerduty", Options{URL: "https://kae.example.com"}, "key", "0123456789abcdef", "server", r.URL), append(shown, "tried")...))
}

func TestAlertmanager(t *testing.T) {
	r := receive(t, answering(200, ""), "Content-Type", "Authorization")
	golden(t, "alertmanager", sentBy(t, r, open(t, "alertmanager", Options{URL: "https://kae.example.com"},
		"url", r.URL+"/am/", "labels", "severity=critical team=ops", "user", "kae", "password", "hunter22"), append(shown, "tried")...))
}

// What an alert is known by in Alertmanager and PagerDuty stays the same from
// its firing to its end, whatever was edited meanwhile.
func TestEndFindsItsBeginning(t *testing.T) {
	begins, ends := scenes(t)["failed"], scenes(t)["recovered"]
	ends.Events[0].Token.Name, ends.Events[0].Token.Tags = "Renamed", []string{"other"}
	o := newOutside(Options{URL: "https://kae.example.com"})
	if a, b := pagerEvents(o, begins)[0].Dedup, pagerEvents(o, ends)[0].Dedup; a != b {
		t.Errorf("PagerDuty: %s, then %s", a, b)
	}
	a, b := prometheusAlerts(o, settings{}, begins)[0], prometheusAlerts(o, settings{}, ends)[0]
	for name, value := range a.Labels {
		if b.Labels[name] != value || len(a.Labels) != len(b.Labels) {
			t.Errorf("Alertmanager: %v, then %v", a.Labels, b.Labels)
		}
	}
	if !a.EndsAt.After(begins.Sent.Add(24*time.Hour)) || !b.EndsAt.Equal(ends.Events[0].At) {
		t.Errorf("Alertmanager: ends %s, then %s", a.EndsAt, b.EndsAt)
	}
}

// A 200 of something else is no acceptance.
func TestOtherAnswersAreNoAcceptance(t *testing.T) {
	for kind, answers := range map[string][]string{
		"slack":     {"", "invalid_payload", "<html>ok</html>", `{"success":false}`},
		"ntfy":      {"", "ok", `{"id":"x"}`, `{"id":"","event":"message"}`},
		"telegram":  {"", "ok", `{"ok":false,"description":"chat not found"}`, `{}`},
		"pagerduty": {"", "ok", `{"status":"invalid event"}`},
	} {
		for _, body := range answers {
			r := receive(t, answering(200, body))
			_, err := send(t, open(t, kind, Options{}, "url", r.URL+"/topic", "token", "123456:ABC-DEF1234ghIkl", "chat", "@ops", "server", r.URL, "key", "abcdef"))
			if refused, ok := errors.AsType[*Refused](err); !ok || refused.Permanent {
				t.Errorf("%s took %q: %#v", kind, body, err)
			}
		}
	}
}

// However much there is to say, a message has the size that the service takes.
func TestSizes(t *testing.T) {
	m := scenes(t)["storm"]
	for i := range m.Events {
		m.Events[i].Token.Name = strings.Repeat("ä", 255)
	}
	one := scenes(t)["failed"]
	one.Events[0].Token.Description = strings.Repeat("€", 1000)
	one.Events[0].Beat.Body = []byte(strings.Repeat("€", 3000))
	for _, m := range []Message{m, one} {
		r := receive(t, answering(200, `{"ok":true,"id":"x","event":"message"}`))
		for _, kind := range []string{"ntfy", "telegram"} {
			if _, err := open(t, kind, Options{}, "url", r.URL+"/topic", "token", "123456:ABC-DEF1234ghIkl", "chat", "@ops", "server", r.URL).Send(t.Context(), m); err != nil {
				t.Fatal(err)
			}
		}
		for _, got := range r.requests() {
			if len(got) > 5000 || strings.Contains(got, "\ufffd") {
				t.Errorf("%d bytes are sent: %s", len(got), got)
			}
		}
	}
}
