package notify

import (
	"encoding/json"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// The recipes of docs/alerts.md are taken as they stand there, and make what
// their services read, whatever an alert says.
func TestRecipes(t *testing.T) {
	page, err := os.ReadFile("../../docs/alerts.md")
	if err != nil {
		t.Fatal(err)
	}
	_, recipes, _ := strings.Cut(string(page), "## Other services by webhook")
	n := 0
	for _, section := range strings.Split(recipes, "\n### ")[1:] {
		name, text, _ := strings.Cut(section, "\n")
		_, text, _ = strings.Cut(text, "```\n")
		text, _, _ = strings.Cut(text, "\n```")
		n++
		t.Run(name, func(t *testing.T) { recipe(t, text) })
	}
	if n < 8 {
		t.Errorf("there are only %d", n)
	}
}

func recipe(t *testing.T, text string) {
	values := map[string]string{}
	for line := range strings.Lines(text) {
		field, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		values[field] = strings.TrimSpace(values[field] + "\n" + value)
	}
	if _, err := Open("webhook", values, Options{}); err != nil {
		t.Fatal(err)
	}
	r := receive(t, func(w http.ResponseWriter, req *http.Request) {}, "Content-Type")
	_, path, _ := strings.Cut(strings.TrimPrefix(values["url"], "https://"), "/")
	values["url"] = r.URL + "/" + path
	s, err := Open("webhook", values, Options{})
	if err != nil {
		t.Fatal(err)
	}
	for name, m := range scenes(t) {
		if _, err := s.Send(t.Context(), m); err != nil {
			t.Fatal(err)
		}
		got := r.requests()[len(r.requests())-1]
		head, body, _ := strings.Cut(got, "\n\n")
		title, _ := plainJSON(m.say().Title)
		if strings.Contains(head, "form-urlencoded") {
			form, err := url.ParseQuery(strings.TrimSpace(body))
			if err != nil || !strings.HasPrefix(form.Get("content"), m.say().Title+"\n\n") {
				t.Errorf("%s: %v\n%s", name, err, body)
			}
		} else if !json.Valid([]byte(body)) || !strings.Contains(body, strings.Trim(string(title), `"`)) {
			t.Errorf("%s is no JSON with its title:\n%s", name, body)
		}
		if strings.Contains(values["url"], "{key}") && !strings.Contains(head, "/"+m.Key+"\n") {
			t.Errorf("%s has no key in its URL: %s", name, head)
		}
	}
}
