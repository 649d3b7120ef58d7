package main

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/urfave/cli/v3"

	"kae"
)

const nextHead = `kae next prints when heartbeats would be expected, one time a line.

Usage: kae next EXPR [-tz ZONE] [-after TIME] [-n 5]

  EXPR  a length of time (30m), a cron expression (0 6 * * 1-5) or a calendar
        expression (Mon..Fri 06:00), in quotes

An expression that is wrong, or that never comes, is exit status 2.
`

var nextEntries = []entry{
	{
		Flag: "tz", Env: "KAE_TZ", Unit: "time zone", Normal: "UTC",
		Help: "The time zone by whose clock it is meant, such as Europe/Madrid.",
	},
	{
		Flag: "after", Unit: "time", Normal: "now",
		Help: "Print what comes after this time, such as 2026-03-28T12:00:00Z.",
	},
	{
		Flag: "n", Unit: "number, 1 to 1000", Normal: "5",
		Help: "How many times to print; there are fewer where the schedule ends.",
	},
}

func nextCommand(getenv func(string) string, stdout io.Writer) *cli.Command {
	return &cli.Command{
		Name:               "next",
		Flags:              cliFlags(nextEntries),
		CustomHelpTemplate: helpOf("next"),
		Action: func(_ context.Context, c *cli.Command) error {
			switch c.Args().Len() {
			case 0:
				return usage("kae next needs an expression, such as “kae next '0 6 * * 1-5'”")
			case 1:
			default:
				return usage("%q is one argument too many; put the expression in quotes", c.Args().Get(1))
			}
			schedule, after, err := nextFrom(c, getenv)
			if err != nil {
				return err
			}
			many := "5"
			if c.IsSet("n") {
				many = c.String("n")
			}
			n, err := parseWhole(many, "number", 1, 1000)
			if err != nil {
				return usage("-n %q can't be used: %v", many, err)
			}
			for range n {
				if after = schedule.Next(after); after.IsZero() {
					break
				}
				if _, err := fmt.Fprintln(stdout, after.In(schedule.Zone()).Format(time.RFC3339Nano)); err != nil {
					return err
				}
			}
			return nil
		},
	}
}

// nextFrom reads the expression, its zone and the time to begin after.
func nextFrom(c *cli.Command, getenv func(string) string) (kae.Schedule, time.Time, error) {
	name, tz := "KAE_TZ", getenv("KAE_TZ")
	if c.IsSet("tz") {
		name, tz = "-tz", c.String("tz")
	} else if tz == "" {
		tz = "UTC"
	}
	zone, err := kae.LoadZone(tz)
	if err != nil {
		return kae.Schedule{}, time.Time{}, usage("%s %q can't be used: %v", name, tz, err)
	}
	after := time.Now()
	if text := c.String("after"); c.IsSet("after") {
		if after, err = time.Parse(time.RFC3339, text); err != nil {
			return kae.Schedule{}, time.Time{}, usage("-after %q can't be used: %v", text, possible("a time such as 2026-03-28T12:00:00Z or 2026-03-28T13:00:00+01:00"))
		}
	}
	schedule, err := kae.ParseSchedule(c.Args().First(), zone)
	if err == nil {
		err = schedule.Check(after)
	}
	if err != nil {
		return kae.Schedule{}, time.Time{}, usage("%v", err)
	}
	return schedule, after, nil
}
