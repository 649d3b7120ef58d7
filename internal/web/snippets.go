package web

import (
	"fmt"
	"strings"
	"time"

	"kae"
)

// snippet is one way to send a heartbeat.
type snippet struct {
	ID   string // of its tab
	Name string
	Code string
}

// snippets are lines to copy, with the real URL, such as the token takes.
func snippets(url string, t kae.Token) []snippet {
	curl, method, get, data := "curl -fsS -m 10 --retry 5 -o /dev/null", "", fmt.Sprintf("client.Get(%q)", url), ""
	if t.PostOnly {
		curl, method, get, data = curl+" -X POST", " -Method Post", fmt.Sprintf("client.Post(%q, \"\", nil)", url), `, data=b""`
	}
	job := "/path/to/job && " + curl
	if t.BodyHas != "" { // which is looked for in what the job writes
		job = "/path/to/job 2>&1 | " + curl + " --data-binary @-"
	}
	lines := func(l ...string) string { return strings.Join(l, "\n") }
	return []snippet{
		{"h1", "crontab", crontab(t.Schedule) + "  " + job + " " + url},
		{"h2", "Shell", lines("KAE="+url, curl+" $KAE/start", "/path/to/job >job.log 2>&1; status=$?",
			curl+" --data-binary @job.log $KAE/$status", "exit $status")},
		{"h3", "kae exec", "kae exec " + url + " -- /path/to/job"},
		{"h4", "systemd", lines("[Service]", "Type=oneshot", "ExecStart=/path/to/job",
			"ExecStopPost=-/usr/bin/"+curl+" "+url+"/${EXIT_STATUS}") + timer(t.Schedule)},
		{"h5", "PowerShell", lines("& C:\\path\\to\\job.exe", "$failed = [int]($LASTEXITCODE -ne 0) # exit codes of Windows go beyond 255",
			"Invoke-RestMethod \""+url+"/${failed}?m=exit+code+$LASTEXITCODE\" -TimeoutSec 10"+method)},
		{"h6", "Python", lines("import urllib.request", "", fmt.Sprintf("urllib.request.urlopen(%q%s, timeout=10).close()", url, data))},
		{"h7", "Go", lines("client := http.Client{Timeout: 10 * time.Second}", "resp, err := "+get,
			"if err == nil {", "\tresp.Body.Close()", "}")},
		{"h8", "Kubernetes", cronJob(url, t.Schedule)},
	}
}

// cronJob is a manifest whose container runs the job by kae exec.
func cronJob(url string, s kae.Schedule) string {
	when := fmt.Sprintf("%q", crontab(s))
	if comment, expr, found := strings.Cut(crontab(s), "\n"); found {
		when = fmt.Sprintf("%q %s", expr, comment)
	}
	if s.Clock() {
		when += "\n  timeZone: " + s.Zone().String()
	}
	return `apiVersion: batch/v1
kind: CronJob
metadata:
  name: job
spec:
  schedule: ` + when + `
  concurrencyPolicy: Forbid
  jobTemplate:
    spec:
      backoffLimit: 0
      template:
        spec:
          restartPolicy: Never
          containers:
          - name: job
            image: registry.example.com/job:1 # with kae in it
            command: ["kae", "exec", "--", "/path/to/job"]
            env:
            - name: KAE_TOKEN # better from a Secret
              value: ` + url
}

// crontab gives the cron expression of a schedule; for a length of time one
// that runs as seldom as that allows.
func crontab(s kae.Schedule) string {
	if s.Clock() {
		text := unprefixed(s)
		if isCron(text) {
			return text
		}
		return "# " + strings.ReplaceAll(text, "\n", "; ") + "\nm h dom mon dow"
	}
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
		if s.Interval() >= c.most {
			return c.expr
		}
	}
	return "* * * * *"
}

// unprefixed gives a schedule without the word that says what it is.
func unprefixed(s kae.Schedule) string {
	before, after, found := strings.Cut(s.String(), ":")
	switch strings.ToLower(before) {
	case "cron", "calendar":
		if found {
			return strings.TrimSpace(after)
		}
	}
	return s.String()
}

// isCron tells a cron expression from a calendar expression.
func isCron(text string) bool {
	return strings.HasPrefix(text, "@") || len(strings.Fields(text)) == 5 && !strings.ContainsAny(text, ":\n")
}

// timer gives the timer unit of a calendar expression, which is systemd's own.
func timer(s kae.Schedule) string {
	if !s.Clock() || isCron(unprefixed(s)) {
		return ""
	}
	unit := "\n\n# and in its timer\n[Timer]"
	for line := range strings.SplitSeq(unprefixed(s), "\n") {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		unit += "\nOnCalendar=" + line
		if !namesZone(line) {
			unit += " " + s.Zone().String()
		}
	}
	return unit
}
