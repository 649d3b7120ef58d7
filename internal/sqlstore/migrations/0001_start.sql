-- The words in braces are each engine's own; see dialect.go.
-- Times are microseconds since 1970 in UTC, 0 where there is none.

-- What is watched: its settings, and its state as it was at a position.
CREATE TABLE tokens (
	id          {id},                   -- never given twice
	value       TEXT NOT NULL UNIQUE,   -- the secret in the heartbeat URL
	uuid        TEXT NOT NULL UNIQUE,   -- a second value, as secret as the first
	name        TEXT NOT NULL,          -- what people call it
	description TEXT NOT NULL,          -- what people say about it
	tags        TEXT NOT NULL,          -- words, one space between two
	schedule    TEXT NOT NULL,          -- how often a heartbeat is expected, as people wrote it
	grace       {int} NOT NULL,         -- microseconds later than expected that are still fine
	created_at  {int} NOT NULL,         -- when it was made
	removed_at  {int} NOT NULL,         -- when it was taken away, 0: it was not
	pos         {int} NOT NULL,         -- every heartbeat up to this position is in the state below
	status      TEXT NOT NULL CHECK (status IN ('new', 'up', 'firing', 'disabled')),
	reason      TEXT NOT NULL,          -- why the status is what it is, empty: it never changed
	flipped_at  {int} NOT NULL,         -- when the status last changed
	unknown     TEXT NOT NULL CHECK (unknown IN ('yes', 'no')), -- excused, and no heartbeat since
	beats       {int} NOT NULL,         -- heartbeats so far, the number of the newest
	flips       {int} NOT NULL,         -- flips so far, the number of the newest
	last_pos    {int} NOT NULL,         -- position of the newest heartbeat, 0: none in the journal
	since       {int} NOT NULL,         -- what the next expected time follows from
	last_at     {int} NOT NULL,         -- newest success or failure
	started_at  {int} NOT NULL          -- start of the run that has not ended
) {table};

-- Heartbeats in the order of their arrival. Of its checks SQLite is a third
-- faster without IN, for which it makes an index in each statement.
CREATE TABLE journal (
	pos         {id},                   -- made up by kae, larger than all before
	token_id    {int} NOT NULL,         -- whose it is; that token may be gone for good
	n           {int} NOT NULL,         -- counts the token's heartbeats from 1
	prev        {int} NOT NULL,         -- position of the token's heartbeat before it, 0: none
	at          {int} NOT NULL,         -- when it arrived
	kind        TEXT NOT NULL CHECK (kind = 'success' OR kind = 'failure' OR kind = 'start' OR kind = 'log'),
	message     TEXT NOT NULL,          -- what it had to say
	remote      TEXT NOT NULL,          -- the address it came from
	agent       TEXT NOT NULL,          -- its User-Agent
	body_size   {int} NOT NULL          -- bytes of its body that were kept
) {table};

-- The older heartbeats of slow tokens, moved here when the journal was cut.
CREATE TABLE heartbeats (
	token_id    {int} NOT NULL,
	n           {int} NOT NULL,
	pos         {int} NOT NULL,         -- its position when it was in the journal, 0: it never was
	prev        {int} NOT NULL,
	at          {int} NOT NULL,
	kind        TEXT NOT NULL CHECK (kind IN ('success', 'failure', 'start', 'log')),
	message     TEXT NOT NULL,
	remote      TEXT NOT NULL,
	agent       TEXT NOT NULL,
	body_size   {int} NOT NULL,
	PRIMARY KEY (token_id, n)
) {clustered};

-- Bodies of a token's newest heartbeats. A slot is used again and again, so
-- that nothing has to be trimmed.
CREATE TABLE bodies (
	token_id    {int} NOT NULL,
	slot        {int} NOT NULL,         -- n modulo the number of bodies kept
	n           {int} NOT NULL,         -- the heartbeat's number
	body        {bytes} NOT NULL,       -- the last bytes of what was sent
	PRIMARY KEY (token_id, slot)
) {table};

-- Changes of status, and excuses.
CREATE TABLE flips (
	token_id    {int} NOT NULL,
	n           {int} NOT NULL,         -- counts the token's flips from 1
	at          {int} NOT NULL,         -- when; for a missed heartbeat the deadline
	from_status TEXT NOT NULL,
	to_status   TEXT NOT NULL,          -- the same as before for an excuse
	reason      TEXT NOT NULL,
	PRIMARY KEY (token_id, n)
) {clustered};

-- When kae could take no heartbeat.
CREATE TABLE gaps (
	n           {id},                   -- counts the gaps from 1
	from_at     {int} NOT NULL,
	to_at       {int} NOT NULL
) {table};

-- What kae knows of itself, in one row.
CREATE TABLE clock (
	id          {id} CHECK (id = 1),
	alive_at    {int} NOT NULL,         -- when it was last known to take heartbeats
	pos         {int} NOT NULL,         -- the newest position then
	safe        {int} NOT NULL,         -- every journal row up to here is in its token's state
	last_id     {int} NOT NULL          -- the largest token id ever given
) {table};

INSERT INTO clock (id, alive_at, pos, safe, last_id) VALUES (1, 0, 0, 0, 0);
