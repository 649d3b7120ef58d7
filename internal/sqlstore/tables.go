package sqlstore

import (
	"context"
	"fmt"
	"slices"
	"strings"
)

// ourTables are the names of the tables that the migrations make.
var ourTables = []string{"tokens", "journal", "heartbeats", "bodies", "flips", "gaps", "clock", "channels", "deliveries", "policy"}

// Tables gives the schema of a PostgreSQL database and which of kae's tables
// are in it, as PostgreSQL's programs want them: "schema"."table".
func Tables(ctx context.Context, dsn string) (schema string, tables []string, err error) {
	d, err := postgresDialect(dsn)
	if err != nil {
		return "", nil, err
	}
	db := d.open(look)
	defer db.Close()
	c, err := connect(ctx, d, db)
	if err != nil {
		return "", nil, d.explain(err)
	}
	defer c.discard()
	if err := c.row(ctx, "SELECT COALESCE(current_schema(), '')", nil, &schema); err != nil {
		return "", nil, d.explain(err)
	}
	found, _, err := inspect(ctx, c)
	if err != nil {
		return "", nil, d.explain(err)
	}
	for _, name := range found {
		if name == versions || slices.Contains(ourTables, name) {
			tables = append(tables, fmt.Sprintf("%s.%s", quote(schema), quote(name)))
		}
	}
	return schema, tables, nil
}

func quote(name string) string { return `"` + strings.ReplaceAll(name, `"`, `""`) + `"` }
