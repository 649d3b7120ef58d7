package web

import (
	"bytes"
	"fmt"
	"html"
	"mime/multipart"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"kae"
)

func TestCreatingAToken(t *testing.T) {
	w := newWorld()
	got := post(w.server(), "/newtoken", "name", " Nightly backup ", "interval", "1d", "grace", "10m", "tags", "db, prod db", "description", "One\r\ntwo\n")
	if got.Code != 303 || got.Header().Get("Location") != "/tokens/1" {
		t.Fatalf("status %d to %q: %s", got.Code, got.Header().Get("Location"), got.Body)
	}
	token, _ := w.roster.Get(1)
	if want := "Created. Heartbeats go to http://localhost:20999/hb/" + token.Value + "\n"; got.Body.String() != want {
		t.Errorf("told %q, want %q", got.Body, want)
	}
	schedule, _ := kae.ParseSchedule("1d", nil)
	want := kae.Settings{Name: "Nightly backup", Schedule: schedule, Grace: 10 * time.Minute, Tags: []string{"db", "prod"}, Description: "One\ntwo"}
	if d := cmp.Diff(want, token.Settings(), cmp.AllowUnexported(kae.Schedule{})); d != "" {
		t.Errorf("settings (-want +got):\n%s", d)
	}
}

func TestCreatingATokenInJSON(t *testing.T) {
	w := newWorld()
	got := request{method: "POST", path: "/newtoken", form: url.Values{"name": {"a"}, "interval": {"2"}}, header: http.Header{"Accept": {"application/json"}}}.do(w.server())
	v := decode[struct {
		ID       int64
		URL      string
		Schedule string
	}](t, got, 201)
	token, _ := w.roster.Get(1)
	if v.ID != 1 || v.Schedule != "2" || v.URL != "http://localhost:20999/hb/"+token.Value {
		t.Errorf("got %+v", v)
	}
}

func TestMultipartFormsAreForms(t *testing.T) {
	w := newWorld()
	var body bytes.Buffer
	m := multipart.NewWriter(&body)
	m.WriteField("name", "a")
	m.WriteField("interval", "1h")
	m.Close()
	got := request{method: "POST", path: "/newtoken", body: body.String(), header: http.Header{"Content-Type": {m.FormDataContentType()}}}.do(w.server())
	if got.Code != 303 || w.roster.Len() != 1 {
		t.Errorf("status %d", got.Code)
	}
}

func TestErrorsStandBesideTheirField(t *testing.T) {
	w := newWorld()
	typed := map[string]string{"name": " ", "interval": "soon <b>", "grace": "15 mins", "tags": strings.Repeat("x", 51), "description": strings.Repeat("y", 1001)}
	form := url.Values{}
	for field, value := range typed {
		form.Set(field, value)
	}
	got := request{method: "POST", path: "/newtoken", form: form}.do(w.server())
	page := got.Body.String()
	if got.Code != 422 || w.roster.Len() != 0 {
		t.Fatalf("status %d, %d tokens", got.Code, w.roster.Len())
	}
	for field, value := range typed {
		if !strings.Contains(page, html.EscapeString(value)) {
			t.Errorf("%s: what was typed is lost", field)
		}
		_, element, _ := strings.Cut(page, fmt.Sprintf(`id="%s"`, field))
		element, _, _ = strings.Cut(element, ">")
		if !strings.Contains(element, `aria-invalid="true"`) || !strings.Contains(element, fmt.Sprintf(`aria-describedby="%s-says`, field)) {
			t.Errorf("%s: %s", field, element)
		}
		if !strings.Contains(page, fmt.Sprintf(`id="%s-says"`, field)) {
			t.Errorf("%s: no error beside it", field)
		}
	}
	if n := strings.Count(page, "autofocus"); n != 1 {
		t.Errorf("%d fields take the focus", n)
	}

	for name, tt := range map[string]struct {
		form  url.Values
		field string
	}{
		"nothing":      {url.Values{}, "name"},
		"no name":      {url.Values{"interval": {"1h"}}, "name"},
		"bad interval": {url.Values{"name": {"a"}, "interval": {"0"}}, "interval"},
		"bad grace":    {url.Values{"name": {"a"}, "interval": {"1h"}, "grace": {"-1"}}, "grace"},
		"bad tags":     {url.Values{"name": {"a"}, "interval": {"1h"}, "tags": {strings.Repeat("x", 51)}}, "tags"},
		"NUL":          {url.Values{"name": {"a\x00"}, "interval": {"1h"}}, "name"},
		"no UTF-8":     {url.Values{"name": {"a"}, "interval": {"1h"}, "description": {"\xff"}}, "description"},
		"two":          {url.Values{"name": {""}, "interval": {"x"}, "grace": {"x"}}, "name"},
	} {
		got := request{method: "POST", path: "/newtoken", form: tt.form, header: asJSON}.do(w.server())
		p := decode[problem](t, got, 422)
		if p.Field != tt.field || !strings.HasSuffix(p.Error, ".") {
			t.Errorf("%s: %+v, want field %s", name, p, tt.field)
		}
	}
}

// A name is all that it takes.
func TestHowOftenIsDailyUnlessSaid(t *testing.T) {
	w := newWorld()
	s := w.server()
	for _, c := range []struct {
		name, path string
		form       url.Values
		status     int
		want       string
	}{
		{"not sent", "/newtoken", url.Values{"name": {"a"}}, 201, "1d"},
		{"empty", "/newtoken", url.Values{"name": {"a"}, "interval": {" "}}, 201, "1d"},
		{"said", "/newtoken", url.Values{"name": {"a"}, "interval": {"5m"}}, 201, "5m"},
		{"not sent later, it stays", "/tokens/3", url.Values{"name": {"b"}}, 200, "5m"},
		{"emptied later", "/tokens/3", url.Values{"interval": {""}}, 200, "1d"},
	} {
		got := request{method: "POST", path: c.path, form: c.form, header: asJSON}.do(s)
		if token := decode[struct{ Schedule string }](t, got, c.status); token.Schedule != c.want {
			t.Errorf("%s: %q, want %q", c.name, token.Schedule, c.want)
		}
	}
}

func TestFormsThatAreNone(t *testing.T) {
	w := newWorld()
	w.make(t, "a", "1h", "")
	s := w.server()
	encoded := "application/x-www-form-urlencoded"
	for name, tt := range map[string]struct {
		kind, body string
		status     int
	}{
		"too large":       {encoded, "name=" + strings.Repeat("x", maxForm), 413},
		"bad escapes":     {encoded, "name=%zz", 400},
		"cut multipart":   {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\na", 400},
		"no boundary":     {"multipart/form-data", "x", 400},
		"no type":         {"", "name=a&interval=1h", 415},
		"JSON":            {"application/json", `{"name":"a"}`, 415},
		"large multipart": {"multipart/form-data; boundary=x", "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\n" + strings.Repeat("x", maxForm) + "\r\n--x--\r\n", 413},
	} {
		for _, path := range []string{"/newtoken", "/tokens/1"} {
			got := request{method: "POST", path: path, body: tt.body, header: http.Header{"Content-Type": {tt.kind}, "Accept": {"application/json"}}}.do(s)
			if p := decode[problem](t, got, tt.status); !strings.HasSuffix(p.Error, ".") {
				t.Errorf("%s to %s: %q", name, path, p.Error)
			}
		}
	}
	if w.roster.Len() != 1 {
		t.Errorf("%d tokens", w.roster.Len())
	}
}

func TestTheShortFormHandsOverWhatWasTyped(t *testing.T) {
	page := get(newWorld().server(), "/newtoken?name=Nightly+%22backup%22&interval=soon").Body.String()
	if !strings.Contains(page, `value="Nightly &#34;backup&#34;"`) || !strings.Contains(page, `value="soon"`) {
		t.Error("what was typed is lost")
	}
	if strings.Contains(page, "aria-invalid") {
		t.Error("it is judged before it was sent")
	}
}

func TestEditingAToken(t *testing.T) {
	w := newWorld()
	token := w.make(t, "Old name", "1h30m", "90s", "db", "prod")
	s := w.server()
	form := get(s, "/tokens/1/edit").Body.String()
	for _, value := range []string{"Old name", "1h30m", "1m30s", "db prod"} {
		if !strings.Contains(form, fmt.Sprintf("value=%q", value)) {
			t.Errorf("the form is without %q", value)
		}
	}
	got := post(s, "/tokens/1", "name", "New name", "tags", "")
	now, _ := w.roster.Get(token.ID)
	if got.Code != 303 || got.Header().Get("Location") != "/tokens/1" {
		t.Errorf("status %d to %q", got.Code, got.Header().Get("Location"))
	}
	if now.Name != "New name" || len(now.Tags) != 0 || now.Schedule.String() != "1h30m" || now.Grace != 90*time.Second {
		t.Errorf("absent fields do not keep their value: %+v", now.Settings())
	}
	got = post(s, "/tokens/1", "interval", "soon", "name", "Newer")
	page := got.Body.String()
	if got.Code != 422 || !strings.Contains(page, `value="soon"`) || !strings.Contains(page, `value="Newer"`) || !strings.Contains(page, `action="/tokens/1"`) {
		t.Errorf("bad input: status %d", got.Code)
	}
	if now, _ := w.roster.Get(token.ID); now.Name != "New name" {
		t.Errorf("bad input was taken: %q", now.Name)
	}
}

func TestButtons(t *testing.T) {
	for _, tt := range []struct {
		path, to string
		before   func(kae.Token, time.Time) kae.Change
		check    func(was, is kae.Token) bool
	}{
		{"disable", "/tokens/1", nil, func(_, is kae.Token) bool { return is.Status == kae.Disabled }},
		{"enable", "/tokens/1", kae.Token.Disable, func(_, is kae.Token) bool { return is.Status == kae.New }},
		{"remove", "/?removed=1", nil, func(_, is kae.Token) bool { return is.Removed() }},
		{"undo", "/tokens/1", kae.Token.Remove, func(_, is kae.Token) bool { return !is.Removed() }},
		{"newvalue", "/tokens/1", nil, func(was, is kae.Token) bool { return was.Value != is.Value && was.UUID != is.UUID }},
	} {
		for _, wantsJSON := range []bool{false, true} {
			w := newWorld()
			token := w.make(t, "a", "1h", "")
			if tt.before != nil {
				w.do(token, 0, tt.before)
			}
			q := request{method: "POST", path: "/tokens/1/" + tt.path}
			if wantsJSON {
				q.header = asJSON
			}
			got := q.do(w.server())
			now, _ := w.roster.Get(1)
			if !tt.check(token, now) {
				t.Errorf("%s: %+v", tt.path, now)
			}
			if wantsJSON {
				if v := decode[struct{ Value string }](t, got, 200); v.Value != now.Value {
					t.Errorf("%s: JSON has value %q", tt.path, v.Value)
				}
			} else if got.Code != 303 || got.Header().Get("Location") != tt.to {
				t.Errorf("%s: status %d to %q", tt.path, got.Code, got.Header().Get("Location"))
			}
		}
	}
}

func TestARemovedTokenHasToBeBroughtBackFirst(t *testing.T) {
	w := newWorld()
	w.do(w.make(t, "a", "1h", ""), 0, kae.Token.Remove)
	for _, path := range []string{"/tokens/1", "/tokens/1/disable", "/tokens/1/enable", "/tokens/1/newvalue"} {
		got := request{method: "POST", path: path, header: asJSON}.do(w.server())
		if p := decode[problem](t, got, 409); !strings.Contains(p.Error, "removed") {
			t.Errorf("%s: %+v", path, p)
		}
	}
	if got := post(w.server(), "/tokens/1/remove"); got.Code != 303 {
		t.Errorf("removing it again: status %d", got.Code)
	}
}

func TestChangesOfATokenThatIsNotThere(t *testing.T) {
	s := newWorld().server()
	for _, path := range []string{"/tokens/1", "/tokens/1/disable", "/tokens/1/undo", "/tokens/x/remove", "/tokens/0"} {
		if got := post(s, path); got.Code != 404 {
			t.Errorf("%s: status %d", path, got.Code)
		}
	}
}

func TestWhatWasTypedOutlivesAFailingDatabase(t *testing.T) {
	w := newWorld()
	w.make(t, "a", "1h", "")
	w.failing(&kae.Error{Code: kae.Unavailable, Message: "The database can’t be used now."})
	got := post(w.server(), "/newtoken", "name", "A long name", "interval", "1h")
	if got.Code != 503 || got.Header().Get("Retry-After") == "" || !strings.Contains(got.Body.String(), `value="A long name"`) || !strings.Contains(got.Body.String(), "can’t be used now") {
		t.Errorf("status %d", got.Code)
	}
	if got := post(w.server(), "/tokens/1/disable"); got.Code != 503 {
		t.Errorf("disable: status %d", got.Code)
	}
}

func TestGetChangesNothing(t *testing.T) {
	w, tokens := scene(t)
	s := w.server()
	state := func() (all []kae.Token) {
		for _, token := range tokens {
			now, _ := w.roster.Get(token.ID)
			all = append(all, now)
		}
		return all
	}
	before := map[int64]kae.Token{}
	for _, token := range state() {
		before[token.ID] = token
	}
	for _, route := range consoleRoutes {
		_, path, _ := strings.Cut(route, " ")
		if path == "/events" {
			continue
		}
		for _, method := range []string{"GET", "HEAD"} {
			request{method: method, path: path}.do(s)
		}
	}
	for _, token := range state() {
		if d := cmp.Diff(before[token.ID], token, cmp.AllowUnexported(kae.Schedule{})); d != "" {
			t.Errorf("a GET changed (-before +after):\n%s", d)
		}
	}
}
