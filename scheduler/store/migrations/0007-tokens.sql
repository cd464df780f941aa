-- Tokens that people made for their programs: the hash of each, and what it opens.
CREATE TABLE apiToken (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  hash TEXT NOT NULL CHECK (length(hash) = 64),
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  scopesJson TEXT NOT NULL,
  createdAt INTEGER NOT NULL,
  expiresAt INTEGER NOT NULL,
  revokedAt INTEGER,
  revokedBy TEXT,
  CHECK ((revokedAt IS NULL) = (revokedBy IS NULL))
) STRICT;
CREATE INDEX apiTokenExpiresAt ON apiToken (expiresAt);
