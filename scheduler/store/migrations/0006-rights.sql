-- Who has a role, and what people changed: who, what, before and after, when, from where.

CREATE TABLE role (
  owner TEXT PRIMARY KEY,
  role TEXT NOT NULL CHECK (role IN ('operator', 'manager')),
  "by" TEXT NOT NULL,
  at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE audit (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  at INTEGER NOT NULL,
  "by" TEXT NOT NULL,
  rights TEXT NOT NULL CHECK (rights IN ('user', 'operator', 'manager')),
  "from" TEXT NOT NULL,
  what TEXT NOT NULL,
  about TEXT NOT NULL,
  job INTEGER,
  toJob INTEGER,
  owner TEXT,
  own INTEGER NOT NULL CHECK (own IN (0, 1)),
  beforeJson TEXT NOT NULL,
  afterJson TEXT NOT NULL,
  CHECK (own = 0 OR "by" = owner),
  CHECK (toJob IS NULL OR toJob > job)
) STRICT;
CREATE INDEX auditAge ON audit (own, at);
CREATE INDEX auditOfOwner ON audit (owner, id) WHERE owner IS NOT NULL;
CREATE INDEX auditOfOthers ON audit ("by", id) WHERE own = 0;
CREATE INDEX auditOfJob ON audit (job, id) WHERE job IS NOT NULL;
CREATE INDEX auditOfJobs ON audit (toJob) WHERE toJob IS NOT NULL;

CREATE TRIGGER auditStays BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'an entry of the audit log does not change'); END;
