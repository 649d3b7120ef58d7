-- Clock schedules and their zone; what tokens ask of runs and bodies.
ALTER TABLE tokens ADD COLUMN zone TEXT NOT NULL DEFAULT 'UTC';         -- IANA name, of the schedule
ALTER TABLE tokens ADD COLUMN max_run {int} NOT NULL DEFAULT 0;         -- microseconds that a run may take, 0: any
ALTER TABLE tokens ADD COLUMN fire_after {int} NOT NULL DEFAULT 0;      -- misses or failures in a row that fire, 0: the first
ALTER TABLE tokens ADD COLUMN body_has TEXT NOT NULL DEFAULT '';        -- what the body of a success contains
ALTER TABLE tokens ADD COLUMN body_lacks TEXT NOT NULL DEFAULT '';      -- what it does not
ALTER TABLE tokens ADD COLUMN post_only TEXT NOT NULL DEFAULT 'no' CHECK (post_only IN ('yes', 'no'));
ALTER TABLE tokens ADD COLUMN strikes {int} NOT NULL DEFAULT 0;         -- misses and failures in a row that did not fire
ALTER TABLE tokens ADD COLUMN runs TEXT NOT NULL DEFAULT '';            -- open runs, oldest first: id@microseconds, one space between two
UPDATE tokens SET runs = '@' || CAST(started_at AS TEXT) WHERE started_at <> 0;
ALTER TABLE tokens DROP COLUMN started_at;

ALTER TABLE journal ADD COLUMN received {int} NOT NULL DEFAULT 0;       -- when it arrived, 0: when it happened
ALTER TABLE journal ADD COLUMN exit_status {int} NOT NULL DEFAULT -1;   -- of the process, -1: not told
ALTER TABLE journal ADD COLUMN run_id TEXT NOT NULL DEFAULT '';         -- pairs a start with its end
ALTER TABLE journal ADD COLUMN took {int} NOT NULL DEFAULT 0;           -- microseconds from start to end, 0: not known
ALTER TABLE heartbeats ADD COLUMN received {int} NOT NULL DEFAULT 0;
ALTER TABLE heartbeats ADD COLUMN exit_status {int} NOT NULL DEFAULT -1;
ALTER TABLE heartbeats ADD COLUMN run_id TEXT NOT NULL DEFAULT '';
ALTER TABLE heartbeats ADD COLUMN took {int} NOT NULL DEFAULT 0;
