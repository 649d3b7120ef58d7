package backup

import (
	"context"
	"errors"
	"regexp"
	"slices"
	"time"
)

// Keep says how many backups stay: the newest of each of so many hours, days
// and months that have one. Where all three are 0, every one stays.
type Keep struct{ Hourly, Daily, Monthly int }

// hour is how a name tells when its backup was made, in UTC.
const hour = "2006-01-02T15"

var pattern = regexp.MustCompile(`^kae-(\d{4}-\d\d-\d\dT\d\d)\.(db|dump)\.zst$`)

// hourly gives the name of a backup in a directory or a bucket.
func hourly(at time.Time, kind string) string {
	return "kae-" + at.UTC().Format(hour) + "." + kind + ".zst"
}

// parseName reads a name that [hourly] gave. Others are somebody else's.
func parseName(name string) (at time.Time, kind string, ok bool) {
	m := pattern.FindStringSubmatch(name)
	if m == nil {
		return time.Time{}, "", false
	}
	at, err := time.Parse(hour, m[1])
	return at, m[2], err == nil
}

// prune takes away what need not be kept of the backups that are of the kind
// of the one just made.
func prune(ctx context.Context, p Place, k Keep, made string) ([]string, error) {
	_, kind, ok := parseName(made)
	if !ok || k == (Keep{}) {
		return nil, nil
	}
	found, err := p.list(ctx)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, f := range found {
		if _, of, ok := parseName(f.name); ok && of == kind {
			names = append(names, f.name)
		}
	}
	var gone []string
	for _, name := range k.superfluous(names) {
		if name == made {
			continue
		}
		if e := p.remove(ctx, name); e != nil {
			err = errors.Join(err, e)
		} else {
			gone = append(gone, name)
		}
	}
	return gone, err
}

// superfluous gives those of the names that need not be kept, newest first.
func (k Keep) superfluous(names []string) []string {
	names = slices.Clone(names)
	slices.Sort(names)
	slices.Reverse(names)
	var gone []string
	left := map[string]int{"2006-01-02T15": k.Hourly, "2006-01-02": k.Daily, "2006-01": k.Monthly}
	last := map[string]string{}
	for _, name := range names {
		at, _, _ := parseName(name)
		keep := false
		for span := range left {
			if this := at.Format(span); left[span] > 0 && last[span] != this {
				left[span]--
				last[span] = this
				keep = true
			}
		}
		if !keep {
			gone = append(gone, name)
		}
	}
	return gone
}
