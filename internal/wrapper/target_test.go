package wrapper

import (
	"net/url"
	"strings"
	"testing"

	"kae"
)

func TestHeartbeatsGoToTheURLOfTheToken(t *testing.T) {
	const base = "https://kae.example.org"
	for token, want := range map[string]string{
		value:                                   base + "/hb/" + value + "/start?rid=1",
		" " + value + "\n":                      base + "/hb/" + value + "/start?rid=1",
		"8f14e45f-ceea-467f-a1d2-91b7a3a8b0c1":  base + "/hb/8f14e45f-ceea-467f-a1d2-91b7a3a8b0c1/start?rid=1",
		"http://localhost:1/hb/" + value + "/":  "http://localhost:1/hb/" + value + "/start?rid=1",
		"https://example.net/in/abc?key=secret": "https://example.net/in/abc/start?key=secret&rid=1",
	} {
		got, err := ParseTarget(token, base)
		if err != nil {
			t.Errorf("%s: %v", token, err)
		} else if to := got.heartbeat("start", url.Values{"rid": {"1"}}); to != want {
			t.Errorf("%s: %s, want %s", token, to, want)
		}
	}
}

func TestWhatIsNoTokenIsNotRepeated(t *testing.T) {
	for _, token := range []string{"", "sesame", value[1:], value + "b", "ftp://host/hb/" + value, "https://", "http://host/", "https://[sesame/hb/x"} {
		if _, err := ParseTarget(token, "http://kae"); kae.ErrorCode(err) != kae.Invalid || strings.Contains(err.Error(), "sesame") {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestWhatIsSecretInAURL(t *testing.T) {
	for token, want := range map[string]string{
		"https://kae.example.org/monitoring/hb/" + value: "monitoring ******************** /hb/",
		"https://hc.example.net/ping/" + value:           "monitoring ******************** /hb/",
	} {
		target, err := ParseTarget(token, "")
		if err != nil {
			t.Fatal(err)
		}
		if got := target.secret.hideIn("monitoring " + value + " /hb/"); got != want {
			t.Errorf("%s: %q", token, got)
		}
	}
	target, err := ParseTarget("https://me:opensesame@host/in/ab?token=abcdefgh", "")
	if err != nil {
		t.Fatal(err)
	}
	if got := target.secret.hideIn("opensesame in ab abcdefgh"); got != "********** in ab ********" {
		t.Errorf("%q", got)
	}
}
