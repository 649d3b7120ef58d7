package notify

import (
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

// What every scene says, as it is read.
func TestWords(t *testing.T) {
	all := scenes(t)
	got := ""
	for _, name := range slices.Sorted(maps.Keys(all)) {
		said := all[name].discreet().say()
		got += "==== " + name + "\n\n" + said.Title + "\n\n" + said.text() + "\n\n"
	}
	golden(t, "words", got)
}

func TestTitleOfManyIsOneLine(t *testing.T) {
	if got, want := scenes(t)["storm"].say().Title, "17 tokens silent since 02:00, 15 of them tag:db-3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// What became of a token after the flip is not what the flip was.
func TestRecoveryOfATokenThatWasRemovedSince(t *testing.T) {
	m := scenes(t)["recovered"]
	m.Events[0].Token.RemovedAt = m.Events[0].At.Add(time.Minute)
	if got := m.say().Title; !strings.HasSuffix(got, "recovered after 2 h 14 min") {
		t.Errorf("it says %q", got)
	}
}

func TestLengths(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "less than 1 s", 59 * time.Second: "59 s", 10 * time.Minute: "10 min", 61 * time.Second: "1 min 1 s",
		time.Hour: "1 h", time.Hour + time.Second: "1 h", 8040 * time.Second: "2 h 14 min", 49 * time.Hour: "2 d 1 h", 48*time.Hour + time.Minute: "2 d",
	} {
		if got := length(d); got != want {
			t.Errorf("%s is told as %q, want %q", d, got, want)
		}
	}
}

func TestOutputIsToldFromItsEnd(t *testing.T) {
	got := tail(strings.Repeat("line\n", 100) + "the end\n\n")
	if strings.Count(got, "\n") != tailLines-1 || !strings.HasSuffix(got, "the end") {
		t.Errorf("got %q", got)
	}
	if got = tail(strings.Repeat("ä", 5000)); len(got) > tailBytes+3 || !strings.HasPrefix(got, "…ä") {
		t.Errorf("got %d bytes, %q", len(got), got[:10])
	}
}

// Jobs print the commands that they run, and people write into descriptions
// what they should not.
func TestValuesAreHidden(t *testing.T) {
	m := scenes(t)["failed"]
	m.Events[0].Token.Value = "" // it is left out, or was renewed since
	m.Events[0].Token.Description = "curl kae/hb/" + secretUUID + "/fail?m=x and " + secretValue
	m.Events[0].Token.Tags = []string{secretValue}
	m.Events[0].Beat.Message = "(" + secretValue + ")"
	for _, text := range []string{m.discreet().say().text(), string(must(plainJSON(payloadOf(m.discreet()))))} {
		if strings.Contains(text, secretValue) || strings.Contains(text, secretUUID) {
			t.Errorf("it says\n%s", text)
		}
	}
	if !strings.Contains(m.Events[0].Token.Description, secretUUID) || m.Events[0].Token.Tags[0] != secretValue {
		t.Error("the message of the caller was changed")
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}
