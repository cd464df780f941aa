-- The first schema. Columns are named as the fields of scheduler/store/change.ts; the CHECKs repeat the
-- invariants of the brain, their word lists those of proto/ (a test keeps them equal).

CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE job (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  kind TEXT NOT NULL CHECK (kind IN ('task', 'continuous')),
  queue TEXT NOT NULL,
  factsJson TEXT NOT NULL,
  priority INTEGER NOT NULL,
  submittedAt INTEGER NOT NULL,
  startedAt INTEGER,
  finishedAt INTEGER,
  state TEXT NOT NULL CHECK (state IN ('held', 'pending', 'placed', 'running', 'backoff', 'suspended', 'stopping', 'unreachable', 'finished')),
  outcome TEXT CHECK (outcome IN ('succeeded', 'failed', 'cancelled')),
  causeJson TEXT,
  countsJson TEXT NOT NULL,
  restarts INTEGER NOT NULL CHECK (restarts >= 0),
  schedule TEXT,
  dueAt INTEGER,
  CHECK ((state = 'finished') = (finishedAt IS NOT NULL)),
  CHECK ((state = 'finished') = (outcome IS NOT NULL)),
  CHECK (dueAt IS NULL OR schedule IS NOT NULL)
) STRICT;
CREATE INDEX jobLive ON job (id) WHERE finishedAt IS NULL;
CREATE INDEX jobFinished ON job (finishedAt, id) WHERE finishedAt IS NOT NULL;
CREATE INDEX jobFinishedOfOwner ON job (owner, finishedAt, id) WHERE finishedAt IS NOT NULL;
CREATE INDEX jobName ON job (owner, name, id);

-- Finished is for ever: what finished once is history.
CREATE TRIGGER jobStaysFinished BEFORE UPDATE OF finishedAt ON job
WHEN OLD.finishedAt IS NOT NULL AND NEW.finishedAt IS NOT OLD.finishedAt
BEGIN SELECT RAISE(ABORT, 'a finished job does not change when it finished'); END;

-- Apart from its job: written once while the job's row is written often, and lists read past it.
CREATE TABLE spec (
  id INTEGER PRIMARY KEY REFERENCES job (id) DEFERRABLE INITIALLY DEFERRED,
  specJson TEXT NOT NULL
) STRICT;

CREATE TABLE range (
  job INTEGER NOT NULL REFERENCES job (id) DEFERRABLE INITIALLY DEFERRED,
  "from" INTEGER NOT NULL CHECK ("from" >= 1),
  "to" INTEGER NOT NULL,
  PRIMARY KEY (job, "from"),
  CHECK ("from" <= "to")
) STRICT, WITHOUT ROWID;

CREATE TABLE task (
  job INTEGER NOT NULL REFERENCES job (id) DEFERRABLE INITIALLY DEFERRED,
  "index" INTEGER NOT NULL CHECK ("index" >= 1),
  state TEXT NOT NULL CHECK (state IN ('held', 'pending', 'placed', 'running', 'backoff', 'suspended', 'stopping', 'unreachable', 'finished')),
  outcome TEXT CHECK (outcome IN ('succeeded', 'failed', 'cancelled')),
  node TEXT,
  epoch INTEGER NOT NULL CHECK (epoch >= 0),
  since INTEGER NOT NULL,
  dataJson TEXT NOT NULL,
  PRIMARY KEY (job, "index"),
  CHECK ((state = 'finished') = (outcome IS NOT NULL)),
  -- A placement is a node and an epoch; who waits has no node.
  CHECK (state IN ('held', 'pending', 'finished') OR (node IS NOT NULL AND epoch >= 1)),
  CHECK (state NOT IN ('held', 'pending') OR node IS NULL)
) STRICT, WITHOUT ROWID;

-- With rowid: the kept output makes rows of many pages, which a clustered key would drag along.
CREATE TABLE run (
  job INTEGER NOT NULL REFERENCES job (id) DEFERRABLE INITIALLY DEFERRED,
  "index" INTEGER NOT NULL CHECK ("index" >= 1),
  epoch INTEGER NOT NULL CHECK (epoch >= 1),
  number INTEGER NOT NULL CHECK (number >= 1),
  node TEXT NOT NULL,
  pid INTEGER,
  startedAt INTEGER,
  endedAt INTEGER,
  causeJson TEXT,
  usageJson TEXT,
  outputJson TEXT,
  PRIMARY KEY (job, "index", epoch, number)
) STRICT;

CREATE TABLE event (
  id INTEGER PRIMARY KEY CHECK (id > 0),
  at INTEGER NOT NULL,
  what TEXT NOT NULL,
  job INTEGER,
  task INTEGER,
  node TEXT,
  schedule TEXT,
  owner TEXT,
  "by" TEXT,
  detail TEXT NOT NULL
) STRICT;
CREATE INDEX eventOfJob ON event (job, id) WHERE job IS NOT NULL;
CREATE INDEX eventAt ON event (at);

CREATE TABLE node (
  name TEXT PRIMARY KEY,
  dataJson TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE schedule (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  cursorAt INTEGER NOT NULL,
  specJson TEXT NOT NULL,
  dataJson TEXT NOT NULL,
  PRIMARY KEY (owner, name)
) STRICT;

CREATE TABLE firing (
  owner TEXT NOT NULL,
  schedule TEXT NOT NULL,
  dueAt INTEGER NOT NULL,
  until INTEGER,
  count INTEGER NOT NULL CHECK (count >= 1),
  outcome TEXT NOT NULL CHECK (outcome IN ('ran', 'queued', 'skipped', 'missed')),
  jobId INTEGER,
  manual INTEGER NOT NULL CHECK (manual IN (0, 1)),
  why TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (owner, schedule, dueAt, manual),
  CHECK (until IS NULL OR until >= dueAt),
  CHECK (outcome <> 'ran' OR jobId IS NOT NULL)
) STRICT, WITHOUT ROWID;
CREATE INDEX firingAt ON firing (at);

CREATE TABLE reply (
  owner TEXT NOT NULL,
  key TEXT NOT NULL,
  route TEXT NOT NULL,
  hash TEXT NOT NULL,
  status INTEGER NOT NULL,
  replyJson TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (owner, key)
) STRICT;
CREATE INDEX replyAt ON reply (at);

CREATE TABLE token (
  hash TEXT PRIMARY KEY,
  owner TEXT NOT NULL,
  expiresAt INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX tokenExpiresAt ON token (expiresAt);
