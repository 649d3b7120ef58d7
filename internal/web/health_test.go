package web

import (
	"testing"
	"time"

	"kae"
)

func TestHealth(t *testing.T) {
	for _, tt := range []struct {
		name   string
		health kae.Health
		status int
		want   string
	}{
		{"well", kae.Health{LastCommit: noon.Add(-1200 * time.Millisecond)}, 200,
			`{"ok":true,"message":"All is well: nothing is overdue.","last_commit_seconds":1.2,"overdue":0,"failing_since":null,"undelivered":0}`},
		{"just in time", kae.Health{LastCommit: noon.Add(-15 * time.Second)}, 200,
			`{"ok":true,"message":"All is well: nothing is overdue.","last_commit_seconds":15,"overdue":0,"failing_since":null,"undelivered":0}`},
		{"silent", kae.Health{LastCommit: noon.Add(-16 * time.Second)}, 503,
			`{"ok":false,"message":"Nothing was committed for 16 s; 15 s is the most that is normal.","last_commit_seconds":16,"overdue":0,"failing_since":null,"undelivered":0}`},
		{"one overdue", kae.Health{LastCommit: noon, Overdue: 1}, 503,
			`{"ok":false,"message":"One token is overdue and does not fire.","last_commit_seconds":0,"overdue":1,"failing_since":null,"undelivered":0}`},
		{"overdue", kae.Health{LastCommit: noon, Overdue: 3}, 503,
			`{"ok":false,"message":"3 tokens are overdue and do not fire.","last_commit_seconds":0,"overdue":3,"failing_since":null,"undelivered":0}`},
		{"failing", kae.Health{LastCommit: noon.Add(-time.Minute), FailingSince: noon.Add(-time.Minute), Overdue: 2}, 503,
			`{"ok":false,"message":"The database fails since 2026-11-22T11:59:00Z. Heartbeats are refused with 503 until it works again.","last_commit_seconds":60,"overdue":2,"failing_since":"2026-11-22T11:59:00.000000Z","undelivered":0}`},
		{"the clock was set back", kae.Health{LastCommit: noon.Add(time.Hour)}, 200,
			`{"ok":true,"message":"All is well: nothing is overdue.","last_commit_seconds":0,"overdue":0,"failing_since":null,"undelivered":0}`},
		{"just born", kae.Health{}, 503,
			`{"ok":false,"message":"Nothing has been committed yet.","last_commit_seconds":null,"overdue":0,"failing_since":null,"undelivered":0}`},
	} {
		w := newWorld()
		w.health = tt.health
		got := get(w.server(), "/healthz")
		if got.Code != tt.status || got.Body.String() != tt.want+"\n" || got.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: status %d\n got %swant %s", tt.name, got.Code, got.Body, tt.want)
		}
	}
}
