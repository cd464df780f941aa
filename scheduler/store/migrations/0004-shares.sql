-- What each owner used of late, for fair shares: slots held on average, right at that time.
CREATE TABLE share (
  owner TEXT PRIMARY KEY,
  average REAL NOT NULL CHECK (average >= 0),
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
