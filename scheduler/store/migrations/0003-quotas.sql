-- What operators and managers said about quotas, one row for each subject: everybody, a group, an owner.
CREATE TABLE quota (
  subject TEXT PRIMARY KEY CHECK (subject = 'default' OR subject LIKE 'group:_%' OR subject LIKE 'owner:_%'),
  dataJson TEXT NOT NULL
) STRICT, WITHOUT ROWID;
