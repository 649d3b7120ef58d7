package kae

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"
)

// zones holds what LoadZone has found, so that a hundred thousand tokens of
// Europe/Madrid share one. It grows with the names that exist, no further.
var zones sync.Map // of *time.Location, by name

// Names that Go or a system finds, and that mean another zone on another
// machine, or none at all.
var noZones = []string{"Local", "localtime", "posixrules", "Factory"}

// LoadZone gives the time zone of a name of the IANA database, such as
// Europe/Madrid, or UTC. Its errors are [Invalid] and belong to the field
// "zone".
func LoadZone(name string) (*time.Location, error) {
	if name == "UTC" {
		return time.UTC, nil
	}
	if zone, ok := zones.Load(name); ok {
		return zone.(*time.Location), nil
	}
	if name == "" {
		return nil, invalid("zone", "Write a time zone such as Europe/Madrid or UTC.")
	}
	if isZoneName(name) {
		if zone, err := time.LoadLocation(name); err == nil {
			stored, _ := zones.LoadOrStore(name, zone)
			return stored.(*time.Location), nil
		}
	}
	return nil, invalid("zone", fmt.Sprintf("There is no time zone %s; write one such as Europe/Madrid or UTC.", part{text: name}.quoted()))
}

// isZoneName keeps what is no name away from the files of the system.
func isZoneName(name string) bool {
	for _, piece := range strings.Split(name, "/") {
		if piece == "" || piece == "right" || piece == "posix" {
			return false
		}
	}
	return len(name) <= 64 && !slices.Contains(noZones, name) && strings.IndexFunc(name, func(r rune) bool {
		letter := r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		return !letter && (r < '0' || r > '9') && !strings.ContainsRune("/_+-", r)
	}) < 0
}

// stretch is a time in which the clocks of a zone are not changed.
type stretch struct {
	from, to time.Time     // from inclusive, to exclusive; zero: without end
	ahead    time.Duration // of UTC
	jump     time.Duration // by which clocks were put forward at its beginning; negative: back
}

func stretchAt(t time.Time, zone *time.Location) stretch {
	var s stretch
	local := t.In(zone)
	s.ahead = ahead(local)
	s.from, s.to = local.ZoneBounds()
	// On the last day of a leap year beyond the tables ZoneBounds gives an end
	// that is over (golang/go#81583). No clock is changed on that day.
	if !s.to.IsZero() && !s.to.After(t) {
		s.to = t.Add(day)
	}
	if !s.from.IsZero() {
		s.jump = s.ahead - ahead(s.from.Add(-time.Second))
	}
	return s
}

func ahead(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}
