package web

import (
	"fmt"
	"net/url"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kae"
)

// Tokens are chosen by their names, by their numbers or by their tags.
func TestChoosingTokens(t *testing.T) {
	w := newWorld()
	for _, name := range []string{"Nightly backup", "Renewal, mail.example.com", "Twin", "twin", "Gone", "mail.example.com"} {
		w.make(t, name, "1h", "")
	}
	gone, _ := w.roster.Get(5)
	w.do(gone, 0, kae.Token.Remove)
	s := w.server()
	for _, tt := range []struct {
		name  string
		form  url.Values
		want  kae.Pick
		wrong string // "field: message"
	}{
		{"nothing", url.Values{}, kae.Pick{}, ""},
		{"any, whatever else is filled in", url.Values{"x_which": {"any"}, "x_tags": {"db"}, "x_tokens": {"nonsense"}}, kae.Pick{}, ""},
		{"tags", url.Values{"x_which": {"tags"}, "x_tags": {" db,web  db"}}, kae.Pick{Tags: []string{"db", "web"}}, ""},
		{"tags, not said so", url.Values{"x_tags": {"db"}}, kae.Pick{Tags: []string{"db"}}, ""},
		{"no tags", url.Values{"x_which": {"tags"}, "x_tags": {" , "}}, kae.Pick{}, "x_tags: Write at least one tag, or choose any token."},
		{"a long tag", url.Values{"x_tags": {strings.Repeat("x", 51)}}, kae.Pick{}, "x_tags: A tag is a word of at most 50 characters."},
		{"lines", url.Values{"x_which": {"tokens"}, "x_tokens": {"nightly  BACKUP\r\n\r\n#3\r\n"}}, kae.Pick{Tokens: []int64{1, 3}}, ""},
		{"commas", url.Values{"x_tokens": {"#3, #4 Any words, Nightly backup,"}}, kae.Pick{Tokens: []int64{3, 4, 1}}, ""},
		{"a comma in a name", url.Values{"x_tokens": {"Renewal, mail.example.com, #4"}}, kae.Pick{Tokens: []int64{2, 4}}, ""},
		{"a comma in a numbered name", url.Values{"x_tokens": {"#2 Renewal, mail.example.com, mail.example.com"}}, kae.Pick{Tokens: []int64{2, 6}}, ""},
		{"one twice", url.Values{"x_tokens": {"#1\n#1 Nightly backup\nNightly backup"}}, kae.Pick{Tokens: []int64{1}}, ""},
		{"removed, by its number", url.Values{"x_tokens": {"#5"}}, kae.Pick{Tokens: []int64{5}}, ""},
		{"gone, but kept", url.Values{"x_tokens": {"#77"}}, kae.Pick{Tokens: []int64{77}}, ""},
		{"gone", url.Values{"x_tokens": {"#78 Old"}}, kae.Pick{}, "x_tokens: There is no token #78, or it is gone for good. Take it off the list."},
		{"removed, by its name", url.Values{"x_tokens": {"Gone"}}, kae.Pick{}, "x_tokens: There is no token “Gone”. Write its name as the list has it, or its number, such as #12."},
		{"a part of a name", url.Values{"x_tokens": {"#1, backup"}}, kae.Pick{}, "x_tokens: There is no token “backup”. Write its name as the list has it, or its number, such as #12."},
		{"several of a name", url.Values{"x_tokens": {"#1\nTWIN"}}, kae.Pick{}, "x_tokens: 2 tokens have the name “TWIN”. Write which one: #3 or #4."},
		{"no number", url.Values{"x_tokens": {"#x"}}, kae.Pick{}, "x_tokens: There is no token “#x”. Write its name as the list has it, or its number, such as #12."},
		{"no tokens", url.Values{"x_which": {"tokens"}}, kae.Pick{}, "x_tokens: Name at least one token, or choose any token."},
		{"none of the three", url.Values{"x_which": {"all"}}, kae.Pick{}, "x_which: Which tokens (which) is any, tags or tokens."},
	} {
		got, typed, err := s.pickOf(tt.form, "x_", []int64{77})
		wrong := ""
		for _, e := range faults(err) {
			wrong = e.Field + ": " + e.Message
		}
		if d := cmp.Diff(tt.want, got); d != "" || wrong != tt.wrong || typed.Tags != tt.form.Get("x_tags") || typed.Tokens != tt.form.Get("x_tokens") {
			t.Errorf("%s: error %q, typed %+v (-want +got):\n%s", tt.name, wrong, typed, d)
		}
	}
}

func TestTooManyTokensAreChosenByATag(t *testing.T) {
	w := newWorld()
	var names []string
	for i := range kae.MaxPicked + 1 {
		names = append(names, w.make(t, fmt.Sprintf("job %d", i), "1h", "").Name)
	}
	_, _, err := w.server().pickOf(url.Values{"tokens": {strings.Join(names, "\n")}}, "", nil)
	if all := faults(err); len(all) != 1 || all[0].Field != "tokens" || !strings.Contains(all[0].Message, "give them a tag") {
		t.Errorf("%v", err)
	}
}

// What a form shows of a choice means the same when it is sent.
func TestAChoiceOfTokensInWords(t *testing.T) {
	w := newWorld()
	for _, name := range []string{"Nightly backup", "Renewal, mail.example.com", "Twin", "#1"} {
		w.make(t, name, "1h", "")
	}
	s := w.server()
	for _, tt := range []struct {
		pick        kae.Pick
		words, text string
	}{
		{kae.Pick{}, "any token", ""},
		{kae.Pick{Tags: []string{"db"}}, "tokens tagged db", ""},
		{kae.Pick{Tags: []string{"db", "web", "etl"}}, "tokens tagged db, web or etl", ""},
		{kae.Pick{Tokens: []int64{2}}, "Renewal, mail.example.com", "#2 Renewal, mail.example.com"},
		{kae.Pick{Tokens: []int64{1, 4}}, "Nightly backup and #1", "#1 Nightly backup\n#4 #1"},
		{kae.Pick{Tokens: []int64{1, 99, 3}}, "Nightly backup and 2 more", "#1 Nightly backup\n#99\n#3 Twin"},
		{kae.Pick{Tokens: []int64{99}}, "#99", "#99"},
	} {
		typed := s.pickFormOf(tt.pick)
		if words := s.pickWords(tt.pick); words != tt.words || typed.Tokens != tt.text {
			t.Errorf("%+v: %q, %q", tt.pick, words, typed.Tokens)
		}
		again, _, err := s.pickOf(url.Values{"which": {typed.Which}, "tags": {typed.Tags}, "tokens": {typed.Tokens}}, "", tt.pick.Tokens)
		if d := cmp.Diff(tt.pick, again); d != "" || err != nil {
			t.Errorf("%v (-want +got):\n%s", err, d)
		}
	}
}
