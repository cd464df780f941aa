-- How much there is of each named resource, in the grid and on single nodes. What of it is held is told by the tasks that
-- have a place, and stands nowhere else.
CREATE TABLE resource (
  name TEXT PRIMARY KEY,
  dataJson TEXT NOT NULL
) STRICT, WITHOUT ROWID;
