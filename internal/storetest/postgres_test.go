package storetest

import "testing"

func TestAPostgresSchemaIsReady(t *testing.T) {
	dsn := Postgres(t)
	PostgresExec(t, dsn, "CREATE TABLE a (b BIGINT)")
	other := Postgres(t)
	if other == dsn {
		t.Fatalf("two tests got the same schema %s", dsn)
	}
	PostgresExec(t, other, "CREATE TABLE a (b BIGINT)")
}
