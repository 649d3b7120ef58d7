package web

import (
	"fmt"
	"time"
)

// snippet is one way to send a heartbeat.
type snippet struct {
	ID   string // of its tab
	Name string
	Code string
}

func snippets(url string, every time.Duration) []snippet {
	curl := "curl -fsS -m 10 --retry 5 -o /dev/null"
	return []snippet{
		{"h1", "crontab", fmt.Sprintf("%s  /path/to/job && %s %s", crontab(every), curl, url)},
		{"h2", "Shell", fmt.Sprintf("/path/to/job >job.log 2>&1 &&\n  %s --data-binary @job.log '%s?m=done'", curl, url)},
		{"h3", "PowerShell", fmt.Sprintf("& C:\\path\\to\\job.exe\nif ($LASTEXITCODE -eq 0) {\n  Invoke-RestMethod %s -TimeoutSec 10\n}", url)},
		{"h4", "Python", fmt.Sprintf("import urllib.request\n\nurllib.request.urlopen(\"%s\", timeout=10).close()", url)},
		{"h5", "Go", fmt.Sprintf("client := http.Client{Timeout: 10 * time.Second}\nresp, err := client.Get(\"%s\")\nif err == nil {\n\tresp.Body.Close()\n}", url)},
	}
}

// crontab gives the cron expression that runs as seldom as an interval allows.
func crontab(every time.Duration) string {
	for _, c := range []struct {
		most time.Duration
		expr string
	}{
		{week, "0 3 * * 0"}, {24 * time.Hour, "0 3 * * *"},
		{12 * time.Hour, "0 */12 * * *"}, {6 * time.Hour, "0 */6 * * *"}, {4 * time.Hour, "0 */4 * * *"},
		{3 * time.Hour, "0 */3 * * *"}, {2 * time.Hour, "0 */2 * * *"}, {time.Hour, "0 * * * *"},
		{30 * time.Minute, "*/30 * * * *"}, {20 * time.Minute, "*/20 * * * *"}, {15 * time.Minute, "*/15 * * * *"},
		{10 * time.Minute, "*/10 * * * *"}, {5 * time.Minute, "*/5 * * * *"}, {2 * time.Minute, "*/2 * * * *"},
	} {
		if every >= c.most {
			return c.expr
		}
	}
	return "* * * * *"
}
