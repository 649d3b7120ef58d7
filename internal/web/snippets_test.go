package web

import (
	"strings"
	"testing"

	"kae"
)

func TestCronRunsAtLeastAsOftenAsExpected(t *testing.T) {
	for interval, want := range map[string]string{
		"30": "* * * * *", "90s": "* * * * *", "2m": "*/2 * * * *", "7m": "*/5 * * * *", "59m": "*/30 * * * *",
		"1h": "0 * * * *", "1h30m": "0 * * * *", "1d": "0 3 * * *", "6d": "0 3 * * *", "1w": "0 3 * * 0", "52w": "0 3 * * 0",
	} {
		d, err := kae.ParseDuration(interval)
		if err != nil {
			t.Fatal(err)
		}
		if got := crontab(kae.Every(d)); got != want {
			t.Errorf("every %s: %q, want %q", interval, got, want)
		}
	}
}

func TestSnippetsFollowTheSchedule(t *testing.T) {
	for text, want := range map[string][2]string{ // the crontab line begins so; the timer has
		"1d":                          {"0 3 * * *  /path", ""},
		"30 2 * * 1-5":                {"30 2 * * 1-5  /path", ""},
		"cron: 30 2 * * 1-5":          {"30 2 * * 1-5  /path", ""},
		"@daily":                      {"@daily  /path", ""},
		"Mon..Fri 06:00":              {"# Mon..Fri 06:00\nm h dom mon dow  /path", "OnCalendar=Mon..Fri 06:00 Europe/Madrid"},
		"calendar:daily":              {"# daily\nm h dom mon dow  /path", "OnCalendar=daily Europe/Madrid"},
		"06:00 Asia/Tokyo\n*:0/15:00": {"# 06:00 Asia/Tokyo; *:0/15:00\nm h", "OnCalendar=06:00 Asia/Tokyo\nOnCalendar=*:0/15:00 Europe/Madrid"},
	} {
		all := snippets("https://kae.example.com/hb/x", kae.Token{Schedule: inMadrid(t, text)})
		if !strings.HasPrefix(all[0].Code, want[0]) {
			t.Errorf("%q: crontab %q", text, all[0].Code)
		}
		if systemd := all[3].Code; !strings.HasSuffix(systemd, want[1]) || (want[1] == "") == strings.Contains(systemd, "[Timer]") {
			t.Errorf("%q: systemd %q", text, systemd)
		}
	}
}

func TestSnippetsAreSuchAsTheTokenTakes(t *testing.T) {
	const url = "https://kae.example.com/hb/x"
	for _, s := range snippets(url, kae.Token{Schedule: inMadrid(t, "1d"), PostOnly: true}) {
		posts := strings.Contains(s.Code, "POST") || strings.Contains(s.Code, "Post") || strings.Contains(s.Code, "data=") || strings.Contains(s.Code, "kae")
		if !posts || !strings.Contains(s.Code, url) {
			t.Errorf("%s: %s", s.Name, s.Code)
		}
	}
	for _, s := range snippets(url, kae.Token{Schedule: inMadrid(t, "1d"), BodyHas: "DONE"}) {
		if s.Name == "crontab" && !strings.Contains(s.Code, "--data-binary @-") {
			t.Errorf("%s does not send what is looked for: %s", s.Name, s.Code)
		}
	}
}

func TestTheManifestHasTheSchedule(t *testing.T) {
	for text, want := range map[string]string{
		"1d":                 "  schedule: \"0 3 * * *\"\n  concurrencyPolicy: Forbid\n",
		"cron: 30 2 * * 1-5": "  schedule: \"30 2 * * 1-5\"\n  timeZone: Europe/Madrid\n  concurrencyPolicy: Forbid\n",
		"Mon..Fri 06:00":     "  schedule: \"m h dom mon dow\" # Mon..Fri 06:00\n  timeZone: Europe/Madrid\n  concurrencyPolicy: Forbid\n",
	} {
		const url = "https://kae.example.com/hb/x"
		got := cronJob(url, inMadrid(t, text))
		if !strings.Contains(got, want) || !strings.HasSuffix(got, "\n              value: "+url) {
			t.Errorf("%q:\n%s", text, got)
		}
	}
}
