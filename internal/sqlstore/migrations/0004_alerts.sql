-- Where alerts go.
CREATE TABLE channels (
	id            {id},
	name          TEXT NOT NULL,
	kind          TEXT NOT NULL,          -- such as webhook
	settings      TEXT NOT NULL,          -- a JSON object of words, the kind's own; secrets are among them
	created_at    {int} NOT NULL,
	removed_at    {int} NOT NULL,         -- 0: it was not
	last_at       {int} NOT NULL,         -- when a delivery was accepted, 0: none was
	failing_since {int} NOT NULL,         -- 0: it delivers
	problem       TEXT NOT NULL           -- what the newest failure was
) {table};

-- Alerts on their way, and those that arrived or were given up.
CREATE TABLE deliveries (
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
	made_at       {int} NOT NULL,         -- when it was written; it is tried for so long from then
	state         TEXT NOT NULL CHECK (state IN ('waiting', 'delivered', 'given up')),
	due_at        {int} NOT NULL,         -- when it is tried next
	batch         {int} NOT NULL,         -- the first delivery of the message that it went out with, 0: it did not
	attempts      {int} NOT NULL,
	answer        TEXT NOT NULL,          -- what the other side said last
	settled_at    {int} NOT NULL          -- 0: it waits
) {table};

CREATE INDEX deliveries_waiting ON deliveries (id) WHERE state = 'waiting';
CREATE INDEX deliveries_of_channel ON deliveries (channel_id, id);
CREATE INDEX deliveries_of_token ON deliveries (token_id, id);
CREATE INDEX deliveries_settled ON deliveries (settled_at);
