package demo

import (
	"time"

	"kae"
)

// well are those that nothing is wrong with, today.
func well() []role {
	return []role{
		{
			name: "Rebuild the search index", tags: "search", every: "12h", grace: "1h", last: 22 * time.Minute, took: 71 * time.Minute, starts: true, grows: true,
			troubles: []trouble{{span{26 * day, 25 * day}, drags(50 * time.Minute)}},
		},
		{
			name: "Photo library to the NAS", tags: "home backup", every: "1d", grace: "12h", pace: 24*hour - time.Minute, last: 11 * time.Minute,
			took: 34 * time.Minute, starts: true, tells: copies, troubles: []trouble{{span{10 * day, 9 * day}, silent}},
		},
		{
			name: "Catalogue crawl", tags: "search etl", every: "8h", grace: "1h", rules: func(t *kae.Token) { t.MaxRun = 3 * hour },
			last: 95 * time.Minute, took: 130 * time.Minute, starts: true, troubles: []trouble{{span{14*day + 10*hour, 14 * day}, drags(hour)}},
		},
		{name: "Shop front answers", tags: "web prod", every: "1m", grace: "1m", age: 40 * day, tells: answers, troubles: []trouble{{span{35 * day, 35*day - 40*time.Minute}, silent}}},
		{
			name: "Checkout answers, eu-west", tags: "web prod", every: "30s", grace: "30s", age: 9 * day, tells: probes,
			troubles: []trouble{{span{5*day + 90*time.Minute, 5*day + 70*time.Minute}, fails}},
		},
		{name: "Uplink of the office", tags: "net office", every: "2m", grace: "2m", mood: nowAndThen(0.0001, 0.05, 80*time.Second), troubles: []trouble{{span{23 * day, 23*day - 2*hour}, silent}}},
		{name: "MQTT bridge keep-alive", tags: "iot", every: "3m", grace: "1m", site: "farm"},
		{name: "Pharmacy fridge", tags: "iot health", every: "5m", grace: "10m", tells: measures("°C", 3.6, 4.9), about: "Above 8 °C or without a reading: call +34 600 000 000."},
		{name: "Cold storage door", tags: "iot", every: "4m", grace: "1m", site: "farm", mood: nowAndThen(0.001, 0.4, 40*time.Second)},
		{name: "Solar inverter readings", tags: "iot home", every: "10m", grace: "20m", tells: measures("kW", 0.2, 4.8), mood: nowAndThen(0.0007, 0.1, 8*time.Minute)},
		{name: "Irrigation, greenhouse 1", tags: "iot", every: "0 6,18 * * *", zone: "Europe/Madrid", grace: "30m", took: 12 * time.Minute, starts: true, site: "farm"},
		{name: "Postgres WAL archive", tags: "db prod backup", every: "15m", grace: "5m", took: 4 * time.Second, starts: true, troubles: []trouble{{span{20 * day, 20*day - 90*time.Minute}, late(3 * time.Minute)}}},
		{name: "etcd snapshot", tags: "k8s backup", every: "6h", grace: "30m", took: 9 * time.Second, starts: true, site: "cluster", troubles: []trouble{{span{15 * day, 15*day - 6*hour}, held(50 * time.Minute)}}},
		{name: "Container image prune", tags: "k8s", every: "Sat 02:00", grace: "1h", took: 6 * time.Minute, starts: true, site: "cluster"},
		{name: "GitLab mirror pull", tags: "git", every: "30m", grace: "10m", took: 17 * time.Second, starts: true, mood: nowAndThen(0.003, 0.02, 6*time.Minute)},
		{
			name: "Offsite restic prune", tags: "backup", every: "0 5 * * *", zone: "Europe/Madrid", grace: "2h", took: 48 * time.Minute, starts: true, tells: prunes, site: "vault",
			about: "Frees what no snapshot needs any more. A stale lock: restic unlock, then run it again.",
		},
		{name: "Laptop backup, Marta", tags: "home backup", every: "3d", grace: "4d", pace: 30 * hour, wobble: 28 * hour, took: 11 * time.Minute, starts: true},
		{name: "Exchange rates import", tags: "finance", every: "Mon..Fri 16:30", zone: "Europe/Berlin", grace: "45m", took: 70 * time.Second, starts: true, tells: rates},
		{
			name: "Reconcile card settlements against the ledger, EU region", tags: "finance prod", every: "30 6 * * 1-5", zone: "Europe/Madrid", grace: "1h",
			took: 7 * time.Minute, starts: true, tells: settles, troubles: []trouble{{span{13 * day, 11 * day}, fails}},
		},
		{name: "Payroll file to the bank", tags: "finance prod", every: "0 14 25 * *", zone: "Europe/Madrid", grace: "6h", age: 100 * day, took: 3 * time.Minute, starts: true},
		{name: "Invoice PDFs", tags: "finance", every: "10 8-18 * * 1-5", zone: "Europe/Madrid", took: 4 * time.Minute, starts: true},
		{name: "Customer feed to the partner", tags: "etl prod", every: "*/20 * * * *", grace: "15m", took: 3 * time.Minute, starts: true},
		{
			name: "dbt models, marketing", tags: "etl", every: "0 5 * * *", zone: "America/New_York", grace: "1h", took: 14 * time.Minute, starts: true, grows: true, tells: builds,
			troubles: []trouble{{span{3 * day, 2 * day}, fails}, {span{27 * day, 26 * day}, fails}},
		},
		{name: "Campus Wi-Fi counts to S3", tags: "etl", every: "15m", grace: "15m", took: 22 * time.Second, starts: true},
		{name: "Churn model, weekly training", tags: "ml", every: "Mon 04:00", grace: "2h", took: 3 * hour, starts: true, rules: func(t *kae.Token) { t.MaxRun = 6 * hour }},
		{name: "Certificate expiry scan", tags: "tls", every: "0 7 * * *", took: 50 * time.Second, starts: true},
		{name: "Canary files untouched", tags: "security", every: "30m", grace: "5m", about: "If a canary was touched, somebody is encrypting the file server: pull its network cable, then call security."},
		{name: "Thumbnails of new photos", tags: "home", every: "3m", grace: "3m", took: 45 * time.Second, starts: true, age: 12 * day},
		{name: "Video transcoding", tags: "video", every: "10m", grace: "10m", took: 6 * time.Minute, starts: true, rules: func(t *kae.Token) { t.MaxRun = 20 * time.Minute }},
	}
}
