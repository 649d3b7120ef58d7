package demo

import (
	"slices"
	"time"

	"kae"
)

// gaps are when kae took no heartbeats: a move to another machine, an update,
// and a night in which the disk was full.
var gaps = []span{
	{33*day + 2*hour, 33*day + 70*time.Minute},
	{19*day + 5*hour, 19*day + 5*hour - 3*time.Minute},
	{5 * hour, 4*hour + 20*time.Minute},
}

// incidents befall all that is at a site.
var incidents = map[string][]trouble{
	"farm": { // the line to the farm was down
		{span{12*day + 9*hour, 12*day + 6*hour}, silent},
		{span{29 * day, 29*day - 4*hour}, silent},
		{span{15 * hour, 14 * hour}, silent},
	},
	"cluster": {{span{20 * day, 20*day - 2*hour}, silent}}, // an upgrade
	"vault":   {{span{8 * day, 8*day - 5*hour}, fails}},    // its disks were full
}

// cast is everybody, in the order in which their tokens were created.
func cast() []role { return slices.Concat(troubled(), well(), quiet()) }

// troubled are those that a visitor sees first.
func troubled() []role {
	return []role{
		{
			name: "Orders database dump", tags: "db prod backup", every: "0 3 * * *", zone: "Europe/Madrid", grace: "1h",
			about: "pg_dump of orders, billing and crm to vault-1. Yesterday's file stays until today's is complete. Run book: wiki.example.com/dump",
			rules: func(t *kae.Token) { t.MaxRun, t.BodyHas, t.PostOnly = 2*hour, "dump complete", true },
			took:  26 * time.Minute, grows: true, starts: true, tells: dumps,
			newest: []fate{fails}, troubles: []trouble{{span{31 * day, 30 * day}, fails}, {span{22 * day, 20 * day}, drags(14 * time.Minute)}},
		},
		{
			name: "Certificate renewal, mail.example.com", tags: "tls mail", every: "*-*-* 04:30", zone: "Europe/Berlin", grace: "1h",
			about: "certbot renew on mx-1. If it stays silent the certificate ends within 30 days.",
			took:  38 * time.Second, troubles: []trouble{{span{26 * hour, always}, silent}, {span{40 * day, 39 * day}, silent}},
		},
		{
			name: "Warehouse export to Parquet", tags: "etl prod", every: "2h", grace: "20m", rules: func(t *kae.Token) { t.MaxRun = 40 * time.Minute },
			last: 68 * time.Minute, took: 21 * time.Minute, starts: true, tells: exports,
			newest: []fate{hangs}, troubles: []trouble{{span{6*day + 3*hour, 6*day - 2*hour}, fails}, {span{17 * day, 17*day - 3*hour}, hangs}, {span{35990 * time.Minute, 35980 * time.Minute}, late(hour)}},
			acts: []act{{35930 * time.Minute, allow(hour)}}, // it fired for the one that is late
		},
		{
			name: "Soil sensors, greenhouse 2", tags: "iot", every: "5m", grace: "5m", site: "farm",
			about: "Gateway gh2-gw. If only this one fires, look at its power supply first.",
			tells: measures("% moisture", 31, 38), troubles: []trouble{{span{97 * time.Minute, always}, silent}, {span{4*day + 2*hour, 4 * day}, silent}},
		},
		{
			name: "Card reader firmware check", tags: "office security", every: "1d", grace: "6h",
			pace: 24*hour - 20*time.Second, last: 4 * hour, troubles: []trouble{{span{9*day + 12*hour, always}, silent}},
		},
		{
			name: "Loading dock camera, gate 4", tags: "iot video", every: "15s", grace: "10s", age: 4 * day,
			about: "The cable to the gate is being replaced; until then it comes and goes.",
			pace:  13 * time.Second, last: 4 * time.Second, mood: flickers(5*hour+11*time.Minute, 80*time.Second, 46*time.Second),
		},
		{
			name: "Newsletter queue drain", tags: "mail", every: "10m", grace: "5m", tells: queues,
			last: 3*time.Minute + 5*time.Second, newest: []fate{late(4*time.Minute + 55*time.Second)},
			mood: nowAndThen(0.003, 0.1, 3*time.Minute),
		},
		{
			name: "Log shipping, edge-03", tags: "logs edge", every: "3m", grace: "2m", last: 25 * time.Second,
			newest: []fate{late(75 * time.Second)}, mood: nowAndThen(0.0005, 0.4, 70*time.Second),
		},
		{
			name: "Tape library inventory", tags: "backup", every: "1w", grace: "2h", site: "vault",
			pace: week - 30*time.Second, wobble: time.Second, last: 4*hour + 41*time.Minute,
		},
		{
			name: "Weather feed", tags: "iot", every: "1h", rules: func(t *kae.Token) { t.FireAfter = 3 },
			last: 25 * time.Minute, newest: []fate{silent}, mood: nowAndThen(0.004, 0, 30*time.Minute),
			tells: measures("°C", 6, 14),
		},
	}
}

// quiet are those of which nothing is expected.
func quiet() []role {
	return []role{
		{
			name: "Legacy FTP pickup", tags: "etl", every: "30m", about: "Replaced by the customer feed; kept until the partner has moved.",
			acts: []act{{16 * day, disable}}, troubles: []trouble{{span{16*day + hour, always}, silent}},
		},
		{
			name: "Staging smoke test", tags: "staging web", every: "20m", grace: "10m", took: 95 * time.Second, starts: true,
			troubles: []trouble{{span{3*day + 4*hour, always}, fails}}, acts: []act{{3*day + 2*hour, disable}},
		},
		{
			name: "Pool heater, guest house", tags: "home", every: "1h", grace: "30m", acts: []act{{37 * day, disable}, {30 * day, enable}, {11 * day, disable}},
			troubles: []trouble{{span{37 * day, 30 * day}, silent}, {span{11 * day, always}, silent}},
		},
		{
			name: "Christmas lights timer", tags: "home", every: "1d", grace: "6h", pace: 24*hour - 2*time.Minute, wobble: time.Minute, last: 2 * hour,
			acts: []act{{2 * day, remove}},
		},
		{
			name: "Toner report, 3rd floor", tags: "office", every: "Mon 08:00", zone: "Europe/Berlin", age: 3 * hour,
			troubles: []trouble{{span{week, always}, silent}},
		},
		{
			name: "Audit log export for the accountants", tags: "finance", every: "0 6 1 1,4,7,10 *", zone: "Europe/Madrid", age: 20 * time.Minute,
			about: "Each quarter. Not run yet.",
		},
	}
}
