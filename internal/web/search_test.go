package web

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"kae"
	"kae/internal/roster"
)

func TestSearchesAreRead(t *testing.T) {
	type query = roster.Query
	for q, want := range map[string]query{
		"":                                 {},
		" \t ":                             {},
		"backup":                           {Words: []string{"backup"}},
		"Nightly  BACKUP":                  {Words: []string{"nightly", "backup"}},
		"backup backup":                    {Words: []string{"backup"}},
		"is:firing":                        {Is: []string{"firing"}},
		"IS:Firing":                        {Is: []string{"firing"}},
		"is:missed tag:db is:new":          {Is: []string{"missed", "new"}, Tags: []string{"db"}},
		"is:failed is:overran":             {Is: []string{"failed", "overran"}},
		"tag:DB tag:prod dump":             {Tags: []string{"DB", "prod"}, Words: []string{"dump"}},
		`"nightly backup" x`:               {Words: []string{"nightly backup", "x"}},
		`nightly" "backup`:                 {Words: []string{"nightly backup"}},
		`tag:"two words"`:                  {Tags: []string{"two words"}},
		`"is:firing"`:                      {Words: []string{"is:firing"}},
		`i"s":firing`:                      {Words: []string{"is:firing"}},
		"“nightly backup” „und jetzt“":     {Words: []string{"nightly backup", "und jetzt"}},
		`"never closed`:                    {Words: []string{"never closed"}},
		`"`:                                {},
		`"" " "`:                           {},
		`"a \"b\" \\ \c"`:                  {Words: []string{`a "b" \ \c`}},
		`C:\jobs\x`:                        {Words: []string{`c:\jobs\x`}},
		"03:00 https://x status:up tags:a": {Words: []string{"03:00", "https://x", "status:up", "tags:a"}},
		"tag:a:b":                          {Tags: []string{"a:b"}},
		"tag:is:late":                      {Tags: []string{"is:late"}},
		"ÄRGER":                            {Words: []string{"ärger"}},
		"a\u00a0b":                         {Words: []string{"a", "b"}},
		"\xff":                             {Words: []string{"\ufffd"}},
	} {
		got, err := parseSearch(q)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Errorf("%q: %v\n%s", q, err, d)
		}
	}
}

func TestWrongSearchesSayWhatIsPossible(t *testing.T) {
	for q, says := range map[string]string{
		"backup is:lost":         "“is:lost” is no state. Possible are is: with firing, late, unknown, running, up, new, disabled, removed, missed, failed, overran, acknowledged or snoozed.",
		"is:":                    "“is:” is no state.",
		"is: firing":             "“is:” is no state.",
		"tag: db":                "Which tag? Write it right behind the colon: tag:db.",
		strings.Repeat("é", 501): "The search has 501 characters; at most 500 are possible.",
	} {
		_, err := parseSearch(q)
		e, ok := errors.AsType[*kae.Error](err)
		if !ok || e.Code != kae.Invalid || e.Field != "q" || !strings.Contains(e.Message, says) {
			t.Errorf("%.20q: %v, want %q", q, err, says)
		}
	}
	if _, err := parseSearch(strings.Repeat("é", 500)); err != nil {
		t.Errorf("500 characters: %v", err)
	}
}

// Whatever is read can be written and read again.
func FuzzSearch(f *testing.F) {
	for _, q := range []string{"", `is:late tag:"a b" "x y" z`, `"is:late" tag:"is:x"`, `tag:5"disk”`, "“„\"", `"\"\\\c`, "TAG:İ ſ", "\xff\x00:"} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, q string) {
		want, err := parseSearch(q)
		if err != nil {
			if kae.ErrorCode(err) != kae.Invalid {
				t.Fatal(err)
			}
			return
		}
		text := searchText(want)
		// What is written may be longer than what may be typed.
		if len(text) > maxSearch {
			return
		}
		got, err := parseSearch(text)
		if d := cmp.Diff(want, got); err != nil || d != "" {
			t.Fatalf("%q becomes %q: %v\n%s", q, text, err, d)
		}
	})
}

// Any tag can be asked for: chips of a row lead to the tokens with the same.
func FuzzSearchForTags(f *testing.F) {
	for _, tag := range []string{"db", `5"disk`, `“x”`, `\`, `a\"b`, "is:late", "Ä"} {
		f.Add(tag)
	}
	f.Fuzz(func(t *testing.T, tag string) {
		tags := kae.ParseTags(tag)
		if (kae.Token{Name: "x", Tags: tags, Schedule: kae.Every(1e9)}).Validate() != nil || len(tags) == 0 {
			return
		}
		got, err := parseSearch(term{"tag", tags[0]}.String())
		if d := cmp.Diff(roster.Query{Tags: tags[:1]}, got); err != nil || d != "" {
			t.Fatalf("%q: %v\n%s", tag, err, d)
		}
	})
}
