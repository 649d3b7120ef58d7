package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"time"

	"kae"
)

// policyRow is how a policy is kept.
type policyRow struct {
	Zone    string      `json:"zone"`
	Rules   []ruleRow   `json:"rules"`
	Quiet   kae.Hours   `json:"quiet"`
	Except  kae.Pick    `json:"except"`
	Windows []windowRow `json:"windows"`
}

type ruleRow struct {
	Pick     kae.Pick     `json:"pick"`
	Reasons  []kae.Reason `json:"reasons"`
	Channels []int64      `json:"channels"`
	After    int64        `json:"after"` // microseconds
	Every    int64        `json:"every"`
	Hours    kae.Hours    `json:"hours"`
	Only     bool         `json:"only"`
	Ends     bool         `json:"ends"`
}

type windowRow struct {
	ID     int64    `json:"id"`
	Name   string   `json:"name"`
	Pick   kae.Pick `json:"pick"`
	From   int64    `json:"from"` // microseconds since 1970
	To     int64    `json:"to"`
	Starts string   `json:"starts"`
	Zone   string   `json:"zone"` // of starts
	Length int64    `json:"length"`
}

// Policy implements [kae.Outbox].
func (s *Store) Policy(ctx context.Context) (*kae.Policy, error) {
	var settings string
	err := s.read(ctx, func(ctx context.Context, c *conn) error {
		err := c.row(ctx, "SELECT settings FROM policy", nil, &settings)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	if err != nil || settings == "" {
		return nil, err
	}
	return parsePolicy(settings)
}

// PutPolicy implements [kae.Outbox].
func (s *Store) PutPolicy(ctx context.Context, p *kae.Policy) error {
	return s.Write(ctx, func(kt kae.Tx) error { return kt.(*tx).putPolicy(p) })
}

func (t *tx) putPolicy(p *kae.Policy) error {
	settings, err := json.Marshal(policyRowOf(p))
	if err != nil {
		return err
	}
	return t.exec("INSERT INTO policy (id, settings) VALUES (1, ?) ON CONFLICT (id) DO UPDATE SET settings = excluded.settings",
		append(t.buffer(), string(settings)))
}

func policyRowOf(p *kae.Policy) policyRow {
	row := policyRow{Zone: p.Location().String(), Quiet: p.Quiet, Except: p.Except}
	for _, r := range p.Rules {
		row.Rules = append(row.Rules, ruleRow{r.Pick, r.Reasons, r.Channels, r.After.Microseconds(), r.Every.Microseconds(), r.Hours, r.Only, r.Ends})
	}
	for _, w := range p.Windows {
		row.Windows = append(row.Windows, windowRow{w.ID, w.Name, w.Pick, micros(w.From), micros(w.To), w.Starts.String(), zoneName(w.Starts), w.Length.Microseconds()})
	}
	return row
}

func parsePolicy(settings string) (*kae.Policy, error) {
	var row policyRow
	if err := json.Unmarshal([]byte(settings), &row); err != nil {
		return nil, err
	}
	zone, err := kae.LoadZone(row.Zone)
	if err != nil {
		zone = time.FixedZone(row.Zone, 0) // as with a token's
	}
	p := &kae.Policy{Zone: zone, Quiet: row.Quiet, Except: row.Except}
	long := func(n int64) time.Duration { return time.Duration(n) * time.Microsecond }
	for _, r := range row.Rules {
		p.Rules = append(p.Rules, kae.Rule{Pick: r.Pick, Reasons: r.Reasons, Channels: r.Channels, After: long(r.After), Every: long(r.Every), Hours: r.Hours, Only: r.Only, Ends: r.Ends})
	}
	for _, w := range row.Windows {
		window := kae.Window{ID: w.ID, Name: w.Name, Pick: w.Pick, From: moment(w.From), To: moment(w.To), Length: long(w.Length)}
		if w.Starts != "" {
			if window.Starts, err = parseSchedule(w.Starts, w.Zone); err != nil {
				return nil, err
			}
		}
		p.Windows = append(p.Windows, window)
	}
	return p, nil
}
