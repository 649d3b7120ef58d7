package demo

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"kae"
)

// told is a heartbeat that is being given its words.
type told struct {
	*kae.Heartbeat
	rng    *rand.Rand
	failed bool
	took   time.Duration
	size   float64 // of the job, compared with today
}

// about gives a number that is usually n.
func (t *told) about(n float64) float64 { return n * t.size * (0.97 + t.rng.Float64()*0.06) }

func (t *told) body(lines ...string) { t.Body = []byte(strings.Join(lines, "\n") + "\n") }

func dumps(t *told) {
	size, tables := t.about(41.2), 214
	lines := []string{"pg_dump: last built-in OID is 16383", "pg_dump: reading extensions", "pg_dump: reading schemas", "pg_dump: reading user-defined tables"}
	for _, table := range []string{"accounts", "addresses", "baskets", "carriers", "countries", "coupons", "customers", "invoices", "invoice_lines", "orders"} {
		lines = append(lines, fmt.Sprintf("pg_dump: dumping contents of table \"public.%s\"", table))
	}
	if t.failed {
		t.Message = "pg_dump: error: Dumping the contents of table \"order_lines\" failed"
		t.body(append(lines,
			"pg_dump: dumping contents of table \"public.order_lines\"",
			"pg_dump: error: Dumping the contents of table \"order_lines\" failed: PQgetCopyData() failed.",
			"pg_dump: detail: Error message from server: server closed the connection unexpectedly",
			"pg_dump: detail: Command was: COPY public.order_lines (id, order_id, sku, amount, price) TO stdout;",
			fmt.Sprintf("dump.sh: 18.7 of about %.1f GB written; keeping yesterday's file", size))...)
		return
	}
	t.Message = fmt.Sprintf("%.1f GB, %d tables", size, tables)
	t.body(append(lines,
		"pg_dump: dumping contents of table \"public.order_lines\"",
		fmt.Sprintf("orders.dump: %.1f GB, %d tables, sha256 %08x…", size, tables, t.rng.Uint32()),
		"dump complete")...)
}

func prunes(t *told) {
	if t.failed {
		t.Message = "repository is already locked by pid 4711 on vault-2"
		t.body("repo already locked, waiting up to 0s for the lock", "unable to create lock in backend: repository is already locked by pid 4711 on vault-2 by backup (UID 996, GID 996)", "the `unlock` command can be used to remove stale locks")
		return
	}
	freed := t.about(38)
	t.Message = fmt.Sprintf("%.1f GiB freed", freed)
	t.body("loading indexes...", "finding data that is still in use for 212 snapshots",
		fmt.Sprintf("to repack: %6d blobs / %.1f GiB", int(t.about(31000)), freed*1.7),
		fmt.Sprintf("removed:   %6d blobs / %.1f GiB", int(t.about(18000)), freed), "rebuilding index", "done")
}

func exports(t *told) {
	rows := int(t.about(1.82e6))
	if t.failed {
		t.Message = "Connection reset by peer after 412,000 rows"
		t.body("reading sales.lines", "urllib3.exceptions.ProtocolError: ('Connection aborted.', ConnectionResetError(104, 'Connection reset by peer'))")
		return
	}
	t.Message = fmt.Sprintf("%s rows in 24 files", thousands(rows))
}

func builds(t *told) {
	if t.failed {
		t.Message = "Completed with 1 error and 2 skipped"
		t.body("Running with dbt=1.9.1", "Found 64 models, 181 data tests, 12 sources",
			"41 of 64 ERROR creating sql table model marts.campaign_costs ... [ERROR in 3.12s]",
			"Database Error in model campaign_costs: division by zero",
			"Done. PASS=61 WARN=0 ERROR=1 SKIP=2 TOTAL=64")
		return
	}
	t.Message = "64 models, 181 tests"
	t.body("Running with dbt=1.9.1", "Found 64 models, 181 data tests, 12 sources",
		fmt.Sprintf("Finished running 64 models in %.1f s", t.took.Seconds()), "Completed successfully", "Done. PASS=64 WARN=0 ERROR=0 SKIP=0 TOTAL=64")
}

func copies(t *told) {
	t.Message = fmt.Sprintf("%d new photos, %.1f GB", 20+t.rng.IntN(300), 0.2+t.rng.Float64()*4)
}

func queues(t *told)  { t.Message = fmt.Sprintf("%d queued", t.rng.IntN(60)) }
func answers(t *told) { t.Message = fmt.Sprintf("200 in %d ms", 38+t.rng.IntN(70)) }
func rates(t *told)   { t.Message = "31 rates" }

func settles(t *told) {
	if t.failed {
		t.Message = "3 settlements without a booking, 412.70 EUR"
		return
	}
	t.Message = fmt.Sprintf("%s settlements match", thousands(8000+t.rng.IntN(3000)))
}

func measures(unit string, least, most float64) func(*told) {
	return func(t *told) { t.Message = fmt.Sprintf("%.1f %s", least+t.rng.Float64()*(most-least), unit) }
}

func probes(t *told) {
	if t.failed {
		t.Message = "GET /checkout: 502 Bad Gateway"
		return
	}
	answers(t)
}

// thousands writes a number as 1,820,000.
func thousands(n int) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", thousands(n/1000), n%1000)
}
