-- Who is told what, and when.
CREATE TABLE policy (
	id            {int} NOT NULL PRIMARY KEY CHECK (id = 1),
	settings      TEXT NOT NULL           -- a JSON object
) {table};

ALTER TABLE tokens ADD COLUMN acked_at {int} NOT NULL DEFAULT 0;        -- when somebody said that they look after it, 0: nobody did
ALTER TABLE tokens ADD COLUMN acked_by TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN acked_why TEXT NOT NULL DEFAULT '';
ALTER TABLE tokens ADD COLUMN snoozed_until {int} NOT NULL DEFAULT 0;   -- until then channels hear nothing of it, 0: they do

ALTER TABLE flips ADD COLUMN note TEXT NOT NULL DEFAULT '';             -- who said what, or the maintenance that it was in

-- A delivery may be spared, be one of several rounds, and be due long after it
-- was made.
CREATE TABLE deliveries_new (
	id            {id},
	channel_id    {int} NOT NULL,
	token_id      {int} NOT NULL,
	n             {int} NOT NULL,         -- number of the token's newest flip when it was made
	at            {int} NOT NULL,         -- when what it tells happened
	from_status   TEXT NOT NULL,
	to_status     TEXT NOT NULL,
	reason        TEXT NOT NULL,
	fired         {int} NOT NULL,         -- when the token began to fire
	slot          {int} NOT NULL,         -- the expected time that was missed, 0: none
	round         {int} NOT NULL,         -- how often the channel was told of the firing before
	made_at       {int} NOT NULL,         -- when it was written; when it is due follows from that
	state         TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given up', 'spared')),
	due_at        {int} NOT NULL,         -- when it is tried next
	begun_at      {int} NOT NULL,         -- when it was tried first, 0: it was not; it is tried for so long from then
	batch         {int} NOT NULL,         -- the first delivery of the message that it went out with, 0: it did not
	attempts      {int} NOT NULL,
	answer        TEXT NOT NULL,          -- what the other side said last; before the first attempt, what it waits for
	settled_at    {int} NOT NULL          -- 0: it waits
) {table};
INSERT INTO deliveries_new SELECT id, channel_id, token_id, n, at, from_status, to_status, reason, fired, slot, 0,
	made_at, state, due_at, CASE WHEN attempts > 0 THEN made_at ELSE 0 END, batch, attempts, answer, settled_at FROM deliveries;
DROP TABLE deliveries;
ALTER TABLE deliveries_new RENAME TO deliveries;
CREATE INDEX deliveries_waiting ON deliveries (id) WHERE state = 'waiting';
CREATE INDEX deliveries_of_channel ON deliveries (channel_id, id);
CREATE INDEX deliveries_of_token ON deliveries (token_id, id);
CREATE INDEX deliveries_settled ON deliveries (settled_at);
