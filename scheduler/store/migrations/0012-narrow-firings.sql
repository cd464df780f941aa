-- A firing writes what is new with it, and no more. What moves with it stands apart from what a schedule's owner said; what
-- the jobs of a schedule are is kept once for all of them; and a plain job's only task is untouched until it has a row.

ALTER TABLE schedule RENAME TO wideSchedule;
CREATE TABLE schedule (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  cursorAt INTEGER NOT NULL,
  dataJson TEXT NOT NULL,
  PRIMARY KEY (owner, name)
) STRICT, WITHOUT ROWID;
CREATE TABLE scheduleSpec (
  owner TEXT NOT NULL,
  name TEXT NOT NULL,
  specJson TEXT NOT NULL,
  PRIMARY KEY (owner, name)
) STRICT;
INSERT INTO schedule SELECT owner, name, cursorAt, dataJson FROM wideSchedule;
INSERT INTO scheduleSpec SELECT owner, name, specJson FROM wideSchedule;
DROP TABLE wideSchedule;

-- The spec of all jobs of a schedule from a number on, up to the next such row, but for those with a spec of their own.
CREATE TABLE template (
  owner TEXT NOT NULL,
  schedule TEXT NOT NULL,
  fromJob INTEGER NOT NULL CHECK (fromJob > 0),
  -- Of these jobs.
  name TEXT NOT NULL,
  specJson TEXT NOT NULL,
  settings TEXT NOT NULL,
  PRIMARY KEY (owner, schedule, fromJob)
) STRICT;

DELETE FROM range WHERE job IN (
  SELECT id FROM job WHERE json_valid(factsJson) AND json_extract(factsJson, '$.array') IS NULL);
