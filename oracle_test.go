package kae

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

var oracleSeed = flag.Uint64("oracle-seed", 1, "`seed` of what systemd is asked; 0 is another one each time")

// Calendar expressions are systemd's, so systemd is asked: random expressions,
// at random moments and around changes of the clocks, in zones that change
// them in every way there is.
//
// What systemd 252 says in two cases depends on the moment from which it is
// asked, and cannot be followed by a schedule that has one answer; see
// [slipOfSystemd]. In a third it leaves out times that its manual promises:
// where an open step such as 0/7 of the minutes leads into the next day, that
// day's first times. So it is asked about 0..59/7.
func TestCalendarAgreesWithSystemd(t *testing.T) {
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("systemd-analyze is missing; scripts/install-test-tools.sh installs it")
		}
		t.Skip("systemd-analyze is not installed")
	}
	seed := *oracleSeed
	if seed == 0 {
		seed = uint64(time.Now().UnixNano())
	}
	random := rand.New(rand.NewPCG(seed, 0))
	pairs, refused, slips := 0, 0, 0
	for pairs < 8000 {
		zone := oracleZones[random.IntN(len(oracleZones))]
		loc, err := LoadZone(zone)
		if err != nil {
			t.Fatal(err)
		}
		base := randomMoment(random, loc)
		open, closed := make([]string, 60), make([]string, 60)
		for i := range open {
			open[i], closed[i] = randomCalendar(random)
		}
		says := askSystemd(t, zone, base, slices.Concat(open, closed))
		for i, expr := range open {
			s, err := ParseSchedule("calendar:"+expr, loc)
			if valid := says[expr] != refusal; valid != (err == nil) {
				t.Fatalf("seed %d: %q: %v; systemd accepts it: %t", seed, expr, err, valid)
			}
			want, ok := says[closed[i]].(time.Time)
			if err != nil || !ok {
				refused++
				continue
			}
			// systemd-analyze shows whole seconds.
			got := s.Next(base).Truncate(time.Second)
			switch pairs++; {
			case got.Equal(want):
			case slipOfSystemd(got, want, loc):
				slips++
			default:
				t.Errorf("seed %d: %q in %s after %v: %v, systemd says %v", seed, expr, zone, base.In(loc), got.In(loc), want.In(loc))
			}
		}
	}
	t.Logf("%d pairs agree; systemd slips in %d; %d were refused", pairs-slips, slips, refused)
	if slips > pairs/200 || refused > pairs {
		t.Errorf("systemd slips in %d of %d pairs, %d were refused: too many to have compared anything", slips, pairs, refused)
	}
}

// slipOfSystemd tells the two cases in which systemd's answer is not the one
// that it gives from other moments: a time that comes twice is answered with
// the second, or something after a gap is passed over, because the C library
// went back from a time in the gap and not forward, or because the gap ends
// within an hour that began in it.
func slipOfSystemd(got, want time.Time, zone *time.Location) bool {
	if s := stretchAt(want, zone); s.jump < 0 && want.Sub(got) == -s.jump && want.Sub(s.from) < -s.jump {
		return true
	}
	s := stretchAt(got, zone)
	return s.jump > 0 && want.After(got) && got.Sub(s.from) < passedOver[zone.String()]
}

// passedOver is how much after a gap systemd may not see.
var passedOver = map[string]time.Duration{
	"Europe/Dublin": day, "Africa/Casablanca": day, "Pacific/Chatham": 15 * time.Minute,
}

var oracleZones = []string{
	"UTC", "America/New_York", "Europe/Madrid", "Europe/Riga", "Australia/Lord_Howe", "America/Santiago", "Africa/Casablanca",
	"Europe/Dublin", "Asia/Kathmandu", "America/Havana", "Asia/Beirut", "Africa/Cairo", "America/St_Johns", "Pacific/Chatham",
	"Atlantic/Azores", "Asia/Tokyo", "Pacific/Auckland", "America/Asuncion", "America/Nuuk",
}

var namedInExpressions = []string{"UTC", "Europe/Riga", "America/New_York", "Asia/Kathmandu"}

// randomMoment is one between 2012 and 2190, or within two days of a change,
// but not in what comes twice: from there systemd sees times that it passes
// over otherwise.
func randomMoment(r *rand.Rand, zone *time.Location) time.Time {
	for {
		t := time.Unix(1.33e9+r.Int64N(177*31556952), r.Int64N(1e6)*1000)
		if r.IntN(3) > 0 {
			t = time.Unix(1.5e9+r.Int64N(6e8), 0)
			if change := stretchAt(t, zone).to; !change.IsZero() {
				t = change.Add(time.Duration(r.Int64N(int64(4*day))) - 2*day)
			}
		}
		if r.IntN(2) == 0 {
			t = t.Truncate(time.Second)
		}
		again := false
		for _, name := range append(namedInExpressions, zone.String()) {
			zone, _ := LoadZone(name)
			s := stretchAt(t, zone)
			again = again || s.jump < 0 && t.Sub(s.from) < -s.jump
		}
		if !again {
			return t.UTC()
		}
	}
}

// refusal is systemd's answer to what it takes for no expression.
const refusal = "refused"

// askSystemd gives the next time of each expression, or refusal, or nothing
// where systemd gives up after a thousand steps.
func askSystemd(t *testing.T, zone string, base time.Time, exprs []string) map[string]any {
	t.Helper()
	cmd := exec.Command("systemd-analyze", append([]string{"calendar", "--base-time=" + base.Format("2006-01-02 15:04:05.000000 UTC")}, exprs...)...)
	cmd.Env = append(os.Environ(), "TZ="+zone, "LC_ALL=C.UTF-8")
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, _ := cmd.Output() // it fails if one of them is refused
	all, gaveUp := map[string]any{}, map[string]bool{}
	for _, line := range strings.Split(stderr.String(), "\n") {
		if _, rest, ok := strings.Cut(line, "calendar specification '"); ok {
			all[rest[:strings.LastIndex(rest, "': ")]] = refusal
		} else if _, rest, ok := strings.Cut(line, "next elapse for '"); ok {
			gaveUp[rest[:strings.LastIndex(rest, "': ")]] = true
		}
	}
	blocks := slices.DeleteFunc(strings.Split(string(out), "\n\n"), func(s string) bool { return strings.TrimSpace(s) == "" })
	for _, expr := range exprs {
		if all[expr] == refusal || gaveUp[expr] {
			continue
		}
		if len(blocks) == 0 {
			t.Fatalf("systemd-analyze has no answer to %q\n%s", expr, stderr.String())
		}
		all[expr] = nextElapse(t, blocks[0])
		blocks = blocks[1:]
	}
	if len(blocks) > 0 {
		t.Fatalf("systemd-analyze answers more than it was asked:\n%s", blocks)
	}
	return all
}

func nextElapse(t *testing.T, block string) time.Time {
	t.Helper()
	said := map[string]string{}
	for _, line := range strings.Split(block, "\n") {
		name, value, _ := strings.Cut(line, ": ")
		said[strings.TrimSpace(name)] = value
	}
	text := said["(in UTC)"]
	if text == "" {
		text = said["Next elapse"]
	}
	if text == "never" {
		return time.Time{}
	}
	next, err := time.Parse("Mon 2006-01-02 15:04:05 MST", text)
	if err != nil {
		t.Fatalf("%v in\n%s", err, block)
	}
	return next
}

// randomCalendar gives an expression, and the same with an end to each step.
func randomCalendar(r *rand.Rand) (open, closed string) {
	pick := func(s ...string) string { return s[r.IntN(len(s))] }
	// An open step is written a/s<end>, and the end taken out or made a range.
	some := func(low, high int, star bool) string {
		if star && r.IntN(2) == 0 {
			return "*"
		}
		var items []string
		for range 1 + r.IntN(2)*r.IntN(3) {
			a := low + r.IntN(high-low+1)
			item := fmt.Sprintf(pick("%d", "%02d"), a)
			isRange := r.IntN(3) == 0
			if isRange {
				item += fmt.Sprintf("..%d", a+r.IntN(high-a+1))
			}
			if r.IntN(4) == 0 {
				if !isRange {
					item += fmt.Sprintf("<%d>", high)
				}
				item += fmt.Sprintf("/%d", 1+r.IntN(high-low+1))
			}
			items = append(items, item)
		}
		return strings.Join(items, ",")
	}
	// Days from the end grow toward it: their steps have the end that they have.
	fromEnd := func() string { return endOfStep.ReplaceAllString(some(1, 16, true), "") }
	var words []string
	if r.IntN(20) == 0 {
		text := pick("minutely", "hourly", "daily", "weekly", "monthly", "quarterly", "yearly", "semiannually") + pick("", " UTC", " Europe/Riga")
		return text, text
	}
	if r.IntN(3) == 0 {
		words = append(words, pick("Mon", "Tue,Thu", "Mon..Fri", "Sat,Sun", "Sun", "wednesday..Fri,Sun", "Mon-Wed", "Fri,"))
	}
	date := ""
	switch r.IntN(5) {
	case 0:
		date = some(1, 12, true) + pick("-"+some(1, 31, true), "~"+fromEnd())
	case 1, 2:
		date = pick("*", "*", "*", some(1970, 2199, true), "2020..2040", "26,27,28") + "-" + some(1, 12, true) + pick("-"+some(1, 31, true), "~"+fromEnd())
	}
	if date != "" {
		words = append(words, date)
	}
	if len(words) == 0 || r.IntN(4) > 0 {
		clock := pick(some(0, 23, true), strings.ReplaceAll(some(0, 4, false), "<4>", "<23>")) + ":" + some(0, 59, true)
		switch r.IntN(6) {
		case 0:
			clock += ":" + some(0, 59, true)
		case 1:
			clock += pick(":00", ":30.5", ":0.25,7.75")
		}
		words = append(words, clock)
	}
	if r.IntN(15) == 0 {
		words = append(words, pick(namedInExpressions...))
	}
	text := strings.Join(words, " ")
	return endOfStep.ReplaceAllString(text, ""), endOfStep.ReplaceAllString(text, "..$1")
}

var endOfStep = regexp.MustCompile("<([0-9]+)>")
