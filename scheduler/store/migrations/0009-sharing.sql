-- Unix groups whose members may see, stop and restart jobs of an owner: all of them, or one.
CREATE TABLE sharing (
  owner TEXT NOT NULL,
  job INTEGER NOT NULL CHECK (job >= 0),
  "group" TEXT NOT NULL,
  "by" TEXT NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY (owner, job, "group")
) STRICT;
CREATE INDEX sharingOfJob ON sharing (job) WHERE job > 0;
