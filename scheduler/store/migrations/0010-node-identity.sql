-- Tokens with which nodes join, each once, and what each node shows from then on: hashes only.
CREATE TABLE joinToken (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  node TEXT,
  "by" TEXT NOT NULL,
  createdAt INTEGER NOT NULL,
  expiresAt INTEGER NOT NULL,
  usedAt INTEGER,
  usedBy TEXT,
  CHECK ((usedAt IS NULL) = (usedBy IS NULL))
) STRICT;

CREATE TABLE nodeKey (
  node TEXT PRIMARY KEY,
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  oldHash TEXT CHECK (oldHash IS NULL OR length(oldHash) = 64),
  since INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
