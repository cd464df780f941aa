-- Queues that were added, and what was changed of those that exist from the start.
CREATE TABLE queue (
  name TEXT PRIMARY KEY,
  dataJson TEXT NOT NULL
) STRICT, WITHOUT ROWID;
