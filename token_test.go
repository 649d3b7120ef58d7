package kae

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParseDuration(t *testing.T) {
	good := map[string]time.Duration{
		"0": 0, "90": 90 * time.Second, "90s": 90 * time.Second, "30m": 30 * time.Minute,
		"1h30m": 90 * time.Minute, "2d": 48 * time.Hour, "1w": 168 * time.Hour, "1w2d3h4m5s": 788645 * time.Second,
		" 1h 30m ": 90 * time.Minute, "007": 7 * time.Second, "3650d": MaxInterval,
	}
	for in, want := range good {
		if got, err := ParseDuration(in); err != nil || got != want {
			t.Errorf("%q: got %v, %v; want %v", in, got, err, want)
		}
	}
	for _, in := range []string{"", " ", "m", "1x", "-1", "-1h", "1.5h", "1h30", "30m1h", "1h1h", "1 2", "daily", "1h,30m", "０", "1e3", "+5"} {
		if got, err := ParseDuration(in); err == nil {
			t.Errorf("%q: got %v, want an error", in, got)
		}
	}
	huge := []string{"99999999999999999999999999", "999999999999w", "9223372036854775807", "300w99999999d"}
	for _, in := range huge {
		if _, err := ParseSchedule(in, nil); ErrorCode(err) != Invalid {
			t.Errorf("%q: %v, want it refused", in, err)
		}
	}
}

func TestNewValue(t *testing.T) {
	is := regexp.MustCompile(`^[bcdfghjklmnpqrstvwxyz]{20}$`)
	seen, letters := map[string]bool{}, map[rune]int{}
	for range 5000 {
		v := NewValue()
		if !is.MatchString(v) || seen[v] {
			t.Fatalf("value %q (seen before: %t)", v, seen[v])
		}
		seen[v] = true
		for _, r := range v {
			letters[r]++
		}
	}
	// 100,000 letters, 4,762 expected of each: 10 % off is eight standard deviations.
	for r, n := range letters {
		if n < 4286 || n > 5238 {
			t.Errorf("letter %c came %d times", r, n)
		}
	}
	if len(letters) != 21 {
		t.Errorf("%d letters, want 21", len(letters))
	}
	if u := NewUUID(); !regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$`).MatchString(u) {
		t.Errorf("uuid %q", u)
	}
}

func TestValidate(t *testing.T) {
	good := Token{Name: "a", Schedule: Every(time.Minute)}
	cases := []struct {
		name   string
		change func(*Token)
		fields []string
	}{
		{"good", func(*Token) {}, nil},
		{"no name", func(t *Token) { t.Name = " \t" }, []string{"name"}},
		{"longest name", func(t *Token) { t.Name = strings.Repeat("ü", 255) }, nil},
		{"too long a name", func(t *Token) { t.Name = strings.Repeat("ü", 256) }, []string{"name"}},
		{"name with NUL", func(t *Token) { t.Name = "a\x00b" }, []string{"name"}},
		{"name of two lines", func(t *Token) { t.Name = "a\nb" }, []string{"name"}},
		{"name that is no UTF-8", func(t *Token) { t.Name = "a\xff" }, []string{"name"}},
		{"no schedule", func(t *Token) { t.Schedule = Schedule{} }, []string{"interval"}},
		{"negative grace", func(t *Token) { t.Grace = -1 }, []string{"grace"}},
		{"too long a description", func(t *Token) { t.Description = strings.Repeat("x", 1001) }, []string{"description"}},
		{"description with NUL", func(t *Token) { t.Description = "\x00" }, []string{"description"}},
		{"too many tags", func(t *Token) { t.Tags = strings.Fields(strings.Repeat("x ", 21)) }, []string{"tags"}},
		{"too long a tag", func(t *Token) { t.Tags = []string{strings.Repeat("x", 51)} }, []string{"tags"}},
		{"all at once", func(t *Token) { *t = Token{Description: "\x00", Grace: -1} }, []string{"name", "interval", "grace", "description"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			token := good
			c.change(&token)
			var fields []string
			for _, e := range token.Validate() {
				fields = append(fields, e.Field)
			}
			if diff := cmp.Diff(c.fields, fields); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestParseTags(t *testing.T) {
	if diff := cmp.Diff([]string{"db", "prod", "ü"}, ParseTags(" db,prod  db,, ü\n")); diff != "" {
		t.Error(diff)
	}
}

func TestCleanText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"all well", "all well"}, {"", ""}, {"a\x00b", "a�b"}, {"a\xff\xfeb", "a�"}, {"äöüß", "äöü"}, {"abcdefghi", "abc"}, {"日本語です", "日本語"},
	} {
		limit := 3
		if c.in == "all well" {
			limit = 8
		}
		if got := CleanText(c.in, limit); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}
