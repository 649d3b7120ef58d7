package web

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func postJSON(h http.Handler, path string, form url.Values) *httptest.ResponseRecorder {
	return request{method: "POST", path: path, form: form, header: asJSON}.do(h)
}

func TestAChannelInJSON(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	made := postJSON(s, "/channels", url.Values{"name": {" on call "}, "kind": {"webhook"}, "url": {"https://hooks.example.com/kae"}, "secret": {"hush"}})
	want := `{"id":1,"name":"on call","kind":"webhook","settings":{"url":"https://hooks.example.com/kae"},"secrets":["secret"],"state":"not used yet",` +
		`"last_at":null,"failing_since":null,"problem":"","created_at":"2026-11-22T12:00:00.000000Z"}`
	if d := cmp.Diff(want+"\n", made.Body.String()); made.Code != 201 || d != "" {
		t.Errorf("status %d (-want +got):\n%s", made.Code, d)
	}
	if got := b.Channels()[0].Settings["secret"]; got != "hush" {
		t.Errorf("the secret is %q", got)
	}
	if d := cmp.Diff(`{"channels":[`+want+`],"undelivered":0}`+"\n", getJSON(s, "/channels").Body.String()); d != "" {
		t.Errorf("the list (-want +got):\n%s", d)
	}
	b.deliver(b.Channels()[0], 7, time.Minute, kae.Delivery{State: kae.Waiting, Attempts: 2, Answer: "timed out", Alert: kae.Alert{Due: noon.Add(-2 * time.Minute)}})
	var page struct{ Deliveries []map[string]any }
	if err := json.Unmarshal(getJSON(s, "/channels/1").Body.Bytes(), &page); err != nil {
		t.Fatal(err)
	}
	delivery := map[string]any{"id": 1.0, "channel_id": 1.0, "channel": "on call", "token_id": 7.0, "token": "", "number": 1.0, "at": "2026-11-22T11:59:00.000000Z",
		"from": "up", "to": "firing", "reason": "missed", "round": 0.0, "fired_at": "2026-11-22T11:59:00.000000Z", "due_at": "2026-11-22T11:58:00.000000Z",
		"state": "waiting", "next_try_at": "2026-11-22T12:03:00.000000Z", "attempts": 2.0, "answer": "timed out", "settled_at": nil}
	if d := cmp.Diff([]map[string]any{delivery}, page.Deliveries); d != "" {
		t.Errorf("a delivery (-want +got):\n%s", d)
	}
	kinds := getJSON(s, "/channels/new").Body.String()
	if !strings.HasPrefix(kinds, `{"kinds":[{"name":"webhook","label":"Webhook","about":"Whatever takes a POST of JSON.","fields":[{"name":"url","label":"URL","hint":"Where the JSON goes: https://…","secret":false,"required":true,"long":false,"choices":null},`) {
		t.Errorf("the kinds: %s", kinds)
	}
}

// What is wrong is told beside its field, and what was typed stays.
func TestAFormOfAChannelThatIsWrong(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	for _, tt := range []struct {
		name  string
		form  url.Values
		field string // in JSON
		code  int
		texts []string // on the page
	}{
		{"nothing", url.Values{"kind": {"webhook"}}, "name", 422, []string{"Give the channel a name.", "This is needed: URL."}},
		{"checked by who knows", url.Values{"kind": {"webhook"}, "name": {"<x>"}, "url": {"hooks"}, "secret": {"hush"}, "template": {"a\nb"}, "method": {"PUT"}}, "url", 422,
			[]string{"A URL begins with https://.", `value="&lt;x&gt;"`, `value="hooks"`, `value="hush"`, ">a\nb</textarea>", `<option>POST</option><option selected>PUT</option></select>`, `aria-invalid="true" aria-describedby="url-says url-hint" autofocus`}},
		{"no kind", url.Values{"name": {"x"}}, "kind", 422, []string{"The kind of a channel is webhook, slack or email.", `href="/channels/new?kind=slack"`}},
		{"unknown kind", url.Values{"name": {"x"}, "kind": {"pigeon"}}, "kind", 422, []string{"The kind of a channel is"}},
	} {
		got := request{method: "POST", path: "/channels", form: tt.form}.do(s)
		if got.Code != tt.code {
			t.Errorf("%s: status %d", tt.name, got.Code)
		}
		for _, text := range tt.texts {
			if !strings.Contains(got.Body.String(), text) {
				t.Errorf("%s: the page lacks %q", tt.name, text)
			}
		}
		var problem problem
		answer := postJSON(s, "/channels", tt.form)
		if err := json.Unmarshal(answer.Body.Bytes(), &problem); err != nil || answer.Code != tt.code || problem.Field != tt.field || problem.Error == "" {
			t.Errorf("%s in JSON: status %d, %+v, %v", tt.name, answer.Code, problem, err)
		}
	}
	b.fails = errDatabase
	form := url.Values{"kind": {"slack"}, "name": {"x"}, "url": {"https://x"}}
	if got := (request{method: "POST", path: "/channels", form: form}).do(s); got.Code != 503 || !strings.Contains(got.Body.String(), "can’t write") || !strings.Contains(got.Body.String(), `value="x"`) || got.Header().Get("Retry-After") == "" {
		t.Errorf("a database that fails: status %d: %s", got.Code, got.Body)
	}
	if n := len(b.Channels()); n != 0 {
		t.Errorf("%d channels", n)
	}
}

func TestEditingAChannel(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	b.channel(t, "mail", "email", map[string]string{"to": "ops@example.com", "pass": "hush"})
	if page := get(s, "/channels/1/edit").Body.String(); strings.Contains(page, "hush") || !strings.Contains(page, `value="ops@example.com"`) {
		t.Errorf("the form: %s", page)
	}
	for _, tt := range []struct {
		name string
		form url.Values
		want map[string]string
	}{
		{"an empty secret stays", url.Values{"name": {"post"}, "to": {"ana@example.com"}, "pass": {""}}, map[string]string{"to": "ana@example.com", "pass": "hush"}},
		{"what is not sent stays", url.Values{"name": {"post"}}, map[string]string{"to": "ana@example.com", "pass": "hush"}},
		{"another secret", url.Values{"pass": {"other"}}, map[string]string{"to": "ana@example.com", "pass": "other"}},
		{"a required one can't go", url.Values{"to": {""}}, map[string]string{"to": "ana@example.com", "pass": "other"}},
		{"forgotten", url.Values{"pass": {""}, "forget": {"pass"}}, map[string]string{"to": "ana@example.com"}},
	} {
		request{method: "POST", path: "/channels/1", form: tt.form}.do(s)
		got := b.Channels()[0]
		if d := cmp.Diff(tt.want, got.Settings); d != "" || got.Name != "post" || got.Kind != "email" {
			t.Errorf("%s: %q (-want +got):\n%s", tt.name, got.Name, d)
		}
	}
	if got := post(s, "/channels/1", "name", "post"); got.Code != 303 || got.Header().Get("Location") != "/channels/1" {
		t.Errorf("saved: status %d to %s", got.Code, got.Header().Get("Location"))
	}
}

// No page and no answer ever holds a secret that was saved.
func TestSecretsOfChannelsAreShownNowhere(t *testing.T) {
	w, b, tokens := alertScene(t)
	b.channel(t, "of a kind that is gone", "pigeon", map[string]string{"ring": "hush-4"})
	s := w.server()
	paths := []string{"/", "/channels", "/channels/new", fmt.Sprintf("/tokens/%d", tokens["failed"].ID), "/healthz"}
	for _, ch := range b.Channels() {
		paths = append(paths, fmt.Sprintf("/channels/%d", ch.ID), fmt.Sprintf("/channels/%d/edit", ch.ID))
		postJSON(s, fmt.Sprintf("/channels/%d", ch.ID), url.Values{"name": {""}})
		if got := post(s, fmt.Sprintf("/channels/%d", ch.ID), "name", "").Body.String(); strings.Contains(got, "hush") || !strings.Contains(got, "Give the channel") {
			t.Errorf("an edit of %s that is wrong: %s", ch.Name, got)
		}
	}
	for _, path := range paths {
		for _, header := range []http.Header{nil, asJSON} {
			got := request{method: "GET", path: path, header: header}.do(s)
			if got.Code != 200 || strings.Contains(got.Body.String(), "hush") {
				t.Errorf("%s %v: status %d: %s", path, header, got.Code, got.Body)
			}
		}
	}
	if strings.Contains(w.logged.String(), "hush") {
		t.Error("a secret is logged")
	}
}

func TestATestOfAChannelShowsTheAnswer(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	b.channel(t, "pager", "webhook", map[string]string{"url": "https://hooks.example.com"})
	shown := func() string {
		t.Helper()
		got := post(s, "/channels/1/test")
		if got.Code != 303 {
			t.Fatalf("status %d", got.Code)
		}
		return get(s, got.Header().Get("Location")).Body.String()
	}
	if page := shown(); !strings.Contains(page, `class="note up" role="status"`) || !strings.Contains(page, "The test was accepted: 200 OK.") {
		t.Errorf("accepted: %s", page)
	}
	if got := postJSON(s, "/channels/1/test", url.Values{}); got.Code != 200 || got.Body.String() != `{"ok":true,"answer":"200 OK"}`+"\n" {
		t.Errorf("in JSON: status %d: %s", got.Code, got.Body)
	}
	b.refuses = errors.New("404 from hooks.example.com: no <such> hook.")
	if page := shown(); !strings.Contains(page, `class="note fire" role="status"`) || !strings.Contains(page, "The test was not accepted: 404 from hooks.example.com: no &lt;such&gt; hook.<") {
		t.Errorf("refused: %s", page)
	}
	if got := postJSON(s, "/channels/1/test", url.Values{}); got.Body.String() != `{"ok":false,"answer":"404 from hooks.example.com: no <such> hook."}`+"\n" {
		t.Errorf("refused, in JSON: %s", got.Body)
	}
	b.refuses = errors.Join(&kae.Error{Code: kae.Invalid, Field: "url", Message: "The file can’t be read.", Err: errors.New("hush")})
	if page := shown(); !strings.Contains(page, "The test was not accepted: The file can’t be read.<") || strings.Contains(page, "hush") {
		t.Errorf("a setting that is wrong: %s", page)
	}
	b.refuses = errDatabase
	if got := post(s, "/channels/1/test"); got.Code != 503 {
		t.Errorf("kae can't: status %d", got.Code)
	}
}

func TestRemovingAChannel(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	b.channel(t, "pager", "webhook", map[string]string{"url": "https://hooks.example.com"})
	b.channel(t, "mail", "email", map[string]string{"to": "ana@example.com"})
	got := post(s, "/channels/1/remove")
	if page := get(s, got.Header().Get("Location")).Body.String(); got.Code != 303 || !strings.Contains(page, "Removed pager.") || strings.Contains(page, "hooks.example.com") {
		t.Errorf("status %d: %s", got.Code, page)
	}
	if got := postJSON(s, "/channels/2/remove", url.Values{}); got.Code != 200 || !strings.Contains(got.Body.String(), `"name":"mail"`) || len(b.Channels()) != 0 {
		t.Errorf("in JSON: status %d: %s", got.Code, got.Body)
	}
	for _, path := range []string{"/channels/1", "/channels/1/edit", "/channels/9", "/channels/x"} {
		if got := get(s, path); got.Code != 404 || !strings.Contains(got.Body.String(), "There is no such channel, or it was removed.") {
			t.Errorf("%s: status %d", path, got.Code)
		}
	}
	for _, path := range []string{"/channels/1", "/channels/1/test", "/channels/1/remove"} {
		if got := post(s, path, "name", "x"); got.Code != 404 {
			t.Errorf("POST %s: status %d", path, got.Code)
		}
	}
}

func TestTheLogOfAChannelHasPages(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	ch := b.channel(t, "mail", "email", map[string]string{"to": "ana@example.com"})
	other := b.channel(t, "other", "email", map[string]string{"to": "bob@example.com"})
	for range 2*deliverySize + 1 {
		b.deliver(ch, 1, time.Minute, kae.Delivery{State: kae.Delivered, Attempts: 1})
		b.deliver(other, 1, time.Minute, kae.Delivery{State: kae.Delivered, Attempts: 1})
	}
	var sizes []int
	for path := "/channels/1"; path != ""; {
		var page struct {
			Deliveries []struct{ ID int64 }
			Next       string
		}
		if err := json.Unmarshal(getJSON(s, path).Body.Bytes(), &page); err != nil {
			t.Fatal(err)
		}
		html := get(s, path).Body.String()
		if older := strings.Contains(html, `">Older</a>`); older != (page.Next != "") || strings.Count(html, ">delivered</span>") != len(page.Deliveries) {
			t.Errorf("%s: the page has another part of the log", path)
		}
		sizes, path = append(sizes, len(page.Deliveries)), page.Next
	}
	if d := cmp.Diff([]int{deliverySize, deliverySize, 1}, sizes); d != "" {
		t.Error(d)
	}
	for _, before := range []string{"x", "0", "-1"} {
		if got := get(s, "/channels/1?before="+before); got.Code != 422 {
			t.Errorf("before=%s: status %d", before, got.Code)
		}
	}
}

// What was given up before counts no more once something got through.
func TestTheStateOfAChannel(t *testing.T) {
	w := newWorld()
	b := w.alerts()
	s := w.server()
	ch := b.channel(t, "pager", "webhook", map[string]string{"url": "https://hooks.example.com"})
	refused := kae.Delivery{State: kae.GivenUp, Attempts: 1, Answer: "404 from hooks.example.com"}
	for _, tt := range []struct {
		happens []kae.Delivery
		want    string // the state
		lead    string // in the page
	}{
		{nil, "not used yet", "No alert has gone there so far."},
		{[]kae.Delivery{{State: kae.Delivered, Attempts: 1}}, "delivers", "Alerts get through: the newest was accepted"},
		{[]kae.Delivery{refused}, "given up", "One alert was given up."},
		{[]kae.Delivery{refused, refused}, "given up", "3 alerts were given up."},
		{[]kae.Delivery{{State: kae.Delivered, Attempts: 1}}, "delivers", "Alerts get through"},
		{[]kae.Delivery{{State: kae.Waiting, Attempts: 1, Answer: "timed out."}}, "retrying", "timed out. The next try is"},
	} {
		for _, d := range tt.happens {
			w.sleep(time.Minute)
			b.deliver(ch, 1, 30*time.Second, d)
		}
		var page struct{ Channel struct{ State string } }
		if err := json.Unmarshal(getJSON(s, "/channels/1").Body.Bytes(), &page); err != nil || page.Channel.State != tt.want {
			t.Errorf("%s, want %s (%v)", page.Channel.State, tt.want, err)
		}
		if html := get(s, "/channels/1").Body.String(); !strings.Contains(html, tt.lead) || strings.Contains(html, "given up.") != (tt.want == "given up") {
			t.Errorf("%s: the page lacks %q, or tells of what was given up: %s", tt.want, tt.lead, html)
		}
	}
}
