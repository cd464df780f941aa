-- An owner's crontab: its text as it was written, and the names of the schedules that its lines are, in their order.
CREATE TABLE crontab (
  owner TEXT PRIMARY KEY,
  text TEXT NOT NULL,
  namesJson TEXT NOT NULL
) STRICT, WITHOUT ROWID;
