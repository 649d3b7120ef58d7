-- What the console shows of a token at a glance.
ALTER TABLE tokens ADD COLUMN took {int} NOT NULL DEFAULT 0;            -- microseconds of the newest run, 0: not known
ALTER TABLE tokens ADD COLUMN track TEXT NOT NULL DEFAULT '';           -- what became of its slots, in base64; the format is kae's own
